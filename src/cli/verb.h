/// What a verb is to the command line. The tables of verbs and flags are the one source for
/// parsing, help, completion and the manual page.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fastpath::cli {

class Arguments;
class Session;

enum class FlagKind : std::uint8_t {
  yes,     ///< no value
  text,    ///< any value
  whole,   ///< a whole number above 0
  choice,  ///< one of Flag::choices
  file,    ///< a path: completed as such
};

/// `--name VALUE`. `repeat`: may be given several times.
struct Flag {
  std::string_view name;
  FlagKind kind = FlagKind::yes;
  std::string_view value;  ///< how help names the value
  std::string_view help;
  std::string_view choices;  ///< separated by '|'
  bool repeat = false;
};

/// Flags of several verbs, under one heading in the help.
struct FlagGroup {
  std::string_view title;
  std::span<const Flag> flags;
};

struct Verb {
  std::string_view name;
  std::string_view summary;   ///< one line
  std::string_view operands;  ///< as usage shows them: "MODEL", "[NAME]"; empty = none
  int least_operands = 0;
  int most_operands = 0;
  std::span<const FlagGroup> groups;
  std::span<const std::string_view> examples;
  int (*run)(Session& session, const Arguments& arguments) = nullptr;
};

/// All verbs, in the order of the help.
std::span<const Verb> verbs();

/// Flags that every verb takes.
const FlagGroup& common_flags();

}  // namespace fastpath::cli
