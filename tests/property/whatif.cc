// Laws of replayed traces.
#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "ir/operator_shape.h"
#include "whatif/edits.h"
#include "whatif/replay.h"
#include "whatif/what_if.h"

namespace fastpath {
namespace {

/// Two threads that launch work on two streams, wait now and then, and nest their calls.
Trace any_trace() {
  Trace trace;
  trace.lanes = {
      {"host", "1", -1, -1}, {"host", "2", -1, -1}, {"gpu", "7", 0, 7}, {"gpu", "8", 0, 8}};
  trace.names = {"aten::op",
                 "cudaLaunchKernel",
                 "gemm_kernel",
                 "vectorized_elementwise_kernel",
                 "cudaDeviceSynchronize",
                 "ncclDevKernel_AllReduce"};
  Picoseconds free[2] = {0, 0};
  Picoseconds host[2] = {0, 500};
  Picoseconds called = 0;
  const auto steps = *rc::gen::inRange(1, 30);
  const auto time = [](int most) { return Picoseconds{*rc::gen::inRange(1, most)} * 1'000'000; };
  for (int i = 0; i < steps; ++i) {
    const auto lane = static_cast<std::uint32_t>(*rc::gen::inRange(0, 2));
    const auto stream = static_cast<std::uint32_t>(*rc::gen::inRange(0, 2));
    const Picoseconds start = std::max(host[lane], called) + time(50);
    TraceEvent op{.start = start, .duration = 0, .name = 0, .lane = lane, .kind = EventKind::op};
    TraceEvent call{.start = start + time(5),
                    .duration = time(10),
                    .correlation = i,
                    .name = 1,
                    .lane = lane,
                    .kind = EventKind::runtime};
    op.duration = call.end() + time(5) - start;
    const Picoseconds begins = std::max(call.start + time(20), free[stream] + time(3));
    TraceEvent work{.start = begins,
                    .duration = time(100),
                    .correlation = i,
                    .name = static_cast<std::uint32_t>(*rc::gen::element(2, 3, 5)),
                    .lane = 2 + stream,
                    .kind = EventKind::kernel};
    free[stream] = work.end();
    host[lane] = op.end();
    called = call.start;  // streams run work in the order of its calls
    trace.events.insert(trace.events.end(), {op, call, work});
    if (*rc::gen::inRange(0, 4) == 0) {
      const Picoseconds from = host[lane] + time(5);
      const Picoseconds until = std::max({free[0], free[1], from}) + time(4);
      trace.events.push_back({.start = from,
                              .duration = until - from,
                              .correlation = 1000 + i,
                              .name = 4,
                              .lane = lane,
                              .kind = EventKind::runtime});
      host[lane] = until;
    }
  }
  return trace;
}

TimeScales same(const Trace& trace) {
  return {.work = std::vector<double>(trace.events.size(), 1.0),
          .fused = std::vector<bool>(trace.events.size(), false)};
}

RC_GTEST_PROP(what_if, an_unchanged_replay_is_the_trace_itself, ()) {
  const Trace trace = any_trace();
  const ReplayedTimes times = TraceReplay(index_trace(trace)).run(same(trace));
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    RC_ASSERT(times.start[i] == trace.events[i].start);
    RC_ASSERT(times.end[i] == trace.events[i].end());
  }
}

RC_GTEST_PROP(what_if, nothing_gets_later_when_anything_gets_faster, ()) {
  const Trace trace = any_trace();
  const TraceIndex index = index_trace(trace);
  TimeScales scales = same(trace);
  for (double& factor : scales.work)
    factor = *rc::gen::element(0.25, 0.5, 1.0);
  scales.launch = *rc::gen::element(0.5, 1.0);
  scales.host = *rc::gen::element(0.5, 1.0);
  scales.no_sync = *rc::gen::arbitrary<bool>();
  const ReplayedTimes times = TraceReplay(index).run(scales);
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    RC_ASSERT(times.end[i] <= trace.events[i].end());
    RC_ASSERT(times.end[i] >= times.start[i]);
  }
}

RC_GTEST_PROP(what_if, kernels_of_a_stream_keep_their_order_and_never_overlap, ()) {
  const Trace trace = any_trace();
  const TraceIndex index = index_trace(trace);
  const auto edits =
      parse_edits("kernels:gemm=0.3 collectives=2 launch=0.1 fuse=elementwise sync=off");
  RC_ASSERT(edits.has_value());
  TimeScales scales = same(trace);
  for (double& factor : scales.work)
    factor = *rc::gen::element(0.25, 1.0, 3.0);
  const ReplayedTimes times = TraceReplay(index).run(scales);
  std::vector<Picoseconds> free(trace.lanes.size(), 0);
  for (const Work& work : index.work) {
    const std::uint32_t lane = trace.events[work.event].lane;
    RC_ASSERT(times.start[work.event] >= free[lane]);
    free[lane] = times.end[work.event];
  }
}

