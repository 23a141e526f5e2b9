/// Lowers many plans of one workload; equal blocks under equal splits are lowered once.
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/result.h"

#include "lower/block_key.h"
#include "lower/legality.h"
#include "lower/splitting.h"
#include "lower/stages.h"
#include "lower/update.h"

namespace fastpath {

class Lowerer {
 public:
  explicit Lowerer(Workload workload);

  const Workload& workload() const { return workload_; }

  /// The workload as the plan changes it: formats, adapters, packed documents. Block and dimension
  /// indices stay; blocks may get more operators. Valid as long as the Lowerer.
  const Workload& workload(const Plan& plan) { return prepared(plan).workload; }

  const Limits& limits() const { return limits_; }

  /// Empty if the plan is legal.
  Diagnostics mistakes(const Plan& plan) const;

  MicroBatches micro_batches(const Plan& plan) const {
    return micro_batches_of(limits_, workload_.phase, plan);
  }

  /// All blocks of the workload under a legal plan, by block index. Where the plan recomputes some
  /// layers of a stage only, all blocks follow once more as they are without recomputation.
  std::vector<BlockProgram> lower_blocks(const Plan& plan);

  /// Blocks of each stage (index into what lower_blocks returns). Remembered.
  const std::vector<std::vector<StageBlock>>& stages(const Plan& plan);

 private:
  /// What a plan makes of the workload.
  struct Prepared {
    Workload workload;
    std::vector<std::vector<OpDims>> op_dims;  ///< [block][op]
  };
  using PreparedKey =
      std::tuple<std::optional<NumberFormat>, std::optional<NumberFormat>, int, int, bool>;

  const Prepared& prepared(const Plan& plan);

  Workload workload_;
  Limits limits_;
  std::map<PreparedKey, Prepared> prepared_;
  std::map<StageKey, std::vector<std::vector<StageBlock>>> stages_;
};

/// Sum over a stage's blocks, with their repeats.
BlockMemory stage_memory(const std::vector<StageBlock>& stage,
                         const std::vector<BlockMemory>& by_block);

}  // namespace fastpath
