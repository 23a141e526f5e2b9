// Laws of simulation: fair shares, conservation, bounds, agreement with prediction and closed
// forms.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "engine/simulate/fair_share.h"
#include "engine/simulate/jitter.h"
#include "engine/simulate/task_graph.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

using testing::decoder;
using testing::round_system;
using testing::small_cnn;

int power_of_two(int most) { return 1 << *rc::gen::inRange(0, most + 1); }
double any_rate() { return *rc::gen::inRange(1, 1000) / 10.0; }

struct AnyFlow {
  std::vector<LinkUse> path;
  double cap = 0;
};

AnyFlow any_flow(std::uint32_t links) {
  AnyFlow flow;
  flow.cap = *rc::gen::arbitrary<bool>() ? any_rate() : TaskGraph::kNoCap;
  const int hops = *rc::gen::inRange(1, 4);
  for (int i = 0; i < hops; ++i) {
    const auto link = *rc::gen::inRange<std::uint32_t>(0, links);
    const bool twice = std::any_of(flow.path.begin(), flow.path.end(),
                                   [&](const LinkUse& use) { return use.link == link; });
    if (!twice) flow.path.push_back({link, *rc::gen::inRange(1, 11) / 10.0});
  }
  flow.path.front().use = 1;
  return flow;
}

/// Each flow has its cap, or a full link on which no flow is faster.
void require_max_min(const std::vector<double>& capacities, const std::vector<AnyFlow>& flows,
                     const std::vector<double>& rates) {
  std::vector<double> load(capacities.size(), 0.0);
  std::vector<double> fastest(capacities.size(), 0.0);
  for (std::size_t i = 0; i < flows.size(); ++i) {
    for (const LinkUse& use : flows[i].path) {
      load[use.link] += use.use * rates[i];
      fastest[use.link] = std::max(fastest[use.link], rates[i]);
    }
  }
  constexpr double kSlack = 1e-9;
  for (std::size_t l = 0; l < load.size(); ++l)
    RC_ASSERT(load[l] <= capacities[l] * (1 + kSlack));
  for (std::size_t i = 0; i < flows.size(); ++i) {
    RC_ASSERT(rates[i] > 0 && rates[i] <= flows[i].cap);
    const bool held = std::any_of(flows[i].path.begin(), flows[i].path.end(), [&](auto& use) {
      return load[use.link] >= capacities[use.link] * (1 - kSlack) &&
             rates[i] >= fastest[use.link] * (1 - kSlack);
    });
    RC_ASSERT(held || rates[i] == flows[i].cap);
  }
}

RC_GTEST_PROP(fair_share, no_flow_can_rise_without_lowering_one_that_is_no_larger, ()) {
  const auto links = *rc::gen::inRange<std::uint32_t>(1, 8);
  std::vector<double> capacities(links);
  for (double& capacity : capacities)
    capacity = any_rate();
  FairShare shares(capacities);
  std::vector<AnyFlow> flows(*rc::gen::inRange<std::size_t>(1, 20));
  for (AnyFlow& flow : flows)
    flow = any_flow(links);
  std::vector<FairShare::Flow> ids;
  for (const AnyFlow& flow : flows) {
    ids.push_back(shares.add(flow.path, flow.cap));
    if (*rc::gen::arbitrary<bool>()) shares.settle();
  }
  shares.settle();
  while (!flows.empty()) {
    std::vector<double> rates;
    for (const FairShare::Flow id : ids)
      rates.push_back(shares.rate(id));
    require_max_min(capacities, flows, rates);
    const auto gone = *rc::gen::inRange<std::size_t>(0, flows.size());
    shares.remove(ids[gone]);
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(gone));
    // Flows are referred to by their paths: keep the others where they are.
    std::vector<AnyFlow> left;
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (i != gone) left.push_back(std::move(flows[i]));
    }
    flows = std::move(left);
    shares.settle();
  }
}

