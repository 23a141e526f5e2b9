/// Lowers many plans of one workload; equal blocks under equal splits are lowered once.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/result.h"

#include "lower/legality.h"
#include "lower/splitting.h"
#include "lower/stages.h"

namespace fastpath {

/// What a block's program depends on. Plans that differ only in pipeline depth, schedule or the
/// number of micro-batches share their blocks.
struct BlockKey {
  Plan plan;
  std::int64_t rows = 1;

  friend bool operator==(const BlockKey&, const BlockKey&) = default;
};

BlockKey block_key(const Plan& plan, std::int64_t rows);

struct BlockKeyHash {
  std::size_t operator()(const BlockKey& key) const;
};

class Lowerer {
 public:
  explicit Lowerer(Workload workload);

  const Workload& workload() const { return workload_; }
  const Limits& limits() const { return limits_; }

  /// Empty if the plan is legal.
  Diagnostics mistakes(const Plan& plan) const;

  MicroBatches micro_batches(const Plan& plan) const {
    return micro_batches_of(limits_, workload_.phase, plan);
  }

  /// All blocks of the workload under a legal plan, by block index.
  std::vector<BlockProgram> lower_blocks(const Plan& plan) const;

  /// Blocks of each stage (index into what lower_blocks returns). Remembered.
  const std::vector<std::vector<StageBlock>>& stages(const Plan& plan);

 private:
  Workload workload_;
  Limits limits_;
  std::vector<std::vector<OpDims>> op_dims_;  ///< [block][op]
  std::map<StageKey, std::vector<std::vector<StageBlock>>> stages_;
};

/// After the last micro-batch: gradient reduction, optimizer, gather of updated weights, for a
/// stage whose blocks' memory sums to `memory`.
std::vector<Task> update_tasks(const Plan& plan, const BlockMemory& memory);

/// Sum over a stage's blocks, with their repeats.
BlockMemory stage_memory(const std::vector<StageBlock>& stage,
                         const std::vector<BlockMemory>& by_block);

}  // namespace fastpath