TEST(what_if, a_convolution_is_known_by_its_strides) {
  const std::string shapes = "[[512, 3, 224, 224], [64, 3, 7, 7], [], [], [], [], [], [], []]";
  const std::string types = R"(["c10::BFloat16", "c10::BFloat16"])";
  const auto strided =
      operator_shape("aten::miopen_convolution", shapes, types,
                     R"(["", "", "", "[3, 3]", "[2, 2]", "[1, 1]", "1", "False", "False"])");
  ASSERT_TRUE(strided.has_value());
  EXPECT_EQ(strided->m, 512.0 * 112 * 112);
  EXPECT_EQ(strided->n, 64);
  EXPECT_EQ(strided->k, 3.0 * 7 * 7);
  EXPECT_EQ(strided->work, Flops{2.0 * 512 * 112 * 112 * 64 * 147});
  EXPECT_FALSE(strided->winograd);
  EXPECT_FALSE(operator_shape("aten::miopen_convolution", shapes, types));
  const auto transposed =
      operator_shape("aten::convolution", shapes, types,
                     R"(["", "", "", "[2, 2]", "[3, 3]", "[1, 1]", "True", "[0, 0]", "1"])");
  EXPECT_FALSE(transposed.has_value());
}

TEST(what_if, one_wait_is_removed_by_its_name) {
  Trace trace;
  trace.lanes = {{"host", "1", -1, -1}, {"gpu", "7", 0, 7}};
  trace.names = {"aten::item", "cudaStreamSynchronize", "cudaLaunchKernel", "kernel",
                 "cudaDeviceSynchronize"};
  trace.events = {
      {.start = 0, .duration = 5, .correlation = 1, .name = 2, .kind = EventKind::runtime},
      {.start = 10,
       .duration = 100,
       .correlation = 1,
       .name = 3,
       .lane = 1,
       .kind = EventKind::kernel},
      {.start = 20, .duration = 95, .name = 0, .kind = EventKind::op},
      {.start = 25, .duration = 86, .name = 1, .kind = EventKind::runtime},
      {.start = 120, .duration = 5, .name = 4, .kind = EventKind::runtime}};
  const TraceIndex index = index_trace(trace);
  const auto edits = parse_edits("sync:aten::item=off");
  ASSERT_TRUE(edits.has_value());
  const auto changed = what_if(index, *edits, {});
  ASSERT_TRUE(changed.has_value());
  EXPECT_LT(changed->after, changed->before);
  const auto unknown = parse_edits("sync:aten::nonzero=off");
  ASSERT_TRUE(unknown.has_value());
  EXPECT_FALSE(what_if(index, *unknown, {}).has_value());
}

TEST(what_if, mistakes_are_all_told_at_once) {
  const auto edits = parse_edits("lunch=0.5 sync=on format=fp9 kernels:gemm=0 copies");
  ASSERT_FALSE(edits.has_value());
  EXPECT_EQ(edits.error().size(), 5U);
  EXPECT_THAT(edits.error().front().hint, ::testing::HasSubstr("launch"));
}

TEST(what_if, shapes_are_those_of_the_operator) {
  const auto product = operator_shape("aten::addmm", "[[512], [141, 256], [256, 512], [], []]",
                                      "['c10::BFloat16', 'c10::BFloat16', 'c10::BFloat16']");
  ASSERT_TRUE(product.has_value());
  EXPECT_EQ(product->m, 141);
  EXPECT_EQ(product->work, Flops{2.0 * 141 * 256 * 512});
  const auto attention = operator_shape("aten::_flash_attention_forward",
                                        "[[1, 141, 8, 64], [1, 141, 2, 64], [1, 141, 2, 64]]",
                                        "['c10::Half', 'c10::Half', 'c10::Half']");
  ASSERT_TRUE(attention.has_value());
  EXPECT_EQ(attention->group, 4);
  EXPECT_EQ(attention->compute_format, NumberFormat::fp16);
  const auto causal = operator_shape(
      "aten::_flash_attention_forward", "[[1, 128, 12, 64], [1, 128, 12, 64], [1, 128, 12, 64]]",
      "['c10::BFloat16']", R"(["", "", "", "", "", "128", "128", "0.", "True"])");
  ASSERT_TRUE(causal.has_value());
  EXPECT_EQ(causal->n, 64.5);
  EXPECT_FALSE(operator_shape("aten::mm", "[[3, 4], [5, 6]]", "['float', 'float']"));
  EXPECT_FALSE(operator_shape("aten::mm", "[[[3]]]", "['float']"));
  EXPECT_FALSE(operator_shape("aten::mm", "[[1e99, 4], [4, 6]]", "['float', 'float']"));
}

}  // namespace
}  // namespace fastpath
