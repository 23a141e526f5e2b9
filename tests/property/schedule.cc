// Laws of pipeline schedules: every order runs to its end, and its time and memory are those of the
// papers where these give a closed form.
#include "engine/schedule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "lower/pipeline.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

struct Case {
  Plan plan;
  std::int64_t micro_batches = 1;
  ScheduleOrder order;
};

Case case_of(Schedule schedule, int ranks, std::int64_t micro_batches, int chunks = 1) {
  Case made;
  made.plan.schedule = schedule;
  made.plan.pipeline_parallel = ranks;
  made.plan.virtual_stages = chunks;
  made.micro_batches = micro_batches;
  made.order = order_of(made.plan, micro_batches, true);
  return made;
}

Case any_case() {
  const auto schedule =
      *rc::gen::element(Schedule::gpipe, Schedule::one_f_one_b, Schedule::interleaved,
                        Schedule::zb_h1, Schedule::zb_v, Schedule::dualpipe);
  int ranks = *rc::gen::inRange(1, 10);
  std::int64_t micro_batches = *rc::gen::inRange(1, 40);
  int chunks = 1;
  if (schedule == Schedule::dualpipe) {
    ranks += ranks % 2;
    micro_batches = 2 * (ranks + micro_batches / 2);
  }
  if (schedule == Schedule::interleaved) {
    chunks = *rc::gen::inRange(1, 5);
    micro_batches = ranks * (1 + micro_batches / 6);
  }
  return case_of(schedule, ranks, micro_batches, chunks);
}

/// Whole seconds, so that sums are exact.
std::vector<Seconds> any_times(std::int64_t count, int least) {
  std::vector<Seconds> times;
  for (std::int64_t i = 0; i < count; ++i)
    times.emplace_back(static_cast<double>(*rc::gen::inRange(least, 20)));
  return times;
}

StageTimes any_stage_times(std::int64_t stages) {
  return {any_times(stages, 1), any_times(stages, 1), any_times(stages, 1), any_times(stages, 1),
          any_times(stages, 0)};
}

StageTimes uniform(std::int64_t stages, double forward, double input, double weight) {
  const auto all = [&](double time) {
    return std::vector<Seconds>(static_cast<std::size_t>(stages), Seconds{time});
  };
  return {all(forward), all(input + weight), all(input), all(weight), all(0)};
}

double makespan_of(const ScheduleOrder& order, const StageTimes& times) {
  const ScheduleRun run = run_schedule(order, times);
  return std::max_element(run.end.begin(), run.end.end())->base();
}

double peak_of_kept(const ScheduleOrder& order, std::size_t rank) {
  const std::vector<KeptBytes> kept(static_cast<std::size_t>(order.stages),
                                    KeptBytes{Bytes{1}, Bytes{1}});
  return peak_in_flight(order, rank, kept).base();
}

double worst_kept(const ScheduleOrder& order) {
  double worst = 0;
  for (std::size_t rank = 0; rank < order.ranks.size(); ++rank)
    worst = std::max(worst, peak_of_kept(order, rank));
  return worst;
}

using Key = std::tuple<std::int32_t, std::int32_t, SlotPass>;

RC_GTEST_PROP(schedule, each_pass_of_each_micro_batch_runs_once_on_its_rank, ()) {
  const Case c = any_case();
  std::map<Key, int> seen;
  for (std::size_t rank = 0; rank < c.order.ranks.size(); ++rank) {
    for (const Slot& slot : c.order.ranks[rank]) {
      RC_ASSERT(rank_of_stage(c.plan, slot.stage) == static_cast<std::int64_t>(rank));
      ++seen[{slot.stage, slot.micro_batch, slot.pass}];
    }
  }
  const auto times = [&](std::int32_t stage, std::int32_t i, SlotPass pass) {
    const auto found = seen.find({stage, i, pass});
    return found == seen.end() ? 0 : found->second;
  };
  std::int64_t forwards = 0;
  for (std::int32_t stage = 0; stage < c.order.stages; ++stage) {
    for (std::int32_t i = 0; i < c.micro_batches; ++i) {
      const int forward = times(stage, i, SlotPass::forward);
      const int whole = times(stage, i, SlotPass::backward);
      RC_ASSERT(forward <= 1);
      RC_ASSERT(whole + times(stage, i, SlotPass::backward_input) == forward);
      RC_ASSERT(whole + times(stage, i, SlotPass::backward_weight) == forward);
      forwards += forward;
    }
  }
  RC_ASSERT(forwards == c.order.chain * c.micro_batches);
}

