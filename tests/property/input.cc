// Laws of training steps behind an input pipeline: bounds, agreement of prediction and simulation,
// and of the text form.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "engine/fed_run.h"
#include "import/yaml/input_pipeline.h"
#include "model/fed_step.h"
#include "model/input_pipeline.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

using testing::decoder;
using testing::round_system;

/// From 0.1 to 1000 of a unit.
double some() { return *rc::gen::inRange(1, 10'000) / 10.0; }

double some_or_none() { return *rc::gen::arbitrary<bool>() ? some() : 0; }

InputPipeline any_pipeline() {
  InputPipeline pipeline;
  Dataset& data = pipeline.dataset;
  data.samples = *rc::gen::inRange(1, 10'000'000);
  data.sample = Bytes{1e4 * some()};
  data.layout = *rc::gen::element(SampleLayout::files, SampleLayout::shards, SampleLayout::packed);
  data.samples_per_file = data.layout == SampleLayout::shards ? *rc::gen::inRange(1, 5000) : 1;
  data.encoding = *rc::gen::element(SampleEncoding::raw, SampleEncoding::jpeg);
  pipeline.shuffle.order = *rc::gen::element(ShuffleOrder::full, ShuffleOrder::none);
  if (*rc::gen::arbitrary<bool>()) pipeline.shuffle = {ShuffleOrder::buffer, 100};
  pipeline.store = {BytesPerSecond{1e7 * some()}, {}, Seconds{1e-5 * some_or_none()}, 1};
  if (*rc::gen::arbitrary<bool>()) pipeline.store.random_4k = Hertz{1e3 * some()};
  pipeline.store.readers = *rc::gen::inRange(1, 100);
  pipeline.cache = Bytes{1e9 * some_or_none()};
  pipeline.cache_policy = *rc::gen::element(CachePolicy::lru, CachePolicy::pinned);
  pipeline.loaders = *rc::gen::inRange(1, 9);
  pipeline.workers = *rc::gen::inRange(0, 33);
  pipeline.decode = Seconds{1e-4 * some_or_none()};
  pipeline.augment = Seconds{1e-4 * some_or_none()};
  pipeline.collect = Seconds{1e-5 * some_or_none()};
  pipeline.copy = BytesPerSecond{1e8 * some_or_none()};
  pipeline.prepared = Bytes{1e4 * some_or_none()};
  pipeline.prefetch = *rc::gen::inRange(0, 8);
  if (*rc::gen::arbitrary<bool>()) pipeline.cores = some();
  if (pipeline.cores > 0) pipeline.read = Seconds{1e-5 * some_or_none()};
  pipeline.compute = Seconds{1e-3 * some()};
  return pipeline;
}

Plan data_parallel(int ranks) {
  Plan plan;
  plan.data_parallel = ranks;
  return plan;
}

FedStep any_fed_step() {
  const Plan plan = data_parallel(1 << *rc::gen::inRange(0, 4));
  const auto step = fed_step(decoder(), plan, Seconds{1e-3 * some()}, any_pipeline());
  RC_ASSERT(step.has_value());
  return *step;
}

double relative(Seconds a, Seconds b) { return std::abs(a / b - 1); }

RC_GTEST_PROP(FedStep, takes_as_long_as_the_slower_of_step_and_input, ()) {
  const FedStep step = any_fed_step();
  for (const FedEpoch* epoch : {&step.first, &step.later}) {
    const Seconds input{step.samples / epoch->feed.input.base()};
    RC_ASSERT(relative(epoch->step, std::max(step.compute, input)) < 1e-9);
    RC_ASSERT(epoch->stall >= Seconds{});
  }
  RC_ASSERT(step.later.step <= step.first.step * (1 + 1e-9));
}

RC_GTEST_PROP(FedStep, is_simulated_as_it_is_predicted_where_nothing_varies, ()) {
  const FedStep step = any_fed_step();
  const std::int64_t steps = *rc::gen::inRange(2, 60);
  for (const FedEpoch* epoch : {&step.first, &step.later}) {
    const FedRun run = simulate_fed(step, *epoch, {.steps = steps, .seed = 3});
    RC_ASSERT(relative(run.step, epoch->step) < 1e-9);
  }
}

RC_GTEST_PROP(FedStep, that_varies_is_slower_and_less_so_with_more_prefetch, ()) {
  FedStep step = any_fed_step();
  step.pipeline.variation = *rc::gen::inRange(1, 100) / 100.0;
  const FedRunOptions options{.steps = 400, .seed = *rc::gen::arbitrary<std::uint64_t>()};
  step.pipeline.prefetch = 1;
  const FedRun few = simulate_fed(step, step.first, options);
  step.pipeline.prefetch = 8;
  const FedRun many = simulate_fed(step, step.first, options);
  RC_ASSERT(many.step <= few.step * (1 + 1e-9));
  RC_ASSERT(few.step >= step.compute * (1 - 1e-9));
}

RC_GTEST_PROP(FedStep, is_never_slower_behind_a_faster_pipeline, ()) {
  InputPipeline slow = any_pipeline();
  InputPipeline fast = slow;
  fast.store.sequential *= 2;
  fast.workers += 1;
  fast.decode *= 0.5;
  const Plan plan = data_parallel(4);
  const Seconds compute{1e-3 * some()};
  const auto before = fed_step(decoder(), plan, compute, slow);
  const auto after = fed_step(decoder(), plan, compute, fast);
  RC_ASSERT(before.has_value() && after.has_value());
  RC_ASSERT(after->first.step <= before->first.step * (1 + 1e-9));
}

RC_GTEST_PROP(FedTimeline, ends_when_the_step_that_waits_ends, ()) {
  const Plan plan = data_parallel(2);
  Predictor predictor(decoder(), round_system(2));
  const auto prediction = predictor.predict(plan);
  RC_ASSERT(prediction.has_value());
  const auto step = fed_step(decoder(), plan, prediction->step.value, any_pipeline());
  RC_ASSERT(step.has_value());
  const auto alone = predictor.draw(plan);
  RC_ASSERT(alone.has_value());
  const Timeline both = with_input(*alone, *step, step->first);
  const auto stall = static_cast<Picoseconds>(std::llround(step->first.stall.base() * 1e12));
  RC_ASSERT(makespan(both) == makespan(*alone) + stall);
  RC_ASSERT(std::is_sorted(both.spans.begin(), both.spans.end(),
                           [](const Span& a, const Span& b) { return a.start < b.start; }));
}

RC_GTEST_PROP(InputPipelineText, is_read_back_to_the_same_pipeline, ()) {
  const InputPipeline pipeline = any_pipeline();
  const FindStore no_store = [](std::string_view, const Place& place) -> Result<StoreRates> {
    return failure(place, "no name is written");
  };
  const auto again = read_input_pipeline(write_input_pipeline(pipeline), "p", no_store);
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == pipeline);
}

}  // namespace
}  // namespace fastpath
