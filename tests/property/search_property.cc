// Laws of search: its engine is predict's, bounds are admissible, redundant points are the same
// plan.
#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "engine/plan_evaluator.h"
#include "ir/plan_text.h"
#include "search/search.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

using testing::decoder;
using testing::round_system;

constexpr std::string_view kWords =
    "devices=1,2,8,16,32 tp=1..8*2 cp=1,2 pp=1..8*2 sp=false,true micro_batch=1,2,4 zero=0..3 "
    "recompute=none,full attention=flash,unfused overlap=true,false gradients=fp32,bf16 "
    "schedule=1f1b,gpipe,interleaved:2,interleaved:4,zb-h1,zb-v,dualpipe optimizer=adam,sgd "
    "overlap_tp=false,true overlap_weights=true,false shard=0,2 reshard=true,false prefetch=1,2 "
    "cp_exchange=all_gather,ring,ulysses order=tp,cp,ep,dp,pp|dp,tp,cp,ep,pp|pp,tp,cp,ep,dp";

const Space& space() {
  static const Space space = *Space::parse(kWords, 32, {.file = "space"});
  return space;
}

const System& cluster() {
  static const System system = round_system(8, 4);
  return system;
}

/// Sizes small enough to be legal under most plans, some too large for the device.
Workload any_model() {
  const bool large = *rc::gen::inRange(0, 4) == 0;
  return decoder({.batch = 64,
                  .hidden = large ? 16384 : 512,
                  .heads = large ? 128 : 8,
                  .kv_heads = 8,
                  .head_dim = large ? 128 : 64,
                  .ffn = large ? 65536 : 1024,
                  .layers = 8,
                  .phase = *rc::gen::element(Phase::training, Phase::training, Phase::prefill)});
}

/// Points from all over the space, however small a case rapidcheck asks for.
class AnyPoints {
 public:
  std::int64_t next() {
    constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15U;  // odd: visits all residues
    return static_cast<std::int64_t>((++count_ * kStep + seed_) %
                                     static_cast<std::uint64_t>(space().size()));
  }

 private:
  std::uint64_t seed_ = *rc::gen::arbitrary<std::uint32_t>();
  std::uint64_t count_ = 0;
};

/// A legal plan of the space.
Plan next_plan(AnyPoints& points, const PlanEvaluator& evaluator) {
  for (;;) {
    const Point point = space().at(points.next());
    if (point.kind == PointKind::plan && evaluator.mistakes(point.plan).empty()) return point.plan;
  }
}

PlanFigures figures_of(const Prediction& prediction) {
  PlanFigures figures;
  figures.step = prediction.step.value;
  figures.energy = prediction.energy;
  figures.cost = prediction.cost;
  figures.devices = prediction.devices;
  figures.fits = !prediction.out_of_memory;
  for (const MemoryByClass& rank : prediction.memory)
    figures.memory = std::max(figures.memory, rank.total());
  return figures;
}

RC_GTEST_PROP(search, an_evaluated_plan_has_the_figures_of_predict_to_the_bit, ()) {
  const Workload workload = any_model();
  PlanEvaluator evaluator(workload, cluster());
  AnyPoints points;
  for (int i = 0; i < 4; ++i) {
    const Plan plan = next_plan(points, evaluator);
    const Result<Prediction> prediction = predict(workload, cluster(), plan);
    RC_ASSERT(prediction.has_value());
    RC_ASSERT(evaluator.evaluate(plan) == figures_of(*prediction));
  }
}

RC_GTEST_PROP(search, a_bound_is_never_above_what_is_predicted, ()) {
  PlanEvaluator evaluator(any_model(), cluster());
  AnyPoints points;
  for (int i = 0; i < 8; ++i) {
    const Plan plan = next_plan(points, evaluator);
    const PlanFigures bound = evaluator.bound(plan);
    const PlanFigures figures = evaluator.evaluate(plan);
    RC_ASSERT(bound.fits == figures.fits);
    RC_ASSERT(bound.memory == figures.memory);
    RC_ASSERT(bound.devices == figures.devices);
    RC_ASSERT(bound.step <= figures.step);
    if (bound.fits) RC_ASSERT(bound.step > 0.3 * figures.step || plan.pipeline_parallel > 1);
  }
}

