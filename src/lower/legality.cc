#include "lower/legality.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <set>
#include <string>

#include "lower/nearest.h"
#include "lower/pipeline.h"

namespace fastpath {
namespace {

class Checker {
 public:
  Checker(const Workload& workload, const Limits& limits, const Plan& plan)
      : workload_(workload), limits_(limits), plan_(plan) {}

  Diagnostics run() {
    if (!check_positive()) return std::move(mistakes_);
    check_tensor();
    check_context();
    check_expert();
    check_pipeline();
    check_batch();
    check_order();
    return std::move(mistakes_);
  }

 private:
  void mistake(std::string what, std::string hint) {
    mistakes_.push_back({Place{"plan", 0, 0}, std::move(what), std::move(hint)});
  }

  bool check_positive() {
    const std::pair<const char*, int> values[] = {
        {"tp", plan_.tensor_parallel},   {"cp", plan_.context_parallel},
        {"ep", plan_.expert_parallel},   {"dp", plan_.data_parallel},
        {"pp", plan_.pipeline_parallel}, {"virtual stages", plan_.virtual_stages}};
    for (const auto& [name, value] : values) {
      if (value < 1) mistake(std::string(name) + " must be at least 1", "leave it out for 1");
    }
    if (plan_.micro_batch < 0) mistake("micro_batch must not be negative", "");
    if (plan_.zero_stage < 0 || plan_.zero_stage > 3) {
      mistake("zero=" + std::to_string(plan_.zero_stage) + " does not exist", "use 0, 1, 2 or 3");
    }
    return mistakes_.empty();
  }

  static bool divides(const Dim& dim, std::int64_t ways) {
    if (dim.size % ways == 0) return true;
    return dim.kind == DimKind::kv_heads && ways % dim.size == 0;
  }

  void check_tensor() {
    const std::int64_t ways = plan_.tensor_parallel;
    if (ways == 1) return;
    if (limits_.tensor_dims.empty()) {
      mistake("tp=" + std::to_string(ways) + ": nothing in '" + workload_.name +
                  "' can be split over tensor ranks",
              "use dp or pp");
      return;
    }
    const auto legal = [&](std::int64_t candidate) {
      return std::all_of(limits_.tensor_dims.begin(), limits_.tensor_dims.end(),
                         [&](const Dim& dim) { return divides(dim, candidate); });
    };
    if (legal(ways)) return;
    std::string reasons;
    for (const Dim& dim : limits_.tensor_dims) {
      if (divides(dim, ways)) continue;
      if (!reasons.empty()) reasons += ", ";
      reasons += dim.name + " " + std::to_string(dim.size);
    }
    std::int64_t largest = 1;
    for (const Dim& dim : limits_.tensor_dims)
      largest = std::max(largest, dim.size);
    mistake("tp=" + std::to_string(ways) + " does not divide " + reasons,
            "the nearest legal value is tp=" + std::to_string(nearest_legal(ways, largest, legal)));
  }

  void check_context() {
    const std::int64_t ways = plan_.context_parallel;
    const bool shared = plan_.sequence_parallel && plan_.tensor_parallel > 1;
    const std::int64_t all = shared ? ways * plan_.tensor_parallel : ways;
    if (all == 1) return;
    if (limits_.sequence == 1 && ways == 1) return;
    const auto legal = [&](std::int64_t candidate) {
      return limits_.sequence % (shared ? candidate * plan_.tensor_parallel : candidate) == 0;
    };
    if (legal(ways) && limits_.sequence > 1) return;
    if (limits_.sequence == 1) {
      mistake("cp=" + std::to_string(ways) + ": this phase computes one token a sequence",
              "split the batch (dp) or the heads (tp) instead");
      return;
    }
    mistake((shared ? "cp x tp (sequence parallel) = " : "cp=") + std::to_string(all) +
                " does not divide the sequence of " + std::to_string(limits_.sequence),
            "the nearest legal value is cp=" +
                std::to_string(nearest_legal(ways, limits_.sequence, legal)));
  }