TaskGraph any_graph() {
  TaskGraph graph;
  const auto links = *rc::gen::inRange<std::uint32_t>(1, 5);
  for (std::uint32_t i = 0; i < links; ++i)
    graph.add_link(any_rate());
  const auto tasks = *rc::gen::inRange<TaskId>(1, 60);
  for (TaskId task = 0; task < tasks; ++task) {
    if (*rc::gen::arbitrary<bool>()) {
      graph.add_delay(*rc::gen::inRange<Picoseconds>(0, 1'000'000'000'000));
    } else {
      const AnyFlow flow = any_flow(links);
      graph.add_transfer(any_rate(), graph.add_route(flow.path, flow.cap),
                         *rc::gen::inRange<Picoseconds>(0, 1'000'000'000'000));
    }
    for (int i = *rc::gen::inRange(0, 3); task > 0 && i > 0; --i)
      graph.add_edge(*rc::gen::inRange<TaskId>(0, task), task);
  }
  return graph;
}

RC_GTEST_PROP(task_graph, links_carry_what_transfers_amount_to, ()) {
  const TaskGraph graph = any_graph();
  const GraphRun run = run_graph(graph);
  std::vector<double> expected(run.carried.size(), 0.0);
  for (const TaskGraph::Task& task : graph.tasks()) {
    if (task.route == TaskGraph::kNoRoute) continue;
    for (const LinkUse& use : graph.links(task.route))
      expected[use.link] += use.use * task.amount;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    RC_ASSERT(std::abs(run.carried[i] - expected[i]) <= 1e-9 * (1 + expected[i]));
    const double most = graph.capacities()[i] * static_cast<double>(run.makespan) * 1e-12;
    RC_ASSERT(run.carried[i] <= most * (1 + 1e-6) + 1e-6);
  }
}

RC_GTEST_PROP(task_graph, no_path_is_longer_than_the_makespan, ()) {
  const TaskGraph graph = any_graph();
  const GraphRun run = run_graph(graph);
  std::vector<Picoseconds> path(graph.size(), 0);
  for (const auto& [from, to] : graph.edges()) {
    RC_ASSERT(run.end[from] <= run.start[to]);
  }
  for (TaskId task = 0; task < graph.size(); ++task) {
    for (const auto& [from, to] : graph.edges()) {
      if (to == task) path[task] = std::max(path[task], path[from]);
    }
    path[task] += graph.alone(task);
    RC_ASSERT(run.end[task] - run.start[task] >= graph.alone(task) - 1000);
    RC_ASSERT(path[task] <= run.makespan + 1000);
  }
}

RC_GTEST_PROP(task_graph, the_same_graph_gives_the_same_run, ()) {
  const TaskGraph graph = any_graph();
  const GraphRun one = run_graph(graph);
  const GraphRun two = run_graph(graph);
  RC_ASSERT(one.end == two.end && one.start == two.start && one.carried == two.carried);
}

// Collectives message by message.

CollectiveJob job_of(Collective collective, CollectiveAlgorithm algorithm, std::int64_t ranks) {
  CollectiveJob job;
  job.collective = collective;
  job.algorithm = algorithm;
  job.payload = Bytes{*rc::gen::inRange(1, 1 << 20) * 64.0};
  job.ranks.resize(static_cast<std::size_t>(ranks));
  std::iota(job.ranks.begin(), job.ranks.end(), 0);
  return job;
}

RC_GTEST_PROP(simulate_collectives, one_alone_on_a_switch_takes_its_closed_form, ()) {
  using enum CollectiveAlgorithm;
  using Pair = std::pair<Collective, CollectiveAlgorithm>;
  const Pair pair = *rc::gen::elementOf(std::vector<Pair>{{Collective::all_reduce, ring},
                                                          {Collective::all_gather, ring},
                                                          {Collective::reduce_scatter, ring},
                                                          {Collective::all_to_all, pairwise},
                                                          {Collective::all_reduce, two_shot},
                                                          {Collective::all_reduce, one_shot},
                                                          {Collective::all_gather, one_shot},
                                                          {Collective::all_to_all, one_shot}});
  const auto ranks = *rc::gen::inRange<std::int64_t>(2, 33);
  const auto result =
      simulate_collectives(round_system(ranks), {job_of(pair.first, pair.second, ranks)});
  RC_ASSERT(result.has_value());
  RC_ASSERT(std::abs(result->front().time / result->front().alone - 1) < 1e-6);
}

