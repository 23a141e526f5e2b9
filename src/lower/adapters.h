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

/// Adapters that are served together beside one model; each sequence uses one of them.
struct ServedAdapters {
  std::int64_t count = 0;  ///< in the device's memory; 0 = none
  std::int64_t rank = 16;

  friend bool operator==(const ServedAdapters&, const ServedAdapters&) = default;
};

/// Gives each dense product with a weight, but routers, embedding and head, two grouped products
/// beside it: y = x w + (x a) b, a and b those of the row's adapter, the sum within the second
/// (arXiv 2310.18547, 2311.03285). Which adapters a step reads follows from its sequences, each of
/// which picks any of them. For inference only.
void serve_adapters(Workload& workload, const ServedAdapters& adapters);

/// Whether the tensor is one that serve_adapters has added: it keeps its format under any plan.
bool is_served_adapter(const Workload& workload, const Tensor& tensor);

/// Products of serve_adapters run before the all-reduce of what they are added to: on partial sums,
/// of which they make partial sums.
bool keeps_partial_sums(const Op& op);

}  // namespace fastpath