  void check_expert() {
    const std::int64_t ways = plan_.expert_parallel;
    if (ways == 1) return;
    if (limits_.experts == 1) {
      mistake("ep=" + std::to_string(ways) + ": '" + workload_.name + "' has no experts",
              "leave ep out");
      return;
    }
    const auto legal = [&](std::int64_t candidate) {
      return limits_.experts % candidate == 0 && plan_.data_parallel % candidate == 0;
    };
    if (legal(ways)) return;
    mistake("ep=" + std::to_string(ways) + " must divide the " + std::to_string(limits_.experts) +
                " experts and dp=" + std::to_string(plan_.data_parallel) +
                " (experts are spread over data ranks)",
            "the nearest legal value is ep=" +
                std::to_string(nearest_legal(ways, plan_.data_parallel, legal)));
  }

  void check_pipeline() {
    check_schedule();
    const bool positive = plan_.first_stage_layers >= 0 && plan_.last_stage_layers >= 0 &&
                          plan_.recompute_layers >= 0;
    if (!positive) mistake("layers of a stage must not be negative", "leave them out");
    if (plan_.recompute_layers > 0 && plan_.recompute != Recompute::full) {
      mistake("a number of recomputed layers needs full recomputation",
              "use recompute=full:" + std::to_string(plan_.recompute_layers));
    }
    const bool uneven = plan_.first_stage_layers > 0 || plan_.last_stage_layers > 0;
    if (uneven && !limits_.layered) {
      mistake("'" + workload_.name + "' has no repeated layers to count", "leave first_stage out");
      return;
    }
    if (!check_stage_count() || !positive || !uneven) return;
    check_ends();
  }

  void check_schedule() {
    const std::int64_t ranks = plan_.pipeline_parallel;
    const bool interleaved = plan_.schedule == Schedule::interleaved;
    if (plan_.virtual_stages > 1 && !interleaved) {
      mistake("virtual stages need the interleaved schedule",
              "use schedule=interleaved:" + std::to_string(plan_.virtual_stages));
    }
    if (interleaved && ranks == 1 && plan_.virtual_stages > 1) {
      mistake("the interleaved schedule needs pp above 1", "use pp, or leave schedule out");
    }
    if (plan_.schedule == Schedule::zb_v && ranks == 1) {
      mistake("schedule zb-v needs pp above 1", "the nearest legal value is pp=2");
    }
    if (plan_.schedule == Schedule::dualpipe && ranks % 2 != 0) {
      mistake(
          "schedule dualpipe needs an even pp, not " + std::to_string(ranks),
          "the nearest legal value is pp=" + std::to_string(std::max<std::int64_t>(2, ranks - 1)));
    }
    const bool parted = plan_.schedule == Schedule::zb_h1 || plan_.schedule == Schedule::zb_v ||
                        plan_.schedule == Schedule::dualpipe;
    if (parted && workload_.phase != Phase::training) {
      mistake("this schedule orders backward passes, and only training has them",
              "leave schedule out");
    }
  }

  /// Each stage needs a layer, or an end that counts as one.
  bool check_stage_count() {
    const std::int64_t stages = chain_of(plan_);
    const EndLayers ends = end_layers(limits_, plan_);
    const std::int64_t most = limits_.layers + ends.first + ends.last;
    if (stages <= most) return true;
    const std::int64_t by_rank = stages / plan_.pipeline_parallel;
    const std::string counted = ends.first + ends.last > 0 ? " and the ends" : "";
    mistake(std::to_string(stages) + " pipeline stages for " + std::to_string(limits_.layers) +
                " layers" + counted,
            "the nearest legal value is pp=" +
                std::to_string(std::max<std::int64_t>(1, most / by_rank)));
    return false;
  }