RC_GTEST_PROP(simulate_collectives, powers_of_two_take_the_closed_form_of_doubling, ()) {
  using enum CollectiveAlgorithm;
  using Pair = std::pair<Collective, CollectiveAlgorithm>;
  const Pair pair = *rc::gen::elementOf(std::vector<Pair>{{Collective::all_reduce, doubling},
                                                          {Collective::all_reduce, halving},
                                                          {Collective::all_gather, doubling},
                                                          {Collective::reduce_scatter, halving},
                                                          {Collective::broadcast, doubling},
                                                          {Collective::reduce, doubling}});
  const std::int64_t ranks = 2L * power_of_two(5);
  const auto result =
      simulate_collectives(round_system(ranks), {job_of(pair.first, pair.second, ranks)});
  RC_ASSERT(result.has_value());
  RC_ASSERT(std::abs(result->front().time / result->front().alone - 1) < 1e-6);
}

RC_GTEST_PROP(simulate_collectives, a_faster_link_never_slows_a_tree_of_switches, ()) {
  System slow = round_system(4, 4);
  slow.levels.back().oversubscription = *rc::gen::inRange(1, 5);
  System fast = slow;
  fast.levels[*rc::gen::inRange<std::size_t>(0, 2)].bandwidth.value *= 1.5;
  CollectiveJob job = job_of(Collective::all_reduce, CollectiveAlgorithm::ring, 16);
  if (*rc::gen::arbitrary<bool>()) job.algorithm = CollectiveAlgorithm::two_shot;
  const auto before = simulate_collectives(slow, {job});
  const auto after = simulate_collectives(fast, {job});
  RC_ASSERT(before.has_value() && after.has_value());
  RC_ASSERT(after->front().time <= before->front().time * (1 + 1e-9));
}

TEST(simulate_collectives, two_rings_on_the_same_ranks_share_their_links) {
  CollectiveJob job;
  job.payload = Bytes{1e9};
  job.ranks = {0, 1, 2, 3, 4, 5, 6, 7};
  const System system = round_system(8);
  const auto one = simulate_collectives(system, {job});
  const auto two = simulate_collectives(system, {job, job});
  ASSERT_TRUE(one && two);
  const Seconds latency = 14 * system.levels.front().latency.value;
  const Seconds transfer = one->front().time - latency;
  EXPECT_NEAR(two->front().time.base(), (latency + 2 * transfer).base(), 1e-9);
  EXPECT_EQ(two->front().time, two->back().time);
}

TEST(simulate_collectives, an_oversubscribed_fabric_is_as_slow_as_its_share) {
  System system = round_system(4, 2);
  system.levels.back().oversubscription = 4;
  CollectiveJob job;
  job.collective = Collective::all_to_all;
  job.algorithm = CollectiveAlgorithm::one_shot;
  job.payload = Bytes{8e9};
  job.ranks = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto result = simulate_collectives(system, {job});
  ASSERT_TRUE(result.has_value());
  // 4 x 4 messages of 1 GB leave each node through a quarter of 4 ports.
  const Level& fabric = system.levels.back();
  const BytesPerSecond trunk = fabric.achieved.value * fabric.bandwidth.value;
  EXPECT_NEAR(result->front().time.base(), (fabric.latency.value + Bytes{16e9} / trunk).base(),
              1e-3);
}

