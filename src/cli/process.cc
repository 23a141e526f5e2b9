#include "cli/process.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/run.h"
#include "search/search.h"

namespace fastpath::cli {
namespace {

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 100;
  return std::clamp<int>(size.ws_col, 60, 120);
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

int run_process(int count, char** words, const RankLink* ranks) {
  std::ios::sync_with_stdio(false);
  const bool first = ranks == nullptr || ranks->rank == 0;
  if (!first) std::cout.setstate(std::ios::badbit);  // what is written is dropped
  try {
    World world{.out = std::cout,
                .err = std::cerr,
                .out_is_terminal = isatty(STDOUT_FILENO) == 1,
                .err_is_terminal = isatty(STDERR_FILENO) == 1,
                .width = terminal_width(),
                .ranks = ranks,
                .environment = environment};
    const int code =
        run(std::vector<std::string>(words + std::min(1, count), words + count), std::move(world));
    if (!first) return code;
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << "fastpath: error: the answer could not be written to standard output\n";
    return kUserMistake;
  } catch (const std::exception& error) {
    std::cerr << "fastpath: internal error: " << error.what()
              << "\n  this is a bug in fastpath: please report it with the command line\n";
    return kOurBug;
  }
}

}  // namespace fastpath::cli