  /// What the first and the last stage leave must be shared out over the others.
  void check_ends() {
    const std::int64_t first = plan_.first_stage_layers;
    const std::int64_t last = plan_.last_stage_layers;
    const std::int64_t others = chain_of(plan_) - (first > 0 ? 1 : 0) - (last > 0 ? 1 : 0);
    const bool on_first = first >= last;
    const std::string word = on_first ? "first_stage=" : "last_stage=";
    if (others < 0) {
      mistake("first_stage and last_stage name the same, only stage", "leave one out");
      return;
    }
    const EndLayers ends = end_layers(limits_, plan_);
    const std::int64_t left = limits_.layers - first - last + ends.first + ends.last;
    if (others == 0 ? left == 0 : left >= others) return;
    const std::int64_t nearest = (on_first ? first : last) + left - others;
    mistake(word + std::to_string(on_first ? first : last) + " leaves " +
                std::to_string(std::max<std::int64_t>(0, left)) + " of " +
                std::to_string(limits_.layers) + " layers to the " + std::to_string(others) +
                " other stages",
            nearest > 0 ? "the nearest legal value is " + word + std::to_string(nearest)
                        : "lower pp, or leave first_stage and last_stage out");
  }

  void check_batch() {
    const std::int64_t ranks = plan_.data_parallel;
    if (!limits_.has_batch) {
      if (ranks > 1) mistake("dp=" + std::to_string(ranks) + ": the workload has no batch", "");
      return;
    }
    const bool training = workload_.phase == Phase::training;
    const std::int64_t rows = plan_.micro_batch > 0 ? plan_.micro_batch : 1;
    const std::int64_t step = ranks * rows;
    if (limits_.batch % step != 0) {
      const auto legal = [&](std::int64_t n) { return limits_.batch % (n * rows) == 0; };
      const std::int64_t up = (limits_.batch + step - 1) / step * step;
      const std::string rank_hint =
          "dp=" + std::to_string(nearest_legal(ranks, limits_.batch, legal)) + " or a batch of " +
          std::to_string(up);
      mistake("dp x micro_batch = " + std::to_string(step) + " does not divide the " +
                  (training ? "global batch of " : "batch of ") + std::to_string(limits_.batch),
              "the nearest legal value is " + rank_hint);
      return;
    }
    if (training) check_micro_batches(micro_batches_of(limits_, workload_.phase, plan_));
  }

  void check_micro_batches(const MicroBatches& batches) {
    const std::int64_t ranks = plan_.pipeline_parallel;
    const auto nearest_batch = [&](std::int64_t count) {
      return "the nearest legal value is a batch of " +
             std::to_string(count * batches.rows * plan_.data_parallel);
    };
    const bool interleaved = plan_.schedule == Schedule::interleaved && plan_.virtual_stages > 1;
    if (interleaved && batches.count % ranks != 0) {
      const std::int64_t up = (batches.count + ranks - 1) / ranks * ranks;
      const bool down = batches.count > ranks && batches.count % ranks * 2 <= ranks;
      mistake("the interleaved schedule needs a number of micro-batches that pp=" +
                  std::to_string(ranks) + " divides; there are " + std::to_string(batches.count),
              nearest_batch(down ? up - ranks : up));
    }
    const bool both_ways = plan_.schedule == Schedule::dualpipe;
    if (both_ways && (batches.count % 2 != 0 || batches.count < 2 * ranks)) {
      const std::int64_t even = batches.count + batches.count % 2;
      mistake("schedule dualpipe needs an even number of micro-batches, at least 2 x pp = " +
                  std::to_string(2 * ranks) + "; there are " + std::to_string(batches.count),
              nearest_batch(std::max(2 * ranks, even)));
    }
  }

  void check_order() {
    std::set<MeshAxis> seen(plan_.order.begin(), plan_.order.end());
    if (seen.size() != plan_.order.size()) {
      mistake("order names an axis twice", "name each of tp, cp, ep, dp, pp once");
    }
  }

