// Laws of prediction: bounds, scaling, sums.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "model/device_model.h"
#include "model/network_model.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

using testing::decoder;
using testing::round_device;
using testing::round_system;

int power_of_two(int most) { return 1 << *rc::gen::inRange(0, most + 1); }

Plan any_plan() {
  Plan plan;
  plan.tensor_parallel = power_of_two(3);
  plan.data_parallel = power_of_two(2);
  plan.pipeline_parallel = power_of_two(2);
  plan.micro_batch = power_of_two(1);
  plan.sequence_parallel = *rc::gen::arbitrary<bool>();
  plan.zero_stage = *rc::gen::inRange(0, 4);
  plan.recompute = *rc::gen::element(Recompute::none, Recompute::selective, Recompute::full);
  plan.overlap_gradients = *rc::gen::arbitrary<bool>();
  if (plan.pipeline_parallel > 1 && *rc::gen::arbitrary<bool>()) {
    plan.schedule = *rc::gen::element(Schedule::gpipe, Schedule::interleaved);
    if (plan.schedule == Schedule::interleaved) plan.virtual_stages = 2;
  }
  return plan;
}

const System& cluster() {
  static const System system = round_system(8, 16);
  return system;
}

RC_GTEST_PROP(prediction, the_time_by_bound_adds_up_to_the_step, ()) {
  const Result<Prediction> p = predict(decoder({.batch = 64}), cluster(), any_plan());
  RC_ASSERT(p.has_value());
  const Seconds sum = std::accumulate(p->by_bound.begin(), p->by_bound.end(), Seconds{});
  RC_ASSERT(std::abs(sum / p->step.value - 1) < 1e-9);
  for (const Seconds part : p->by_bound)
    RC_ASSERT(part.base() >= -1e-12);
}

RC_GTEST_PROP(prediction, no_step_is_faster_than_the_peaks_of_all_devices, ()) {
  const Workload workload = decoder({.batch = 64});
  const Result<Prediction> p = predict(workload, cluster(), any_plan());
  RC_ASSERT(p.has_value());
  const double devices = static_cast<double>(p->devices);
  const Seconds bound = p->model_work / (devices * FlopsPerSecond{100e12});
  RC_ASSERT(p->step.value >= bound);
  RC_ASSERT(p->mfu <= 1 && p->mfu > 0);
  RC_ASSERT(p->step.low <= p->step.value && p->step.value <= p->step.high);
}

RC_GTEST_PROP(prediction, twice_the_micro_batches_take_at_most_twice_the_time, ()) {
  const Plan plan = any_plan();
  const Result<Prediction> one = predict(decoder({.batch = 64}), cluster(), plan);
  const Result<Prediction> two = predict(decoder({.batch = 128}), cluster(), plan);
  RC_ASSERT(one.has_value() && two.has_value());
  RC_ASSERT(two->step.value <= 2 * one->step.value * (1 + 1e-9));
  RC_ASSERT(two->step.value > one->step.value);
}

RC_GTEST_PROP(prediction, a_faster_resource_never_slows_a_step, ()) {
  const Plan plan = any_plan();
  System faster = cluster();
  switch (*rc::gen::inRange(0, 4)) {
    case 0: faster.device.peaks[0].rate.value *= 2; break;
    case 1: faster.device.memories[0].bandwidth->value *= 2; break;
    case 2: faster.levels[0].bandwidth.value *= 2; break;
    default: faster.levels[1].latency.value *= 0.5; break;
  }
  const Workload workload = decoder({.batch = 64});
  const Seconds before = predict(workload, cluster(), plan)->step.value;
  const Seconds after = predict(workload, faster, plan)->step.value;
  RC_ASSERT(after.base() <= before.base() * (1 + 1e-9));
}

RC_GTEST_PROP(prediction, full_recomputation_takes_longer_and_keeps_less, ()) {
  Plan plan = any_plan();
  const Workload workload = decoder({.batch = 64});
  plan.recompute = Recompute::none;
  const Result<Prediction> kept = predict(workload, cluster(), plan);
  plan.recompute = Recompute::full;
  const Result<Prediction> again = predict(workload, cluster(), plan);
  // Where passes wait for gathered weights, recomputation hides under the waiting.
  RC_ASSERT(again->step.value >= (1 - 1e-12) * kept->step.value);
  RC_ASSERT(again->memory[0].activations < kept->memory[0].activations);
}

RC_GTEST_PROP(prediction, a_memory_of_remembered_blocks_changes_nothing, ()) {
  const Workload workload = decoder({.batch = 64});
  Predictor predictor(workload, cluster());
  for (int i = 0; i < 4; ++i) {
    const Plan plan = any_plan();
    const Seconds remembered = predictor.predict(plan)->step.value;
    RC_ASSERT(remembered == predict(workload, cluster(), plan)->step.value);
  }
}

RC_GTEST_PROP(prediction, the_drawn_timeline_ends_when_the_step_does, ()) {
  const Plan plan = any_plan();
  Predictor predictor(decoder({.batch = 64}), cluster());
  const Result<Timeline> timeline = predictor.draw(plan);
  const Seconds step = predictor.predict(plan)->step.value;
  RC_ASSERT(std::abs(static_cast<double>(makespan(*timeline)) * 1e-12 / step.base() - 1) < 1e-6);
}

