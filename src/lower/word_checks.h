/// Whether the words of a plan that refine a parallelism fit each other and the workload.
#pragma once

#include "lower/legality.h"

namespace fastpath {

/// Appends a mistake for each word that cannot be, with the nearest legal value. The sizes of the
/// mesh axes are at least 1; whether they divide the workload is checked elsewhere.
void check_words(const Workload& workload, const Limits& limits, const Plan& plan,
                 Diagnostics& mistakes);

}  // namespace fastpath
