#include "whatif/edits.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "ir/names.h"

namespace fastpath {
namespace {

constexpr std::array<std::string_view, 12> kWords{
    "device", "format", "kernels", "kernels:", "collectives", "link",
    "copies", "launch", "host",    "sync",     "sync:",       "fuse"};
constexpr std::string_view kKernels = "kernels:";
constexpr std::string_view kSync = "sync:";
constexpr double kMostFactor = 1e6;

class EditReader {
 public:
  Result<Edits> read(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t start = text.find_first_not_of(' ', at);
      if (start == std::string_view::npos) break;
      const std::size_t end = std::min(text.find(' ', start), text.size());
      place_ = {.file = "what-if", .line = 1, .column = static_cast<int>(start + 1)};
      read_word(text.substr(start, end - start));
      at = end;
    }
    if (at == 0 || text.find_first_not_of(' ') == std::string_view::npos) {
      mistake("nothing is changed", "such as device=nvidia-h200-sxm or launch=0.5");
    }
    if (!mistakes_.empty()) return failure(std::move(mistakes_));
    return std::move(edits_);
  }

 private:
  void mistake(std::string what, std::string hint) {
    mistakes_.push_back({place_, std::move(what), std::move(hint)});
  }

  void read_word(std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == word.size()) {
      mistake(fmt::format("{} is not NAME=VALUE", in_quotes(word)), "such as launch=0.5");
      return;
    }
    const std::string_view key = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    if (key.starts_with(kKernels) && key.size() > kKernels.size()) {
      edits_.kernels.push_back({std::string(key.substr(kKernels.size())), factor(value)});
    } else if (key == "kernels") {
      edits_.kernels.push_back({std::string(), factor(value)});
    } else if (key == "device") {
      edits_.device = value;
    } else if (key == "format") {
      read_format(value);
    } else if (key == "sync") {
      edits_.no_sync = only(value, "off");
    } else if (key.starts_with(kSync) && key.size() > kSync.size()) {
      if (only(value, "off")) edits_.unwaited.emplace_back(key.substr(kSync.size()));
    } else if (key == "fuse") {
      edits_.fuse = only(value, "elementwise");
    } else if (double* const number = number_of(key)) {
      *number = key == "link" ? 1 / factor(value) : factor(value);
    } else {
      const std::vector<std::string> known(kWords.begin(), kWords.end());
      mistake(fmt::format("unknown change {}", in_quotes(key)), did_you_mean(key, known));
    }
  }

  double* number_of(std::string_view key) {
    if (key == "collectives" || key == "link") return &edits_.communication;
    if (key == "copies") return &edits_.copies;
    if (key == "launch") return &edits_.launch;
    if (key == "host") return &edits_.host;
    return nullptr;
  }

  double factor(std::string_view text) {
    const auto number = parse_number(text);
    if (number && *number > 0 && *number <= kMostFactor) return *number;
    mistake(fmt::format("{} is no factor above 0", in_quotes(text)), "0.5 halves a time");
    return 1;
  }

  bool only(std::string_view value, std::string_view known) {
    if (value == known) return true;
    mistake(fmt::format("{} is not known here", in_quotes(value)), fmt::format("only {}", known));
    return false;
  }

  void read_format(std::string_view value) {
    edits_.format = parse_name<NumberFormat>(value);
    if (edits_.format) return;
    mistake(fmt::format("unknown number format {}", in_quotes(value)),
            did_you_mean(value, all_names<NumberFormat>()));
  }

  Edits edits_;
  Diagnostics mistakes_;
  Place place_{.file = "what-if", .line = 1, .column = 1};
};

}  // namespace

Result<Edits> parse_edits(std::string_view text) { return EditReader().read(text); }

}  // namespace fastpath
