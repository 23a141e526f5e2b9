/// LoRA (arXiv 2106.09685): a workload that trains low-rank adapters on frozen weights.
#pragma once

#include <cstdint>

#include "fastpath/workload.h"

namespace fastpath {

/// Freezes all weights and gives each product with a weight in a block that stands between
/// embedding and head two factors of `rank` beside it: y = x w + (x a) b, the scale in the sum.
/// Adapters have the format of the activations. A weight that several products share gets one pair
/// for each. Operators and tensors keep their order; new ones follow the product that they adapt.
void add_adapters(Workload& workload, std::int64_t rank);

}  // namespace fastpath
