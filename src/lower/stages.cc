#include "lower/stages.h"

#include <algorithm>
#include <numeric>

#include "ir/semantics.h"
#include "lower/legality.h"

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

/// Layers that stage `s` of `stages` gets.
std::int64_t quota(std::int64_t layers, std::int64_t stages, std::int64_t s) {
  return layers / stages + (s < layers % stages ? 1 : 0);
}

Shares share_layers(const Workload& workload, std::int64_t stages, std::int64_t layers) {
  Shares shares(static_cast<std::size_t>(stages));
  std::int64_t stage = 0;
  std::int64_t room = quota(layers, stages, 0);
  for (const Segment& segment : workload.segments) {
    const bool layer = segment.use == SegmentUse::executed && repeats(workload, segment.block);
    if (!layer) {
      append(shares[static_cast<std::size_t>(stage)], segment, segment.repeat);
      continue;
    }
    for (std::int64_t left = segment.repeat; left > 0;) {
      if (room == 0) room = quota(layers, stages, ++stage);
      const std::int64_t taken = std::min(left, room);
      append(shares[static_cast<std::size_t>(stage)], segment, taken);
      left -= taken;
      room -= taken;
    }
  }
  return shares;
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

namespace {

/// The second chunk lies in the order of ranks reversed.
bool turns_back(const Plan& plan) {
  return plan.schedule == Schedule::zb_v || plan.schedule == Schedule::dualpipe;
}

}  // namespace

std::int64_t rank_of_stage(const Plan& plan, std::int64_t stage) {
  const std::int64_t ranks = plan.pipeline_parallel;
  return turns_back(plan) && stage >= ranks ? 2 * ranks - 1 - stage : stage % ranks;
}

std::int64_t stage_of(const Plan& plan, std::int64_t rank, std::int64_t chunk) {
  const std::int64_t ranks = plan.pipeline_parallel;
  return turns_back(plan) && chunk == 1 ? 2 * ranks - 1 - rank : chunk * ranks + rank;
}

StageKey stage_key(const Plan& plan) {
  return {chain_of(plan), plan.pipeline_parallel * chunks_of(plan), plan.first_stage_layers,
          plan.last_stage_layers, plan.ends_are_layers};
}

std::vector<std::vector<StageBlock>> share_out(const Workload& workload, const Plan& plan) {
  std::int64_t layers = 0;
  for (const Segment& segment : workload.segments) {
    const bool layer = segment.use == SegmentUse::executed && repeats(workload, segment.block);
    if (layer) layers += segment.repeat;
  }
  const std::int64_t chain = chain_of(plan);
  Shares shares = layers > 0 ? share_layers(workload, chain, layers) : share_work(workload, chain);
  if (plan.schedule == Schedule::dualpipe) {
    shares.reserve(2 * shares.size());
    for (std::int64_t s = 0; s < chain; ++s)
      shares.push_back(shares[static_cast<std::size_t>(s)]);
  }
  return shares;
}

}  // namespace fastpath
