/// The plans that a search covers: axes with values, and a stable numbering of all combinations.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/result.h"

#include "ir/plan_text.h"
#include "search/plan_axes.h"

namespace fastpath {

/// One word of a plan with the values that it may take.
struct SpaceAxis {
  std::string word;                     ///< of ir/plan_text.h, or "devices"
  std::vector<std::string> values;      ///< as text
  std::vector<Plan> plans;              ///< by value: a plan that has only this word set
  std::vector<std::int64_t> counts;     ///< by value, of the axis "devices" only
  const PlanAxis* plan_axis = nullptr;  ///< null for "devices"
};

/// The values of a word of a space: "1,2,4", ranges such as "1..8" and "1..64*2". Errors: ranges
/// that are none, more than 4096 values, values given twice.
Result<std::vector<std::string>> values_of_word(const PlanWord& word);

enum class PointKind : std::uint8_t {
  plan,
  redundant,    ///< the same plan as another point: a word that changes nothing here
  indivisible,  ///< the devices cannot be shared out: tp x cp x pp does not divide them
};

struct Point {
  PointKind kind = PointKind::plan;
  Plan plan;
};

/// All combinations of the values of the axes. The last axis of `axes` changes fastest.
class Space {
 public:
  /// Words `word=value,value,...` of a plan's text. A value may be a range of whole numbers,
  /// `1..8`, or of multiples, `1..64*2` (1, 2, 4, ..., 64); values that hold commas themselves
  /// (order, offload) are separated by `|`. Words that are left out keep the plan's default.
  /// `devices=...`: how many devices a plan uses; if dp is left out it follows from them:
  /// dp = devices / (tp cp pp). Without both, `devices` counts.
  ///
  /// Errors, of all words: what a plan's text refuses, values given twice, empty or huge ranges,
  /// dp together with devices, and more than 1e12 points.
  static Result<Space> of_words(std::span<const PlanWord> words, std::int64_t devices);

  /// The same from one line of text; `place` is where it starts.
  static Result<Space> parse(std::string_view text, std::int64_t devices, const Place& place);

  const std::vector<SpaceAxis>& axes() const { return axes_; }
  std::int64_t size() const { return size_; }

  /// Valid for 0 <= index < size().
  Point at(std::int64_t index) const;

  /// By axis: which of its values point `index` takes.
  std::vector<std::size_t> digits(std::int64_t index) const;
  std::int64_t index_of(const std::vector<std::size_t>& digits) const;

  /// Canonical: the same text, the same numbering.
  std::string text() const;

 private:
  Point point_of(const std::vector<std::size_t>& digits) const;

  std::vector<SpaceAxis> axes_;
  std::int64_t size_ = 1;
  std::size_t degrees_ = 0;  ///< axes up to dp: what the number of data ranks follows from
  bool derives_dp_ = false;
};

}  // namespace fastpath