TEST(simulate_collectives, mistakes_come_all_at_once) {
  CollectiveJob job;
  job.algorithm = CollectiveAlgorithm::nvls;
  job.ranks = {0, 0, 99};
  const auto result = simulate_collectives(round_system(8), {job});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().size(), 4U);  // payload, algorithm, twice, not there
}

// Steps.

/// Draws plans without RapidCheck, which is made for hundreds of cases.
class AnyPlan {
 public:
  Plan next() {
    Plan plan;
    plan.tensor_parallel = power(3);
    plan.data_parallel = power(2);
    plan.context_parallel = power(1);
    plan.pipeline_parallel = power(2);
    plan.micro_batch = power(1);
    plan.sequence_parallel = below(2) == 0;
    plan.zero_stage = below(4);
    plan.recompute = static_cast<Recompute>(below(3));
    plan.overlap_gradients = below(2) == 0;
    if (plan.pipeline_parallel > 1) set_schedule(plan);
    return plan;
  }

 private:
  /// Predict lets the last passes of a rank's stages follow each other without a gap; where they do
  /// not, reductions may start earlier: they wait for the last pass here.
  void set_schedule(Plan& plan) {
    plan.schedule =
        std::array{
            Schedule::one_f_one_b, Schedule::gpipe, Schedule::interleaved,
            Schedule::zb_h1,       Schedule::zb_v,  Schedule::dualpipe}[static_cast<std::size_t>(
            below(6))];
    if (plan.schedule == Schedule::interleaved) plan.virtual_stages = 2;
    const bool plain = plan.schedule == Schedule::one_f_one_b || plan.schedule == Schedule::gpipe;
    if (!plain) plan.overlap_gradients = false;
  }

