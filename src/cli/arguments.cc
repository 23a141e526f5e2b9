#include "cli/arguments.h"

#include <algorithm>
#include <memory>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace fastpath::cli {
namespace {

std::vector<const Flag*> flags_of(const Verb& verb) {
  std::vector<const Flag*> flags;
  for (const FlagGroup& group : verb.groups) {
    for (const Flag& flag : group.flags)
      flags.push_back(&flag);
  }
  for (const Flag& flag : common_flags().flags)
    flags.push_back(&flag);
  return flags;
}

/// What CLI11 found: values by flag, operands and words that fit nothing.
struct Found {
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  std::vector<std::string> operands;
  std::vector<std::string> unknown;
};

/// "--seq: 1 required TEXT missing" or "train was given ..." -> what is wrong with which flag.
Diagnostic explain_parse_error(const CLI::ParseError& error, const Verb& verb) {
  const std::string what = error.what();
  std::string flag = what.substr(0, what.find_first_of(": "));
  if (!flag.starts_with("--")) flag.insert(0, "--");
  for (const Flag* known : flags_of(verb)) {
    if ("--" + std::string(known->name) != flag) continue;
    if (known->kind == FlagKind::yes) {
      return {command_line(), fmt::format("{} takes no value", flag), ""};
    }
    return {command_line(), fmt::format("{} needs a value", flag),
            fmt::format("{} {}: {}", flag, known->value, known->help)};
  }
  return {command_line(), what, fmt::format("see fastpath {} --help", verb.name)};
}

Result<Found> scan(const Verb& verb, const std::vector<std::string>& words) {
  CLI::App app;
  app.set_help_flag("");
  app.set_config("");
  app.allow_extras();
  Found found;
  std::map<std::string, bool, std::less<>> switches;
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  for (const Flag* flag : flags_of(verb)) {
    const std::string name(flag->name);
    if (flag->kind == FlagKind::yes) {
      app.add_flag("--" + name, switches[name])->disable_flag_override();
    } else {
      app.add_option("--" + name, values[name])->allow_extra_args(false);
    }
  }
  app.add_option("operands", found.operands);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return failure({explain_parse_error(error, verb)});
  }
  for (auto& [name, value] : values) {
    if (!value.empty()) found.values[name] = std::move(value);
  }
  for (const auto& [name, given] : switches) {
    if (given) found.values[name] = {"yes"};
  }
  found.unknown = app.remaining();
  return found;
}

void check_unknown(const Verb& verb, const Found& found, Diagnostics& mistakes) {
  std::vector<std::string> known;
  for (const Flag* flag : flags_of(verb))
    known.push_back("--" + std::string(flag->name));
  for (const std::string& word : found.unknown) {
    if (!word.starts_with('-') || word == "--") continue;
    const std::string name = word.substr(0, word.find('='));
    const std::optional<std::string> near = nearest(name, known);
    mistakes.push_back({command_line(), fmt::format("unknown flag {}", name),
                        near ? fmt::format("did you mean {}?", *near)
                             : fmt::format("see fastpath {} --help", verb.name)});
  }
}

void check_value(const Flag& flag, const std::string& value, Diagnostics& mistakes) {
  if (flag.kind == FlagKind::whole) {
    const std::optional<long long> number = parse_integer(value);
    if (number && *number >= 1 && *number <= 1'000'000'000'000) return;
    mistakes.push_back(
        {command_line(),
         fmt::format("--{} takes a whole number above 0, not '{}'", flag.name, value),
         fmt::format("for example --{} 8", flag.name)});
  } else if (flag.kind == FlagKind::choice) {
    std::vector<std::string> choices;
    for (const std::string_view choice : split(flag.choices, '|'))
      choices.emplace_back(choice);
    if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
    mistakes.push_back({command_line(), fmt::format("unknown --{} '{}'", flag.name, value),
                        did_you_mean(value, choices)});
  } else if (value.empty()) {
    mistakes.push_back({command_line(), fmt::format("--{} is empty", flag.name),
                        fmt::format("--{} {}: {}", flag.name, flag.value, flag.help)});
  }
}

void check_values(const Verb& verb, const Found& found, Diagnostics& mistakes) {
  for (const Flag* flag : flags_of(verb)) {
    const auto given = found.values.find(flag->name);
    if (given == found.values.end()) continue;
    if (!flag->repeat && given->second.size() > 1) {
      mistakes.push_back({command_line(),
                          fmt::format("--{} is given {} times", flag->name, given->second.size()),
                          "give it once"});
    }
    for (const std::string& value : given->second)
      check_value(*flag, value, mistakes);
  }
}

void check_operands(const Verb& verb, const Found& found, Diagnostics& mistakes) {
  const auto count = static_cast<int>(found.operands.size());
  const std::string usage = fmt::format("usage: fastpath {}{}{} [flags]", verb.name,
                                        verb.operands.empty() ? "" : " ", verb.operands);
  if (count < verb.least_operands && !found.values.contains("help")) {
    mistakes.push_back({command_line(), fmt::format("{} is missing", verb.operands), usage});
  }
  for (int i = verb.most_operands; i < count; ++i) {
    mistakes.push_back(
        {command_line(),
         fmt::format("unexpected argument '{}'", found.operands[static_cast<std::size_t>(i)]),
         usage});
  }
}

}  // namespace

Place command_line() { return {.file = "command line"}; }

std::optional<std::string> Arguments::text(std::string_view flag) const {
  const auto found = values_.find(flag);
  if (found == values_.end()) return std::nullopt;
  return found->second.front();
}

std::string Arguments::text_or(std::string_view flag, std::string_view fallback) const {
  return text(flag).value_or(std::string(fallback));
}

std::optional<std::int64_t> Arguments::whole(std::string_view flag) const {
  const std::optional<std::string> value = text(flag);
  if (!value) return std::nullopt;
  const std::optional<long long> number = parse_integer(*value);
  return number ? std::optional<std::int64_t>(*number) : std::nullopt;
}

std::int64_t Arguments::whole_or(std::string_view flag, std::int64_t fallback) const {
  return whole(flag).value_or(fallback);
}

std::vector<std::string> Arguments::all(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Result<Arguments> parse_arguments(const Verb& verb, const std::vector<std::string>& words) {
  Result<Found> found = scan(verb, words);
  if (!found) return failure(std::move(found.error()));
  Diagnostics mistakes;
  check_unknown(verb, *found, mistakes);
  // A word behind an unknown flag was probably its value, not an operand too many.
  if (mistakes.empty()) check_operands(verb, *found, mistakes);
  check_values(verb, *found, mistakes);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  Arguments arguments;
  arguments.values_ = std::move(found->values);
  arguments.operands_ = std::move(found->operands);
  return arguments;
}

}  // namespace fastpath::cli