RC_GTEST_PROP(schedule, a_slot_starts_as_soon_as_its_rank_and_its_input_are_there, ()) {
  const Case c = any_case();
  const StageTimes times = any_stage_times(c.order.stages);
  const ScheduleRun run = run_schedule(c.order, times, true);
  std::map<Key, double> end;
  for (std::size_t rank = 0; rank < c.order.ranks.size(); ++rank) {
    for (std::size_t i = 0; i < c.order.ranks[rank].size(); ++i) {
      const Slot& slot = c.order.ranks[rank][i];
      end[{slot.stage, slot.micro_batch, slot.pass}] =
          run.starts[rank][i].base() +
          times.of(slot.pass)[static_cast<std::size_t>(slot.stage)].base();
    }
  }
  const auto input_end = [&](std::int32_t stage, std::int32_t i) {
    const auto whole = end.find({stage, i, SlotPass::backward});
    return whole != end.end() ? whole->second : end.at({stage, i, SlotPass::backward_input});
  };
  const auto ready = [&](const Slot& slot) {
    const auto [stage, i, pass] = slot;
    const auto sent = [&](std::int32_t from) {
      return times.send[static_cast<std::size_t>(from)].base();
    };
    if (pass == SlotPass::backward_weight) return input_end(stage, i);
    if (pass == SlotPass::forward) {
      if (stage % c.order.chain == 0) return 0.0;
      return end.at({stage - 1, i, SlotPass::forward}) + sent(stage - 1);
    }
    if ((stage + 1) % c.order.chain == 0) return end.at({stage, i, SlotPass::forward});
    return input_end(stage + 1, i) + sent(stage);
  };
  for (std::size_t rank = 0; rank < c.order.ranks.size(); ++rank) {
    double free = 0;
    for (std::size_t i = 0; i < c.order.ranks[rank].size(); ++i) {
      const Slot& slot = c.order.ranks[rank][i];
      RC_ASSERT(run.starts[rank][i].base() == std::max(free, ready(slot)));
      free = end.at({slot.stage, slot.micro_batch, slot.pass});
    }
    RC_ASSERT(run.end[rank].base() == free);
  }
}

TEST(schedule, every_small_pipeline_runs_to_its_end) {
  for (int ranks = 1; ranks <= 12; ++ranks) {
    for (std::int64_t micro_batches = 1; micro_batches <= 30; ++micro_batches) {
      for (const Schedule schedule : {Schedule::gpipe, Schedule::one_f_one_b, Schedule::zb_h1,
                                      Schedule::zb_v, Schedule::dualpipe, Schedule::interleaved}) {
        const bool both_ways = schedule == Schedule::dualpipe;
        if (both_ways && (ranks % 2 != 0 || micro_batches % 2 != 0 || micro_batches < 2 * ranks)) {
          continue;
        }
        const bool turns = schedule == Schedule::interleaved;
        if (turns && micro_batches % ranks != 0) continue;
        const Case c = case_of(schedule, ranks, micro_batches, turns ? 3 : 1);
        EXPECT_GT(makespan_of(c.order, uniform(c.order.stages, 1, 1, 1)), 0);
      }
    }
  }
}

/// The papers' bubbles, for equal stages; m >= p where they ask for it.
RC_GTEST_PROP(schedule, bubbles_are_those_of_the_closed_forms, ()) {
  const int p = *rc::gen::inRange(1, 12);
  const std::int64_t m = p * *rc::gen::inRange(1, 6);
  const double forward = *rc::gen::inRange(1, 20);
  const double input = *rc::gen::inRange(1, 20);
  // A weight half no longer than the others, as in all networks.
  const int most = static_cast<int>(std::min(forward, input));
  const double weight = *rc::gen::inRange(1, most + 1);
  const double work = forward + input + weight;
  const auto bubble = [&](Schedule schedule, int chunks) {
    const Case c = case_of(schedule, p, m, chunks);
    const StageTimes times = uniform(c.order.stages, forward, input, weight);
    return makespan_of(c.order, times) - static_cast<double>(m) * chunks * work;
  };
  RC_ASSERT(bubble(Schedule::gpipe, 1) == (p - 1) * work);
  RC_ASSERT(bubble(Schedule::one_f_one_b, 1) == (p - 1) * work);
  const int chunks = *rc::gen::inRange(1, 5);
  // Of chunks that take 1/chunks of a stage each.
  RC_ASSERT(bubble(Schedule::interleaved, chunks) == (p - 1) * work);
  RC_ASSERT(bubble(Schedule::zb_h1, 1) == (p - 1) * (forward + input - weight));
}

