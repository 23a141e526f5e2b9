/// How a unit is printed: its suffix in keys, and its scales for people.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fastpath/findings.h"

namespace fastpath {

/// A printed unit: a value is shown as value / factor, followed by `name`.
struct Scale {
  double factor = 1;
  std::string_view name;
};

/// The base unit as keys and CSV headers spell it: "s", "B", "FLOP_per_s"; empty for plain numbers.
std::string_view key_unit(Unit unit);

/// `name` with its unit: "time_s", "traffic_B", "tokens_per_s", "share".
std::string key_of(const Column& column);

/// Scales of a unit for people, in ascending order; bytes are binary (GiB). Empty for ratio, count
/// and plain numbers.
std::span<const Scale> scales_of(Unit unit);

/// The scale in which the magnitude `largest` reads best: 1 to 1000 (1024 for bytes).
Scale scale_for(Unit unit, double largest);

}  // namespace fastpath
