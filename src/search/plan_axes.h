/// The words of a plan as axes of a space: which fields a word sets, and when it changes nothing.
#pragma once

#include <span>
#include <string_view>

#include "fastpath/plan.h"

namespace fastpath {

/// A word of ir/plan_text.h that can span an axis.
struct PlanAxis {
  std::string_view word;
  /// Copies the fields that the word sets.
  void (*copy)(const Plan& from, Plan& to);
  /// Whether the word changes what a plan does, whatever its value; none: it always does. Where it
  /// does not, all values of the axis are one plan. Reads only fields of axes before this one, and
  /// the degrees of parallelism.
  bool (*matters)(const Plan& plan) = nullptr;
};

/// In the order of enumeration: what splits blocks first, what only the end of a step sees last, so
/// that neighbours share their lowered blocks. `devices` is no word of a plan and not among them.
std::span<const PlanAxis> plan_axes();

}  // namespace fastpath
