// Laws of a search over deployments: what is excluded without simulation misses its limits, and
// nobody's order of work shows in the answer.
#include "serve/deploy.h"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "serve/load.h"

namespace fastpath {
namespace {

/// Steps with a floor, steps of tiles of 64 rows and attention; 1000 bytes of cache for each token.
StepSource tiled_steps(double speed) {
  return [speed](const StepShape& shape) -> Result<StepParts> {
    StepParts step;
    const auto rows = static_cast<double>(shape.batch * shape.sequence);
    const double context =
        static_cast<double>(shape.past) + static_cast<double>(shape.sequence) / 2;
    const Seconds work{std::max(1e-3, 1e-4 * std::ceil(rows / 64)) / speed};
    const Seconds attention{1e-9 * rows * context / speed};
    const auto part =
        shape.phase == Phase::decode ? EnginePart::decode_attention : EnginePart::prefill_attention;
    step.parts[static_cast<std::size_t>(EnginePart::light)] = work;
    step.parts[static_cast<std::size_t>(part)] = attention;
    step.attention[static_cast<std::size_t>(part)] = attention;
    step.step = work + attention;
    step.memory.cache = Bytes{1000 * static_cast<double>(shape.batch * shape.past)};
    step.capacity = Bytes{4e6};
    return step;
  };
}

DeployTask some_task() {
  DeployTask task;
  Load load;
  load.count = *rc::gen::inRange(1, 60);
  load.rate = *rc::gen::inRange(1, 2000);
  load.concurrency = *rc::gen::element(0, 0, 0, 8);
  const int longest = *rc::gen::inRange(1, 900);
  load.input = {std::max(1, longest - *rc::gen::element(0, 50, 800)), longest};
  load.output = {1, *rc::gen::inRange(1, 100)};
  load.turns = *rc::gen::element(1, 1, 1, 2);
  load.seed = *rc::gen::inRange<std::uint64_t>(1, 1000);
  task.stream = stream_of(load);
  const auto limit = [](double unit) { return Seconds{unit * *rc::gen::inRange(0, 40)}; };
  task.limits = {limit(1e-3), limit(0.2e-3), limit(5e-3)};
  task.share = *rc::gen::element(0.5, 0.9, 0.99, 1.0);
  DeploySystem system;
  system.devices = 16;
  system.bandwidth = BytesPerSecond{1e9};
  Engine engine;
  engine.batching =
      *rc::gen::element(Batching::mixed, Batching::prefill_first, Batching::whole_prompts);
  engine.step.value = Seconds{1e-4 * *rc::gen::inRange(0, 5)};
  engine.sequence.value = Seconds{1e-6 * *rc::gen::inRange(0, 50)};
  engine.request.value = Seconds{1e-3 * *rc::gen::inRange(0, 3)};
  engine.prefix_caching = *rc::gen::arbitrary<bool>();
  system.engines = {engine};
  system.plans.resize(2);
  system.plans[1].tensor_parallel = 2;
  system.prefill_plans = system.plans;
  for (const std::size_t plan : {0, 1}) {
    for (const int replicas : {1, 3}) {
      for (const int prefill : {0, 2}) {
        for (const int budget : {64, 512}) {
          task.choices.push_back({0, plan, 0, 1 - plan, prefill, replicas, 4 * replicas, budget});
        }
      }
    }
  }
  task.systems = {system};
  return task;
}

std::shared_ptr<StepTable> table_of(std::size_t, const Plan& plan) {
  return std::make_shared<StepTable>(tiled_steps(plan.tensor_parallel), 1);
}

/// Whether fewer requests keep a limit than its percentile needs.
bool misses(const ServeResult& result, const DeployTask& task) {
  if (result.rejected > 0) return true;
  const auto kept = [&](Seconds limit, auto time_of) {
    if (limit == Seconds{}) return true;
    std::size_t count = 0;
    std::size_t good = 0;
    for (const RequestOutcome& one : result.requests) {
      const std::optional<Seconds> time = time_of(one);
      if (!time) continue;
      ++count;
      good += *time <= limit ? 1 : 0;
    }
    if (count == 0) return true;
    return good > static_cast<std::size_t>(task.share * static_cast<double>(count - 1));
  };
  using Time = std::optional<Seconds>;
  return !kept(task.limits.first_token, [](const auto& one) { return Time(one.ttft()); }) ||
         !kept(task.limits.per_token,
               [](const auto& one) { return one.output > 1 ? Time(one.tpot()) : Time(); }) ||
         !kept(task.limits.total, [](const auto& one) { return Time(one.latency()); });
}

RC_GTEST_PROP(deploy, what_is_excluded_misses_when_it_is_simulated, ()) {
  const DeployTask task = some_task();
  DeployJudge judge(task, table_of);
  int excluded = 0;
  for (const DeployChoice& choice : task.choices) {
    const DeployFigures figures = judge.judge(choice);
    if (figures.verdict != DeployVerdict::excluded) continue;
    ++excluded;
    const auto deployment = judge.deployment(choice);
    RC_ASSERT(deployment.has_value());
    const auto result = serve(task.stream, *deployment);
    RC_ASSERT(result.has_value());
    RC_ASSERT(misses(*result, task));
  }
  RC_CLASSIFY(excluded > 0, "some excluded");
}

RC_GTEST_PROP(deploy, the_answer_is_the_same_on_any_number_of_threads, ()) {
  DeployTask task = some_task();
  const std::vector<DeployChoice> once = task.choices;
  for (int i = 0; i < 3; ++i)
    task.choices.insert(task.choices.end(), once.begin(), once.end());
  const auto one = judge_deployments(task, table_of, 1, {});
  const auto many = judge_deployments(task, table_of, 3, {});
  RC_ASSERT(one.size() == many.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    RC_ASSERT(one[i].verdict == many[i].verdict);
    RC_ASSERT(one[i].goodput == many[i].goodput);
    RC_ASSERT(one[i].first_token == many[i].first_token);
    RC_ASSERT(one[i].per_token == many[i].per_token);
  }
}

RC_GTEST_PROP(deploy, nothing_beats_a_member_of_the_front, ()) {
  const DeployTask task = some_task();
  const auto figures = judge_deployments(task, table_of, 1, {});
  const auto front = deploy_front(figures);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (figures[i].verdict != DeployVerdict::meets) continue;
    const bool beaten_or_in = std::any_of(front.begin(), front.end(), [&](std::size_t f) {
      return figures[f].user_speed() >= figures[i].user_speed() &&
             figures[f].device_throughput() >= figures[i].device_throughput();
    });
    RC_ASSERT(beaten_or_in);
  }
  for (std::size_t i = 1; i < front.size(); ++i) {
    RC_ASSERT(figures[front[i]].user_speed() < figures[front[i - 1]].user_speed());
    RC_ASSERT(figures[front[i]].device_throughput() > figures[front[i - 1]].device_throughput());
  }
}

}  // namespace
}  // namespace fastpath
