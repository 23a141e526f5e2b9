#include "cli/model_fill.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath::cli {
namespace {

/// "name=value"; nothing, and a mistake, where it is not.
std::optional<std::pair<std::string, double>> pair_of(const std::string& text,
                                                      std::string_view flag, bool whole,
                                                      Diagnostics& mistakes) {
  const std::size_t equals = text.rfind('=');
  std::optional<double> value;
  if (equals != std::string::npos && equals > 0) value = parse_number(text.substr(equals + 1));
  const bool good =
      value &&
      (!whole || (*value >= 1 && *value == static_cast<double>(static_cast<std::int64_t>(*value))));
  if (good) return std::pair{text.substr(0, equals), *value};
  mistakes.push_back({command_line(),
                      fmt::format("--{} takes NAME={}, not '{}'", flag,
                                  whole ? "N with N above 0" : "NUMBER", text),
                      whole ? "for example --dim batch=8" : "for example --input sr=16000"});
  return std::nullopt;
}

std::string stem_of(const std::string& path) { return std::filesystem::path(path).stem().string(); }

/// Without the model in front; nothing where that is another than `model`.
std::optional<std::string> meant_for(const std::string& model,
                                     const std::vector<std::string>& models,
                                     const std::string& text) {
  const auto names = [&](const std::string& path) { return text.starts_with(stem_of(path) + ":"); };
  if (names(model)) return text.substr(stem_of(model).size() + 1);
  if (std::any_of(models.begin(), models.end(), names)) return std::nullopt;
  return text;
}

}  // namespace

RunnableOptions fill_of(const Arguments& arguments, const std::vector<std::string>& models,
                        const std::string& model, Diagnostics& mistakes) {
  RunnableOptions fill;
  for (const std::string& text : arguments.all("dim")) {
    const auto own = meant_for(model, models, text);
    if (!own) continue;
    if (const auto pair = pair_of(*own, "dim", true, mistakes)) {
      fill.dims.emplace_back(pair->first, static_cast<std::int64_t>(pair->second));
    }
  }
  for (const std::string& text : arguments.all("input")) {
    const auto own = meant_for(model, models, text);
    if (!own) continue;
    if (const auto pair = pair_of(*own, "input", false, mistakes)) fill.values.push_back(*pair);
  }
  fill.seed = static_cast<std::uint64_t>(arguments.whole_or("seed", 1));
  return fill;
}

RunnableOptions fill_of(const Arguments& arguments, Diagnostics& mistakes) {
  return fill_of(arguments, {}, {}, mistakes);
}

}  // namespace fastpath::cli
