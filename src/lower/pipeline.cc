#include "lower/pipeline.h"

namespace fastpath {
namespace {

/// The second chunk lies in the order of ranks reversed.
bool turns_back(const Plan& plan) {
  return plan.schedule == Schedule::zb_v || plan.schedule == Schedule::dualpipe;
}

}  // namespace

std::int64_t chunks_of(const Plan& plan) {
  switch (plan.schedule) {
    case Schedule::gpipe:
    case Schedule::one_f_one_b:
    case Schedule::zb_h1: return 1;
    case Schedule::interleaved: return plan.virtual_stages;
    case Schedule::zb_v:
    case Schedule::dualpipe: return 2;
  }
  return 1;
}

std::int64_t chain_of(const Plan& plan) {
  const std::int64_t copies = plan.schedule == Schedule::dualpipe ? 2 : 1;
  return plan.pipeline_parallel * chunks_of(plan) / copies;
}

std::int64_t rank_of_stage(const Plan& plan, std::int64_t stage) {
  const std::int64_t ranks = plan.pipeline_parallel;
  return turns_back(plan) && stage >= ranks ? 2 * ranks - 1 - stage : stage % ranks;
}

std::int64_t stage_of(const Plan& plan, std::int64_t rank, std::int64_t chunk) {
  const std::int64_t ranks = plan.pipeline_parallel;
  return turns_back(plan) && chunk == 1 ? 2 * ranks - 1 - rank : chunk * ranks + rank;
}

}  // namespace fastpath
