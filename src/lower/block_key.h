/// What a block's program depends on. Plans that differ only in pipeline depth, schedule or the
/// number of micro-batches share their blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastpath/plan.h"

namespace fastpath {

/// A plan without the fields that change no block, and the rows of a micro-batch.
struct BlockKey {
  Plan plan;
  std::int64_t rows = 1;

  friend bool operator==(const BlockKey&, const BlockKey&) = default;
};

BlockKey block_key(const Plan& plan, std::int64_t rows);

struct BlockKeyHash {
  std::size_t operator()(const BlockKey& key) const;
};

}  // namespace fastpath
