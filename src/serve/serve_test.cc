#include "serve/serve.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "serve/adapter_pool.h"
#include "serve/kv_pool.h"
#include "serve/load.h"
#include "serve/metrics.h"
#include "serve/timeline.h"

namespace fastpath {
namespace {

/// Iterations of 10 ms whatever they hold, and 1 ms for each token of a prompt and each token that
/// a decode step checks besides.
StepSource steps() {
  return [](const StepShape& shape) -> Result<StepParts> {
    StepParts step;
    const bool decode = shape.phase == Phase::decode;
    const double tokens = static_cast<double>(shape.batch * shape.sequence);
    const double checked = static_cast<double>(shape.sequence - 1);
    step.step = Seconds{decode ? 10e-3 + 1e-3 * checked : 1e-3 * tokens};
    step.parts[static_cast<std::size_t>(EnginePart::matmul_bytes)] = step.step;
    return step;
  };
}

Deployment deployment() {
  Deployment one;
  one.serving.table = std::make_shared<StepTable>(steps(), 1);
  one.serving.pool = {1000, 0, 16};
  return one;
}

RequestStream requests(std::initializer_list<Request> list) {
  RequestStream stream;
  stream.requests = list;
  stream.chunk = 16;
  return stream;
}

Request request(double arrival, std::int64_t input, std::int64_t output) {
  Request one;
  one.arrival = Seconds{arrival};
  one.input = input;
  one.output = output;
  return one;
}

TEST(serve, one_request_is_a_prompt_and_its_decodes) {
  const auto result = serve(requests({request(1, 64, 11)}), deployment());
  ASSERT_TRUE(result.has_value());
  const RequestOutcome& one = result->requests.front();
  EXPECT_NEAR(one.ttft().base(), 64e-3, 1e-9);
  EXPECT_NEAR(one.tpot().base(), 10e-3, 1e-9);
  EXPECT_NEAR(one.latency().base(), 164e-3, 1e-9);
}

TEST(serve, a_run_of_decodes_is_cut_by_an_arrival) {
  const auto result = serve(requests({request(0, 64, 101), request(0.1, 64, 1)}), deployment());
  ASSERT_TRUE(result.has_value());
  // Decodes end at 64 + 10 n ms: the iteration of the arrival ends at 104 ms.
  EXPECT_NEAR(result->requests[1].scheduled.base(), 104e-3, 1e-9);
}

TEST(serve, a_known_prefix_is_not_computed_again) {
  RequestStream stream = requests({request(0, 64, 2), request(1, 64, 2)});
  for (Request& one : stream.requests)
    one.prefix = {1, 2, 3, 4};
  const auto result = serve(stream, deployment());
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->requests[0].cached, 0);
  // The last token of a prompt is computed in any case, so its chunk is.
  EXPECT_EQ(result->requests[1].cached, 48);
  EXPECT_LT(result->requests[1].ttft(), result->requests[0].ttft());
}

TEST(serve, a_full_pool_preempts_the_last_and_loses_no_token) {
  Deployment small = deployment();
  small.serving.pool.blocks = 12;  // 192 tokens: two sequences of 160 do not fit together
  const auto result = serve(requests({request(0, 80, 80), request(0, 80, 80)}), small);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->requests[0].preemptions, 0);
  EXPECT_GE(result->requests[1].preemptions, 1);
  EXPECT_EQ(result->requests[1].generated, 80);
  EXPECT_LE(result->replicas.front().peak_blocks, 12);
}

TEST(serve, what_can_never_fit_is_turned_away) {
  Deployment small = deployment();
  small.serving.pool.blocks = 4;
  const auto result = serve(requests({request(0, 80, 80), request(0, 8, 8)}), small);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->rejected, 1);
  EXPECT_EQ(result->requests[1].generated, 8);
}

