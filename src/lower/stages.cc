#include "lower/stages.h"

#include <algorithm>
#include <numeric>

#include "ir/semantics.h"

namespace fastpath {
namespace {

using Shares = std::vector<std::vector<StageBlock>>;

void append(std::vector<StageBlock>& stage, const Segment& segment, std::int64_t repeat) {
  const bool joins =
      !stage.empty() && stage.back().program == segment.block && stage.back().use == segment.use;
  if (joins) {
    stage.back().repeat += repeat;
  } else {
    stage.push_back({segment.block, repeat, segment.use});
  }
}

/// Layers of each stage of a chain.
std::vector<std::int64_t> quotas(const Limits& limits, const Plan& plan) {
  const std::int64_t stages = chain_of(plan);
  std::vector<std::int64_t> result(static_cast<std::size_t>(stages));
  const bool first_given = plan.first_stage_layers > 0;
  const bool last_given = plan.last_stage_layers > 0;
  const EndLayers ends = end_layers(limits, plan);
  const std::int64_t given = plan.first_stage_layers + plan.last_stage_layers;
  const std::int64_t left = limits.layers - given + ends.first + ends.last;
  const std::int64_t even = stages - (first_given ? 1 : 0) - (last_given ? 1 : 0);
  std::int64_t extra = even > 0 ? left % even : 0;
  for (std::int64_t s = 0; s < stages; ++s) {
    std::int64_t& layers = result[static_cast<std::size_t>(s)];
    if ((s == 0 && first_given) || (s + 1 == stages && last_given)) {
      layers = s == 0 && first_given ? plan.first_stage_layers : plan.last_stage_layers;
    } else {
      layers = left / even + (extra-- > 0 ? 1 : 0);
    }
  }
  result.front() -= ends.first;
  result.back() -= ends.last;
  return result;
}

Shares share_layers(const Workload& workload, const Limits& limits, const Plan& plan) {
  const std::vector<std::int64_t> layers = quotas(limits, plan);
  Shares shares(layers.size());
  std::size_t stage = 0;
  std::int64_t room = layers.front();
  std::int64_t unplaced = limits.layers;
  for (const Segment& segment : workload.segments) {
    const bool layer = segment.use == SegmentUse::executed && repeats(workload, segment.block);
    if (!layer) {
      append(unplaced == 0 ? shares.back() : shares[stage], segment, segment.repeat);
      continue;
    }
    for (std::int64_t left = segment.repeat; left > 0;) {
      while (room == 0)
        room = layers[++stage];
      const std::int64_t taken = std::min(left, room);
      append(shares[stage], segment, taken);
      left -= taken;
      room -= taken;
      unplaced -= taken;
    }
  }
  return shares;
}

/// The first `layers` layers of a stage stay what they are; the others become the blocks that keep
/// their activations.
std::vector<StageBlock> recomputed_in_part(const Workload& workload, std::int64_t layers,
                                           const std::vector<StageBlock>& stage) {
  const auto keeping = static_cast<std::uint32_t>(workload.blocks.size());
  std::vector<StageBlock> parted;
  for (const StageBlock& run : stage) {
    const bool layer = run.use == SegmentUse::executed && repeats(workload, run.program);
    const std::int64_t recomputed = layer ? std::min(layers, run.repeat) : run.repeat;
    if (recomputed > 0) parted.push_back({run.program, recomputed, run.use});
    if (run.repeat > recomputed) {
      parted.push_back({run.program + keeping, run.repeat - recomputed, run.use});
    }
    if (layer) layers -= recomputed;
  }
  return parted;
}

std::vector<double> work_by_segment(const Workload& workload) {
  const DimSizes sizes = whole_sizes(workload);
  std::vector<double> work;
  for (const Segment& segment : workload.segments) {
    double sum = 0;
    if (segment.use == SegmentUse::executed) {
      const Block& block = workload.blocks[segment.block];
      for (const Op& op : block.ops) {
        sum += forward_counts(workload, block, op, sizes).work.base();
      }
    }
    work.push_back(sum * static_cast<double>(segment.repeat));
  }
  return work;
}

/// Stages needed when none may exceed `limit`, keeping enough segments for the rest.
std::size_t stages_under(const std::vector<double>& work, double limit) {
  std::size_t count = 1;
  double sum = 0;
  for (const double part : work) {
    if (sum > 0 && sum + part > limit) {
      ++count;
      sum = 0;
    }
    sum += part;
  }
  return count;
}

double least_limit(const std::vector<double>& work, std::size_t stages) {
  double low = *std::max_element(work.begin(), work.end());
  double high = std::accumulate(work.begin(), work.end(), 0.0);
  constexpr int kBisections = 50;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (stages_under(work, middle) <= stages ? high : low) = middle;
  }
  return high;
}

Shares share_work(const Workload& workload, std::int64_t stages) {
  const std::vector<double> work = work_by_segment(workload);
  const auto count = static_cast<std::size_t>(stages);
  const double limit = least_limit(work, count);
  Shares shares(count);
  std::size_t stage = 0;
  double sum = 0;
  for (std::size_t i = 0; i < work.size(); ++i) {
    const std::size_t left = work.size() - i;
    const bool full = sum > 0 && sum + work[i] > limit;
    const bool must = !shares[stage].empty() && left <= count - 1 - stage;
    if (stage + 1 < count && (full || must)) {
      ++stage;
      sum = 0;
    }
    append(shares[stage], workload.segments[i], workload.segments[i].repeat);
    sum += work[i];
  }
  return shares;
}

}  // namespace

StageKey stage_key(const Plan& plan) {
  return {chain_of(plan),          plan.pipeline_parallel * chunks_of(plan),
          plan.first_stage_layers, plan.last_stage_layers,
          plan.ends_are_layers,    recomputes_part(plan) ? plan.recompute_layers : 0};
}

std::vector<std::vector<StageBlock>> share_out(const Workload& workload, const Limits& limits,
                                               const Plan& plan) {
  Shares shares =
      limits.layered ? share_layers(workload, limits, plan) : share_work(workload, chain_of(plan));
  if (recomputes_part(plan)) {
    for (std::vector<StageBlock>& stage : shares)
      stage = recomputed_in_part(workload, plan.recompute_layers, stage);
  }
  if (plan.schedule == Schedule::dualpipe) {
    const Shares copy = shares;
    shares.insert(shares.end(), copy.begin(), copy.end());
  }
  return shares;
}

}  // namespace fastpath