TEST(schedule, zb_v_leaves_no_rank_idle_between_its_first_and_last_slot_in_equal_times) {
  for (int p = 2; p <= 16; ++p) {
    // Where p divides m; a remainder leaves its last turn partly idle.
    const std::int64_t m = (2 + p % 2) * p;
    const Case c = case_of(Schedule::zb_v, p, m);
    const ScheduleRun run = run_schedule(c.order, uniform(c.order.stages, 1, 1, 1), true);
    for (std::size_t rank = 0; rank < run.end.size(); ++rank) {
      EXPECT_EQ(run.starts[rank].front().base(), static_cast<double>(rank));
      EXPECT_EQ(run.end[rank].base(), static_cast<double>(rank) + 6 * static_cast<double>(m));
    }
  }
}

RC_GTEST_PROP(schedule, dualpipe_idles_half_as_long_as_zb_h1, ()) {
  // Its paper has (p/2 - 1)(F&B + B - 3W) with a whole B and a forward that ends with the backward
  // beside it; here the forward runs first, and its output goes on earlier. Exact where F = B.
  const int p = 2 * *rc::gen::inRange(1, 9);
  const std::int64_t m = 2 * (p + *rc::gen::inRange(0, 10));
  const int pass = *rc::gen::inRange(1, 20);
  const double weight = *rc::gen::inRange(1, pass + 1);
  const Case c = case_of(Schedule::dualpipe, p, m);
  const double makespan = makespan_of(c.order, uniform(c.order.stages, pass, pass, weight));
  const double bubble = makespan - static_cast<double>(m) * (2 * pass + weight);
  RC_ASSERT(bubble == (p / 2 - 1) * (2 * pass - weight));
}

TEST(schedule, ranks_keep_as_many_micro_batches_as_the_papers_say) {
  for (int p = 2; p <= 12; ++p) {
    const std::int64_t m = 4 * p;
    EXPECT_EQ(worst_kept(case_of(Schedule::gpipe, p, m).order), m);
    EXPECT_EQ(worst_kept(case_of(Schedule::zb_h1, p, m).order), p);
    // Chunks of half a stage: as 1F1B.
    EXPECT_LE(worst_kept(case_of(Schedule::zb_v, p, m).order), 2 * p);
    const ScheduleOrder plain = case_of(Schedule::one_f_one_b, p, m).order;
    for (int rank = 0; rank < p; ++rank)
      EXPECT_EQ(peak_of_kept(plain, static_cast<std::size_t>(rank)), p - rank);
    for (const int v : {2, 3, 4}) {
      // p (1 + (p - 1) / (p v)) stages, in chunks of 1/v.
      EXPECT_EQ(peak_of_kept(case_of(Schedule::interleaved, p, m, v).order, 0), p * v + p - 1);
    }
    if (p % 2 == 0) {
      EXPECT_EQ(worst_kept(case_of(Schedule::dualpipe, p, m).order), p + 1);
    }
  }
}

TEST(schedule, weights_that_wait_keep_their_own_bytes) {
  const ScheduleOrder order = case_of(Schedule::zb_h1, 4, 8).order;
  const std::vector<KeptBytes> kept(4, KeptBytes{Bytes{10}, Bytes{1}});
  // The last rank has one micro-batch between forward and backward, and 3 whose weights wait.
  EXPECT_EQ(peak_in_flight(order, 3, kept).base(), 10 + 3);
}

Result<Prediction> predicted(const Plan& plan, std::int64_t layers = 8) {
  return predict(testing::decoder({.batch = 64, .layers = layers}), testing::round_system(8, 16),
                 plan);
}

std::vector<std::int64_t> layers_by_stage(const Plan& plan, std::int64_t layers) {
  const auto program = lower(testing::decoder({.batch = 64, .layers = layers}), plan);
  std::vector<std::int64_t> result;
  for (const Stage& stage : program->stages) {
    std::int64_t sum = 0;
    for (const StageBlock& run : stage.blocks)
      sum += program->block_names[run.program] == "layer" ? run.repeat : 0;
    result.push_back(sum);
  }
  return result;
}

using Layers = std::vector<std::int64_t>;