  int below(int limit) { return static_cast<int>(engine_() % static_cast<unsigned>(limit)); }
  int power(int most) { return 1 << below(most + 1); }
  std::mt19937 engine_{20'26};
};

bool shares_nothing(const Simulation& simulation) {
  return std::all_of(simulation.levels.begin(), simulation.levels.end(),
                     [](const LevelTraffic& level) { return level.slowed == 0; });
}

TEST(simulate, agrees_with_predict_on_a_thousand_plans_where_nothing_is_shared) {
  const std::vector<Workload> workloads{decoder({.batch = 64}),
                                        decoder({.batch = 64, .experts = 8}), small_cnn(64),
                                        decoder({.batch = 64, .phase = Phase::forward})};
  System fast = round_system(16, 8);
  fast.levels.front().latency.value = Seconds{1e-7};
  const std::vector<System> systems{round_system(8, 16), fast};
  AnyPlan plans;
  int compared = 0;
  int shared = 0;
  for (std::size_t i = 0; compared < 1000; ++i) {
    ASSERT_LT(i, 20'000U);
    const Workload& workload = workloads[i % workloads.size()];
    const System& system = systems[i / 4 % systems.size()];
    const Plan plan = plans.next();
    const auto predicted = predict(workload, system, plan);
    if (!predicted) continue;
    const auto apart = simulate(workload, system, plan, {.share_links = false});
    const auto simulated = simulate(workload, system, plan);
    ASSERT_TRUE(apart && simulated);
    const double step = predicted->step.value.base();
    ASSERT_NEAR(apart->step.base() / step, 1, 1e-3) << i;
    ASSERT_GE(simulated->step.base() / step, 1 - 1e-3) << i;
    if (!shares_nothing(*simulated)) {
      ++shared;
      continue;
    }
    ++compared;
    ASSERT_NEAR(simulated->step.base() / step, 1, 1e-3) << i;
  }
  EXPECT_GT(shared, 0);  // else the law of sharing would be vacuous
}

Plan some_plan() {
  Plan plan;
  plan.tensor_parallel = 2;
  plan.data_parallel = 4;
  plan.pipeline_parallel = 2;
  plan.micro_batch = 1;
  return plan;
}

TEST(simulate, the_same_seed_gives_the_same_step_and_another_another) {
  const Workload workload = decoder({.batch = 64});
  const System system = round_system(8, 2);
  const auto one = simulate(workload, system, some_plan(), {.seed = 7, .jitter = 0.1});
  const auto again = simulate(workload, system, some_plan(), {.seed = 7, .jitter = 0.1});
  const auto other = simulate(workload, system, some_plan(), {.seed = 8, .jitter = 0.1});
  ASSERT_TRUE(one && again && other);
  EXPECT_EQ(one->step, again->step);
  EXPECT_NE(one->step, other->step);
  EXPECT_GT(one->step, one->undisturbed);
  EXPECT_EQ(one->expansion.simulated, 4);
}

TEST(simulate, a_rank_slower_by_nothing_changes_nothing) {
  const Workload workload = decoder({.batch = 64});
  for (const int zero : {0, 1, 3}) {
    Plan plan = some_plan();
    plan.zero_stage = zero;
    const auto plain = simulate(workload, round_system(8, 2), plan);
    const auto same = simulate(workload, round_system(8, 2), plan, {.slow_ranks = {{3, 1.0}}});
    ASSERT_TRUE(plain && same);
    EXPECT_NEAR(same->step / plain->step, 1, 1e-3) << zero;
  }
}

RC_GTEST_PROP(simulate, a_slower_rank_slows_a_step_by_its_factor_at_most, ()) {
  const double factor = 1 + *rc::gen::inRange(1, 40) / 10.0;
  const auto rank = *rc::gen::inRange<std::int64_t>(0, 16);
  const auto plain = simulate(decoder({.batch = 64}), round_system(8, 2), some_plan());
  const auto slow = simulate(decoder({.batch = 64}), round_system(8, 2), some_plan(),
                             {.slow_ranks = {{rank, factor}}});
  RC_ASSERT(plain && slow);
  RC_ASSERT(slow->step > plain->step);
  RC_ASSERT(slow->step <= factor * plain->step * (1 + 1e-9));
  RC_ASSERT(slow->expansion.simulated == 2);
}

TEST(simulate, a_slow_link_slows_a_step) {
  const Workload workload = decoder({.batch = 64});
  const System system = round_system(8, 2);
  const auto slow =
      simulate(workload, system, some_plan(), {.slow_links = {{system.levels.front().name, 0.25}}});
  ASSERT_TRUE(slow.has_value());
  EXPECT_GT(slow->step, slow->undisturbed);
}

TEST(simulate, mistakes_of_options_come_all_at_once) {
  const auto result = simulate(decoder({.batch = 64}), round_system(8, 2), some_plan(),
                               {.jitter = -1,
                                .straggler_share = 2,
                                .straggler_factor = 0.5,
                                .slow_ranks = {{16, 0}},
                                .slow_links = {{"nowhere", -1}}});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().size(), 7U);
}

TEST(simulate, sixteen_thousand_ranks_are_one_replica_and_the_one_that_differs) {
  Plan plan;
  plan.tensor_parallel = 8;
  plan.pipeline_parallel = 16;
  plan.data_parallel = 128;
  const auto result = simulate(decoder({.batch = 1024, .layers = 32}), round_system(8, 2048), plan,
                               {.slow_ranks = {{4321, 1.5}}});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->expansion.ranks, 16'384);
  EXPECT_EQ(result->expansion.replicas, 128);
  EXPECT_EQ(result->expansion.simulated, 2);
  EXPECT_GT(result->step, result->undisturbed);
}

TEST(jitter, has_mean_one_and_its_deviation) {
  Jitter jitter(0.2);
  jitter.start(1, 2, 3, 4);
  constexpr int kDraws = 200'000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = jitter.next();
    sum += draw;
    squares += std::log(draw) * std::log(draw);
  }
  EXPECT_NEAR(sum / kDraws, 1, 0.002);
  EXPECT_NEAR(std::sqrt(squares / kDraws), 0.2, 0.02);
}

}  // namespace
}  // namespace fastpath