TEST(search, a_bound_is_exact_without_a_pipeline) {
  PlanEvaluator evaluator(decoder({.batch = 64}), cluster());
  Plan plan;
  plan.tensor_parallel = 2;
  plan.data_parallel = 4;
  const double ratio = evaluator.bound(plan).step / evaluator.evaluate(plan).step;
  EXPECT_NEAR(ratio, 1, 1e-8);
}

/// The words of a point as they stand, whether they matter or not.
Plan written_plan(std::int64_t index) {
  Plan plan;
  const std::vector<std::size_t> digits = space().digits(index);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const SpaceAxis& axis = space().axes()[i];
    if (axis.plan_axis != nullptr) axis.plan_axis->copy(axis.plans[digits[i]], plan);
  }
  plan.data_parallel = space().at(index).plan.data_parallel;
  return plan;
}

RC_GTEST_PROP(search, words_that_change_nothing_here_change_nothing, ()) {
  PlanEvaluator evaluator(any_model(), cluster());
  AnyPoints points;
  int compared = 0;
  for (int i = 0; i < 400 && compared < 8; ++i) {
    const std::int64_t index = points.next();
    const Point point = space().at(index);
    const Plan written = written_plan(index);
    if (point.kind != PointKind::redundant || !evaluator.mistakes(written).empty()) continue;
    RC_ASSERT(evaluator.mistakes(point.plan).empty());
    RC_ASSERT(evaluator.evaluate(written) == evaluator.evaluate(point.plan));
    ++compared;
  }
  RC_ASSERT(compared > 0);
}

TEST(search, finds_the_plan_that_predicting_every_point_finds) {
  const Workload workload = decoder({.batch = 64});
  const Space small = *Space::parse(
      "tp=1,2,4,8 pp=1,2,4 sp=false,true micro_batch=1,2,4,8 zero=0..3 recompute=none,full "
      "schedule=1f1b,interleaved:2 overlap=true,false",
      32, {.file = "space"});
  PlanEvaluator plain(workload, cluster());
  std::vector<FoundPlan> all;
  for (std::int64_t i = 0; i < small.size(); ++i) {
    const Point point = small.at(i);
    if (point.kind != PointKind::plan || !plain.mistakes(point.plan).empty()) continue;
    const Result<Prediction> prediction = predict(workload, cluster(), point.plan);
    ASSERT_TRUE(prediction.has_value());
    if (!prediction->out_of_memory) all.push_back({i, figures_of(*prediction)});
  }
  const auto before = [](const FoundPlan& a, const FoundPlan& b) {
    return better(a, b, Objective::time);
  };
  std::sort(all.begin(), all.end(), before);
  SearchGoal goal;
  Tally tally(goal);
  const EngineMaker maker = [&workload] {
    const auto engine = std::make_shared<PlanEvaluator>(workload, cluster());
    return SearchEngine{[engine](const Plan& plan) { return engine->mistakes(plan).empty(); },
                        [engine](const Plan& plan) { return engine->bound(plan); },
                        [engine](const Plan& plan) { return engine->evaluate(plan); }};
  };
  search_on_threads({small, goal, chunks_in_order(small)}, maker, 2, tally,
                    [](std::int64_t, const ChunkRecord&, const Tally&) { return true; });
  ASSERT_EQ(tally.best().size(), goal.top);
  for (std::size_t i = 0; i < goal.top; ++i) {
    EXPECT_EQ(tally.best()[i].index, all[i].index);
    EXPECT_EQ(tally.best()[i].figures, all[i].figures);
  }
  EXPECT_GT(tally.coverage().excluded, 0);
}

}  // namespace
}  // namespace fastpath
