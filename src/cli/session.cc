#include "cli/session.h"

#include "base/text.h"
#include "report/json_text.h"

namespace fastpath::cli {
namespace {

constexpr std::string_view kRed = "\x1b[1;31m";
constexpr std::string_view kYellow = "\x1b[1;33m";
constexpr std::string_view kReset = "\x1b[0m";

/// Lines without control characters: messages quote what files hold.
std::string printable_lines(std::string_view text) {
  std::string out;
  for (const std::string_view line : split(text, '\n')) {
    if (!out.empty()) out += '\n';
    out += line.data() == text.data() ? printable(line) : "  " + printable(line);
  }
  return out;
}

std::string with_color(std::string line, std::string_view severity) {
  const std::string word = std::string(severity) + ":";
  const std::size_t at = line.find(word);
  if (at == std::string::npos) return line;
  line.insert(at + word.size(), kReset);
  line.insert(at, severity == "error" ? kRed : kYellow);
  return line;
}

}  // namespace

void Session::answer(std::string_view text) { world_.out << text; }

bool Session::colored(bool terminal) const {
  if (color_ == "always") return true;
  if (color_ == "never") return false;
  const std::optional<std::string> no_color = environment("NO_COLOR");
  return terminal && (!no_color || no_color->empty());
}

void Session::diagnose(const Diagnostics& diagnostics, std::string_view severity) {
  for (const Diagnostic& diagnostic : diagnostics) {
    std::string text = printable_lines(trim(format_diagnostic(diagnostic, severity)));
    if (colored(world_.err_is_terminal)) text = with_color(std::move(text), severity);
    world_.err << text << '\n';
  }
}

int Session::fail(const Diagnostics& mistakes) {
  diagnose(mistakes, "error");
  return kUserMistake;
}

void Session::warn(const Diagnostics& warnings) {
  if (!quiet_) diagnose(warnings, "warning");
}

void Session::say(std::string_view text) {
  if (!quiet_) world_.err << text << '\n';
}

void Session::progress(std::string_view text) {
  if (!shows_progress()) return;
  world_.err << '\r' << text << "\x1b[K" << std::flush;
}

TextStyle Session::style() const {
  return {.color = colored(world_.out_is_terminal), .width = world_.width};
}

std::optional<std::string> Session::environment(const std::string& name) const {
  return world_.environment ? world_.environment(name) : std::nullopt;
}

}  // namespace fastpath::cli
