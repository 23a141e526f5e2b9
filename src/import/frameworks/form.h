/// Looking knobs up; shared by reader and writer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "import/frameworks/knob.h"

namespace fastpath {

/// Null for unknown names.
const FrameworkForm* find_form(std::string_view name);

/// The failure of an unknown name.
Diagnostics unknown_framework(std::string_view name);

/// Pairs of theirs and ours; empty for the values that are no pairs.
std::vector<std::pair<std::string_view, std::string_view>> pairs_of(std::string_view values);

/// All knobs, those of `first` first.
std::vector<const Knob*> knobs_of(const FrameworkForm& form);

}  // namespace fastpath