TEST(stages, ends_that_count_as_layers_may_stand_alone) {
  Plan plan;
  plan.pipeline_parallel = 8;
  plan.ends_are_layers = true;
  EXPECT_EQ(layers_by_stage(plan, 6), (Layers{0, 1, 1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(layers_by_stage(plan, 14), (Layers{1, 2, 2, 2, 2, 2, 2, 1}));
  EXPECT_FALSE(predicted(plan, 5).has_value());
}

TEST(stages, the_first_and_the_last_take_what_the_plan_gives_them) {
  Plan plan;
  plan.pipeline_parallel = 4;
  plan.first_stage_layers = 1;
  EXPECT_EQ(layers_by_stage(plan, 10), (Layers{1, 3, 3, 3}));
  plan.last_stage_layers = 2;
  EXPECT_EQ(layers_by_stage(plan, 9), (Layers{1, 3, 3, 2}));
  plan.ends_are_layers = true;
  plan.last_stage_layers = 0;
  EXPECT_EQ(layers_by_stage(plan, 9), (Layers{1, 3, 3, 2}));
}

TEST(stages, dualpipe_holds_the_model_twice) {
  Plan plan;
  plan.pipeline_parallel = 4;
  plan.schedule = Schedule::dualpipe;
  plan.first_stage_layers = 1;
  EXPECT_EQ(layers_by_stage(plan, 10), (Layers{1, 3, 3, 3, 1, 3, 3, 3}));
  const Result<Prediction> both = predicted(plan, 10);
  plan.schedule = Schedule::one_f_one_b;
  const Result<Prediction> once = predicted(plan, 10);
  const auto weights = [](const Prediction& p) {
    double sum = 0;
    for (const MemoryByClass& memory : p.memory)
      sum += memory.weights.base();
    return sum;
  };
  EXPECT_DOUBLE_EQ(weights(*both), 2 * weights(*once));
  EXPECT_DOUBLE_EQ(both->executed_work.base(), once->executed_work.base());
}

RC_GTEST_PROP(stages, recomputing_all_layers_of_each_stage_is_full_recomputation, ()) {
  Plan plan;
  plan.pipeline_parallel = 1 << *rc::gen::inRange(0, 3);
  plan.recompute = Recompute::full;
  const Result<Prediction> all = predicted(plan);
  plan.recompute_layers = 8 / plan.pipeline_parallel;
  const Result<Prediction> counted = predicted(plan);
  RC_ASSERT(counted->step.value == all->step.value);
  RC_ASSERT(counted->memory[0].total() == all->memory[0].total());
}

TEST(stages, each_recomputed_layer_takes_its_time_and_saves_its_memory) {
  Plan plan;
  plan.pipeline_parallel = 2;
  const auto at = [&](int layers) {
    plan.recompute = layers == 0 ? Recompute::none : Recompute::full;
    plan.recompute_layers = layers;
    return *predicted(plan);
  };
  const Prediction none = at(0);
  for (int layers = 1; layers < 4; ++layers) {
    const Prediction fewer = at(layers);
    const Prediction more = at(layers + 1);
    EXPECT_GT(more.step.value, fewer.step.value);
    EXPECT_LT(more.memory[0].activations, fewer.memory[0].activations);
    EXPECT_GT(fewer.step.value, none.step.value);
  }
}

RC_GTEST_PROP(prediction, a_parted_backward_does_the_work_of_a_whole_one, ()) {
  Plan plan;
  plan.pipeline_parallel = 4;
  plan.tensor_parallel = 1 << *rc::gen::inRange(0, 3);
  plan.sequence_parallel = *rc::gen::arbitrary<bool>();
  plan.recompute = *rc::gen::element(Recompute::none, Recompute::full);
  const Result<Prediction> whole = predicted(plan);
  plan.schedule = *rc::gen::element(Schedule::zb_h1, Schedule::zb_v, Schedule::dualpipe);
  const Result<Prediction> parted = predicted(plan);
  RC_ASSERT(parted.has_value());
  RC_ASSERT(std::abs(parted->executed_work / whole->executed_work - 1) < 1e-9);
  const Seconds sum = std::accumulate(parted->by_bound.begin(), parted->by_bound.end(), Seconds{});
  RC_ASSERT(std::abs(sum / parted->step.value - 1) < 1e-9);
  Predictor predictor(testing::decoder({.batch = 64}), testing::round_system(8, 16));
  const Result<Timeline> timeline = predictor.draw(plan);
  const double drawn = static_cast<double>(makespan(*timeline)) * 1e-12;
  RC_ASSERT(std::abs(drawn / parted->step.value.base() - 1) < 1e-6);
}

}  // namespace
}  // namespace fastpath
