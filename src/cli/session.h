/// The world outside, as verbs see it: streams, environment, and what the user wants printed.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "fastpath/result.h"

#include "report/text_report.h"

namespace fastpath {
struct RankLink;
}

namespace fastpath::cli {

inline constexpr int kAnswered = 0;
inline constexpr int kInfeasible = 1;
inline constexpr int kUserMistake = 2;
inline constexpr int kOurBug = 70;

/// Streams and environment of the process, or of a test.
struct World {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int width = 100;
  const RankLink* ranks = nullptr;  ///< other processes of one job; null = none
  std::function<std::optional<std::string>(const std::string&)> environment;
};

/// stdout is the answer, stderr the talk.
class Session {
 public:
  explicit Session(World world) : world_(std::move(world)) {}

  /// `color` is auto, always or never; auto: on a terminal, unless NO_COLOR is set.
  void set_color(std::string_view color) { color_ = color; }
  void set_quiet(bool quiet) { quiet_ = quiet; }

  /// Appends to the answer.
  void answer(std::string_view text);

  /// Prints mistakes in compilers' form; returns kUserMistake.
  int fail(const Diagnostics& mistakes);

  /// Prints doubts, unless quiet.
  void warn(const Diagnostics& warnings);

  /// One line of talk, unless quiet.
  void say(std::string_view text);

  /// Replaces the last line of the terminal; nothing where the talk goes elsewhere.
  void progress(std::string_view text);
  bool shows_progress() const { return world_.err_is_terminal && !quiet_; }

  /// The other processes of this job; null if it is alone.
  const RankLink* ranks() const { return world_.ranks; }

  TextStyle style() const;
  std::optional<std::string> environment(const std::string& name) const;

 private:
  bool colored(bool terminal) const;
  void diagnose(const Diagnostics& diagnostics, std::string_view severity);

  World world_;
  std::string color_ = "auto";
  bool quiet_ = false;
};

}  // namespace fastpath::cli