  const Workload& workload_;
  const Limits& limits_;
  const Plan& plan_;
  Diagnostics mistakes_;
};

bool limits_tensor_parallelism(DimKind kind) {
  return kind == DimKind::heads || kind == DimKind::kv_heads || kind == DimKind::ffn ||
         kind == DimKind::channels;
}

void count_tables(const Workload& workload, Limits& limits) {
  for (const Block& block : workload.blocks) {
    for (const Op& op : block.ops) {
      if (op.kind != OpKind::embedding) continue;
      const Tensor& table = block.tensors[op.inputs[1]];
      if (table.role != TensorRole::weight) continue;
      limits.tables = true;
      limits.columns = std::gcd(limits.columns, workload.dims[table.axes.back().dim].size);
    }
  }
}

/// Dims that executed blocks use.
std::vector<bool> used_dims(const Workload& workload) {
  std::vector<bool> used(workload.dims.size(), false);
  for (const Segment& segment : workload.segments) {
    if (segment.use != SegmentUse::executed) continue;
    for (const Tensor& tensor : workload.blocks[segment.block].tensors) {
      for (const Axis& axis : tensor.axes)
        used[axis.dim] = true;
    }
  }
  return used;
}

void count_layers(const Workload& workload, Limits& limits) {
  std::int64_t blocks = 0;
  limits.layers = 0;
  for (const Segment& segment : workload.segments) {
    if (segment.use != SegmentUse::executed) continue;
    blocks += segment.repeat;
    const bool layer = repeats(workload, segment.block);
    if (layer) limits.layers += segment.repeat;
    if (!layer && limits.layers == 0) limits.embedding = true;
    limits.head = !layer;
  }
  limits.layered = limits.layers > 0;
  if (!limits.layered) limits.layers = std::max<std::int64_t>(1, blocks);
}

}  // namespace

Limits limits_of(const Workload& workload) {
  Limits limits;
  const std::vector<bool> used = used_dims(workload);
  std::int64_t sequence = 0;
  std::int64_t experts = 0;
  for (std::size_t id = 0; id < workload.dims.size(); ++id) {
    const Dim& dim = workload.dims[id];
    if (!used[id]) continue;
    if (dim.kind == DimKind::batch) {
      limits.batch = dim.size;
      limits.has_batch = true;
    }
    if (dim.kind == DimKind::sequence && dim.size > 1) sequence = std::gcd(sequence, dim.size);
    if (dim.kind == DimKind::experts) experts = std::gcd(experts, dim.size);
    if (limits_tensor_parallelism(dim.kind)) limits.tensor_dims.push_back(dim);
  }
  limits.sequence = std::max<std::int64_t>(1, sequence);
  limits.experts = std::max<std::int64_t>(1, experts);
  count_layers(workload, limits);
  count_tables(workload, limits);
  return limits;
}

EndLayers end_layers(const Limits& limits, const Plan& plan) {
  if (!plan.ends_are_layers || !limits.layered) return {};
  return {limits.embedding && plan.first_stage_layers == 0 ? 1 : 0,
          limits.head && plan.last_stage_layers == 0 ? 1 : 0};
}

bool repeats(const Workload& workload, std::uint32_t block) {
  std::int64_t times = 0;
  for (const Segment& segment : workload.segments) {
    if (segment.block == block && segment.use == SegmentUse::executed) times += segment.repeat;
  }
  return times > 1;
}

Diagnostics mistakes_in_plan(const Workload& workload, const Limits& limits, const Plan& plan) {
  return Checker(workload, limits, plan).run();
}

MicroBatches micro_batches_of(const Limits& limits, Phase phase, const Plan& plan) {
  MicroBatches result;
  const std::int64_t local = limits.batch / plan.data_parallel;
  const bool one = phase == Phase::training && (limits.sequence > 1 || plan.pipeline_parallel > 1);
  result.rows = plan.micro_batch > 0 ? plan.micro_batch
                : one                ? 1
                                     : std::max<std::int64_t>(1, local);
  result.count = std::max<std::int64_t>(1, local / std::max<std::int64_t>(1, result.rows));
  return result;
}

}  // namespace fastpath