TEST(serve, caches_move_between_workers_at_the_link_s_rate) {
  Deployment apart = deployment();
  apart.prefill = apart.serving;
  apart.cache_token = Bytes{1e6};
  apart.transfer_bandwidth = BytesPerSecond{1e9};
  const auto result = serve(requests({request(0, 100, 3)}), apart);
  ASSERT_TRUE(result.has_value());
  const RequestOutcome& one = result->requests.front();
  EXPECT_NEAR((one.finish - one.first_token).base(), 100e-3 + 20e-3, 1e-9);
  EXPECT_EQ(one.generated, 3);
}

TEST(serve, a_step_emits_what_is_accepted_in_the_mean) {
  Deployment guessing = deployment();
  guessing.serving.engine.speculation = {3, 0.5};  // 1 + 1/2 + 1/4 + 1/8 tokens a step
  const auto result = serve(requests({request(0, 64, 1 + 1875)}), guessing);
  ASSERT_TRUE(result.has_value());
  EXPECT_DOUBLE_EQ(guessing.serving.engine.speculation.tokens(), 1.875);
  // A step checks four tokens: 10 ms, and 1 ms for each of the three more.
  EXPECT_NEAR(result->requests[0].tpot().base(), 13e-3 / 1.875, 1e-5);
  EXPECT_EQ(result->requests[0].generated, 1876);
}

TEST(serve, a_draft_is_paid_for_each_token_that_it_proposes) {
  Deployment guessing = deployment();
  guessing.serving.engine.speculation = {2, 0};
  guessing.serving.draft = std::make_shared<StepTable>(steps(), 1);
  const auto result = serve(requests({request(0, 64, 11)}), guessing);
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(result->requests[0].tpot().base(), 10e-3 + 2e-3 + 2 * 10e-3, 1e-9);
}

RequestStream of_adapters(std::initializer_list<std::int32_t> adapters) {
  RequestStream stream = requests({});
  for (const std::int32_t adapter : adapters) {
    stream.requests.push_back(request(0, 64, 11));
    stream.requests.back().adapter = adapter;
  }
  return stream;
}

TEST(serve, an_iteration_waits_for_adapters_that_are_not_there) {
  Deployment adapted = deployment();
  adapted.serving.engine.adapters = {2, Seconds{0.5}};
  adapted.serving.engine.max_sequences = 1;
  const auto result = serve(of_adapters({0, 1, 0, 2, 1}), adapted);
  ASSERT_TRUE(result.has_value());
  // 0 and 1 are loaded; 0 is there; 2 takes the place of 1, which has not been used for longest.
  EXPECT_EQ(result->replicas.front().adapter_loads, 4);
  EXPECT_NEAR(result->requests[0].ttft().base(), 0.5 + 64e-3, 1e-9);
  EXPECT_NEAR((result->requests[2].finish - result->requests[1].finish).base(), 164e-3, 1e-9);
}

TEST(serve, others_pass_by_one_that_waits_for_a_slot) {
  Deployment adapted = deployment();
  adapted.serving.engine.adapters = {1, Seconds{}};
  const auto result = serve(of_adapters({0, 1, 0, -1}), adapted);
  ASSERT_TRUE(result.has_value());
  EXPECT_LT(result->requests[2].scheduled, result->requests[0].finish);
  EXPECT_LT(result->requests[3].scheduled, result->requests[0].finish);
  EXPECT_GE(result->requests[1].scheduled, result->requests[0].finish);
  EXPECT_EQ(result->requests[1].generated, 11);
}

TEST(serve, a_priority_goes_ahead_in_the_queue_and_is_preempted_last) {
  Deployment ordered = deployment();
  ordered.serving.engine.order = QueueOrder::priority;
  ordered.serving.pool.blocks = 12;  // 192 tokens: two sequences of 160 do not fit together
  RequestStream stream = requests({request(0, 80, 80), request(0, 80, 80), request(0.01, 80, 80)});
  stream.classes = {{"later", 0.5, {}, 1}, {"sooner", 0.5, {}, 0}};
  stream.requests[2].service_class = 1;
  const auto result = serve(stream, ordered);
  ASSERT_TRUE(result.has_value());
  EXPECT_LT(result->requests[2].scheduled, result->requests[1].finish);
  EXPECT_EQ(result->requests[2].preemptions, 0);
  EXPECT_LT(result->requests[2].finish, result->requests[1].finish);
  for (const RequestOutcome& one : result->requests)
    EXPECT_EQ(one.generated, 80);
}

