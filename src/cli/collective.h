/// The verb collective.
#pragma once

#include <span>

#include "cli/verb.h"

namespace fastpath::cli {

/// --on, --devices, --min, --max, --library, --log, ...
std::span<const Flag> collective_flags();

}  // namespace fastpath::cli