RC_GTEST_PROP(prediction, the_drawn_memory_peaks_at_the_predicted_total, ()) {
  const Plan plan = any_plan();
  Predictor predictor(decoder({.batch = 64}), cluster());
  const Result<Prediction> p = predictor.predict(plan);
  const Result<Timeline> timeline = predictor.draw(plan);
  RC_ASSERT(p.has_value() && timeline.has_value());
  std::vector<double> peak(p->memory.size(), 0);
  for (const CounterSample& sample : timeline->counters) {
    double& of_rank = peak[sample.lane / 3];  // three lanes a rank
    of_rank = std::max(of_rank, sample.value);
  }
  for (std::size_t rank = 0; rank < peak.size(); ++rank) {
    const double total = p->memory[rank].total().base();
    RC_ASSERT(std::abs(peak[rank] - total) <= 1e-9 * total);
  }
}

TEST(prediction, a_pipeline_bubble_is_that_of_the_closed_form) {
  // Equal stages: (p - 1) (F + B) of idle time on each rank (arXiv 2104.04473). A decoder without
  // embedding and head has equal stages.
  Workload layers = decoder({.batch = 32});
  layers.segments = {{1, 8}};
  System system = round_system(8, 1);
  system.levels[0].latency.value = Seconds{};
  system.levels[0].bandwidth.value = BytesPerSecond{1e30};
  Plan plan;
  plan.pipeline_parallel = 4;
  plan.optimizer = Optimizer::none;
  const Result<Prediction> p = predict(layers, system, plan);
  const Seconds bubble = p->by_bound[static_cast<std::size_t>(Bound::bubble)];
  EXPECT_NEAR(bubble / p->step.value, 3.0 / (32 + 3), 1e-6);
  plan.schedule = Schedule::interleaved;
  plan.virtual_stages = 2;
  const Result<Prediction> i = predict(layers, system, plan);
  const Seconds smaller = i->by_bound[static_cast<std::size_t>(Bound::bubble)];
  EXPECT_NEAR(smaller / i->step.value, 1.5 / (32 + 1.5), 1e-6);
}

TEST(prediction, zero_shards_states_as_its_paper_says) {
  Plan plan;
  plan.data_parallel = 8;
  const Workload workload = decoder({.batch = 64});
  const System system = round_system(8, 1);
  const MemoryByClass ddp = predict(workload, system, plan)->memory[0];
  plan.zero_stage = 1;
  const MemoryByClass one = predict(workload, system, plan)->memory[0];
  plan.zero_stage = 2;
  const MemoryByClass two = predict(workload, system, plan)->memory[0];
  plan.zero_stage = 3;
  const MemoryByClass three = predict(workload, system, plan)->memory[0];
  EXPECT_DOUBLE_EQ(one.optimizer.base(), ddp.optimizer.base() / 8);
  EXPECT_DOUBLE_EQ(one.gradients.base(), ddp.gradients.base());
  EXPECT_DOUBLE_EQ(two.gradients.base(), ddp.gradients.base() / 8);
  EXPECT_DOUBLE_EQ(three.weights.base(), ddp.weights.base() / 8);
}

TEST(prediction, what_does_not_fit_is_an_answer) {
  System small = round_system(1, 1);
  small.device.memories[0].capacity->value = Bytes{1e6};
  const Result<Prediction> p = predict(decoder(), small, Plan{});
  ASSERT_TRUE(p.has_value());
  ASSERT_TRUE(p->out_of_memory.has_value());
  EXPECT_GT(p->out_of_memory->needed, p->out_of_memory->available);
}

TEST(prediction, a_device_without_a_data_sheet_is_a_clear_error) {
  System unknown = round_system(1, 1);
  unknown.device.peaks.clear();
  const Result<Prediction> p = predict(decoder(), unknown, Plan{});
  ASSERT_FALSE(p.has_value());
  EXPECT_NE(p.error()[0].what.find("data sheet"), std::string::npos);
}

RC_GTEST_PROP(operator_cost, no_operator_beats_the_roofline, ()) {
  const DeviceModel model(round_device(), Execution::graph);
  OpShape shape;
  shape.kind = *rc::gen::element(OpKind::matmul, OpKind::attention, OpKind::elementwise,
                                 OpKind::rms_norm, OpKind::grouped_matmul);
  shape.m = *rc::gen::inRange(1, 4096);
  shape.n = *rc::gen::inRange(1, 4096);
  shape.k = *rc::gen::inRange(1, 4096);
  shape.work = Flops{2 * shape.m * shape.n * shape.k};
  shape.read = Bytes{2 * (shape.m * shape.k + shape.n * shape.k)};
  shape.write = Bytes{2 * shape.m * shape.n};
  RC_ASSERT(model.cost(shape).time >= model.lower_bound(shape));
}

RC_GTEST_PROP(collective_cost, no_collective_beats_the_injection_bound, ()) {
  const NetworkModel model(cluster());
  const Group group{power_of_two(5), power_of_two(2)};
  const Bytes payload{static_cast<double>(*rc::gen::inRange(1, 1 << 30))};
  const Collective kind =
      *rc::gen::element(Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter,
                        Collective::all_to_all, Collective::send_recv);
  RC_ASSERT(model.cost(kind, group, payload).time >= model.injection_bound(kind, group, payload));
}

TEST(collective_cost, one_rank_is_free) {
  const NetworkModel model(cluster());
  EXPECT_EQ(model.cost(Collective::all_reduce, {1, 1}, Bytes{1e9}).time, Seconds{});
}

}  // namespace
}  // namespace fastpath