TEST(load, a_class_draws_lengths_of_its_own) {
  Load load;
  load.rate = 1;
  load.count = 100;
  load.input = {10, 10};
  load.output = {5, 5};
  const RequestStream stream = stream_of(
      load, {{"short", 0.5, {}, 0}, {"long", 0.5, {}, 0, Lengths{1000, 2000}, Lengths{7, 7}}});
  for (const Request& one : stream.requests) {
    const bool is_long = one.service_class == 1;
    EXPECT_EQ(one.input >= 1000, is_long);
    EXPECT_EQ(one.output, is_long ? 7 : 5);
  }
}

TEST(load, adapters_are_asked_for_by_their_weights) {
  Load load;
  load.rate = 1;
  load.count = 6000;
  const RequestStream stream = with_adapters(stream_of(load), 3, 1, 7);
  std::array<int, 3> asked{};
  for (const Request& one : stream.requests)
    ++asked.at(static_cast<std::size_t>(one.adapter));
  EXPECT_NEAR(asked[0], 6000 * 6.0 / 11, 120);
  EXPECT_NEAR(asked[1], 6000 * 3.0 / 11, 120);
}

TEST(adapter_pool, gives_up_what_was_not_used_for_longest) {
  AdapterPool pool(2);
  EXPECT_TRUE(pool.hold(0));
  EXPECT_TRUE(pool.hold(1));
  EXPECT_FALSE(pool.can_hold(2));
  EXPECT_TRUE(pool.can_hold(-1));
  pool.release(1);
  pool.release(0);
  EXPECT_TRUE(pool.hold(2));
  EXPECT_FALSE(pool.is_here(1));
  EXPECT_FALSE(pool.hold(0));
  EXPECT_EQ(pool.count(), 2);
}

TEST(serve, admission_turns_away_what_is_too_much) {
  Deployment full = deployment();
  full.most_present = 2;
  const auto result =
      serve(requests({request(0, 64, 50), request(0, 64, 50), request(0.1, 64, 50)}), full);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->refused, 1);
  EXPECT_EQ(result->requests[2].replica, -1);
  EXPECT_EQ(result->requests[1].generated, 50);
}

TEST(serve, replicas_start_when_there_is_work_and_stop_behind_it) {
  Deployment elastic = deployment();
  elastic.serving.count = 3;
  elastic.autoscaling.least = 1;
  elastic.autoscaling.target = 2;
  elastic.autoscaling.start_up = Seconds{0.5};
  elastic.autoscaling.interval = Seconds{0.1};
  RequestStream stream = requests({});
  for (int i = 0; i < 6; ++i)
    stream.requests.push_back(request(0, 64, 200));
  stream.requests.push_back(request(30, 64, 2));
  const auto result = serve(stream, elastic);
  ASSERT_TRUE(result.has_value());
  std::int64_t most = 0;
  for (const auto& [time, count] : result->scaling)
    most = std::max(most, count);
  EXPECT_EQ(most, 3);
  EXPECT_EQ(result->scaling.back().second, 1);
  EXPECT_LT(result->replica_time.base(), 1.5 * result->duration.base());
}

TEST(metrics, each_class_has_limits_of_its_own) {
  RequestStream stream = requests({});
  for (int i = 0; i < 100; ++i)
    stream.requests.push_back(request(i, 64, 11));
  stream = with_classes(std::move(stream), {{"quick", 0.25, {Seconds{1e-3}, {}, {}}},
                                            {"slow", 0.75, {Seconds{1}, {}, {}}}});
  const auto result = serve(stream, deployment());
  ASSERT_TRUE(result.has_value());
  const auto classes = metrics_by_class(stream, *result);
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_NEAR(static_cast<double>(classes[0].requests), 25, 1);
  EXPECT_EQ(classes[0].metrics.good, 0u);
  EXPECT_EQ(classes[1].metrics.good, classes[1].requests);
}

TEST(timeline, has_a_lane_for_each_replica_and_says_what_it_leaves_out) {
  std::vector<IterationRecord> log;
  const auto result =
      serve(requests({request(0, 64, 11), request(0.2, 64, 5)}), deployment(), nullptr, &log);
  ASSERT_TRUE(result.has_value());
  const Timeline all = timeline_of(log, 0);
  EXPECT_EQ(all.lanes.size(), 1u);
  EXPECT_EQ(all.spans.size(), log.size());
  EXPECT_EQ(all.counters.size(), 3 * log.size());
  const Timeline some = timeline_of(log, 0, 1);
  EXPECT_EQ(some.spans.size(), 1u);
  EXPECT_EQ(some.dropped, static_cast<std::int64_t>(log.size()) - 1);
}

TEST(serve, mistakes_of_a_stream_are_told) {
  EXPECT_FALSE(serve({}, deployment()).has_value());
  EXPECT_FALSE(serve(requests({request(0, 0, 1)}), deployment()).has_value());
  Deployment none = deployment();
  none.serving.pool.blocks = 0;
  EXPECT_FALSE(serve(requests({request(0, 1, 1)}), none).has_value());
}

TEST(kv_pool, contents_are_given_up_oldest_first) {
  KvPool pool(4, 1);
  const std::uint64_t names[] = {7, 8};
  ASSERT_TRUE(pool.take(2));
  pool.publish(names);
  pool.release(names);
  EXPECT_EQ(pool.used(), 0);
  EXPECT_EQ(pool.occupied(), 2);
  ASSERT_TRUE(pool.take(3));
  EXPECT_EQ(pool.known(names), 1u);
  EXPECT_FALSE(pool.take(2));
  EXPECT_EQ(pool.occupied(), 4);
}

TEST(load, gaps_have_the_rate_and_the_variation_that_is_asked) {
  for (const double variation : {0.5, 1.0, 2.0}) {
    Load load;
    load.count = 20'000;
    load.rate = 4;
    load.variation = variation;
    const RequestStream stream = stream_of(load);
    double sum = 0;
    double squares = 0;
    double last = 0;
    for (const Request& one : stream.requests) {
      const double gap = one.arrival.base() - last;
      last = one.arrival.base();
      sum += gap;
      squares += gap * gap;
    }
    const auto count = static_cast<double>(stream.requests.size());
    const double mean = sum / count;
    EXPECT_NEAR(mean, 0.25, 0.02) << variation;
    EXPECT_NEAR(std::sqrt(squares / count - mean * mean) / mean, variation, 0.1) << variation;
  }
}

TEST(load, a_turn_holds_all_that_was_said) {
  Load load;
  load.turns = 3;
  load.rate = 1;
  load.input = {100, 100};
  load.output = {30, 30};
  const RequestStream stream = stream_of(load);
  ASSERT_EQ(stream.requests.size(), 3u);
  EXPECT_EQ(stream.requests[2].input, 360);
  EXPECT_EQ(stream.requests[2].after, 1);
  EXPECT_EQ(stream.requests[2].prefix.size(), 6u);
}

TEST(iteration_cost, nodes_are_powers_of_two_and_their_middles) {
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(axis_index(axis_node(i)), i);
    EXPECT_LT(axis_node(i), axis_node(i + 1));
  }
  EXPECT_EQ(axis_index(5.9), axis_index(4));
}

TEST(metrics, percentiles_lie_between_order_statistics) {
  const Latencies one = latencies_of({4.0, 1.0, 3.0, 2.0, 5.0});
  EXPECT_DOUBLE_EQ(one.mean.base(), 3);
  EXPECT_DOUBLE_EQ(one.p50.base(), 3);
  EXPECT_DOUBLE_EQ(one.p90.base(), 4.6);
}

}  // namespace
}  // namespace fastpath
