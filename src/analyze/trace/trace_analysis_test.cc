#include <gmock/gmock.h>

#include "analyze/trace/intervals.h"
#include "analyze/trace/kernel_class.h"
#include "analyze/trace/rank_analysis.h"

namespace fastpath {
namespace {

/// A host thread (lane 0) and two streams (lanes 1 and 2) of one device; times in microseconds.
struct TraceMaker {
  Trace trace;

  TraceMaker() { trace.lanes = {{"host", "main", -1, -1}, {"gpu", "7", 0, 7}, {"gpu", "8", 0, 8}}; }

  void add(EventKind kind, std::uint32_t lane, const std::string& name, Picoseconds start,
           Picoseconds duration, std::int64_t correlation = -1) {
    TraceEvent event;
    event.kind = kind;
    event.lane = lane;
    event.name = static_cast<std::uint32_t>(trace.names.size());
    event.start = start * 1'000'000;
    event.duration = duration * 1'000'000;
    event.correlation = correlation;
    trace.names.push_back(name);
    trace.events.push_back(event);
  }
};

TEST(intervals, union_joins_what_touches_and_drops_what_is_empty) {
  const TimeRanges all = united({{5, 7}, {1, 3}, {3, 4}, {9, 9}, {6, 8}});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(length(all), 6);
  EXPECT_EQ(overlap(all, {{2, 6}}), 3);
}

TEST(kernel_class, knows_communication_of_any_library) {
  EXPECT_TRUE(is_communication("ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096>)"));
  EXPECT_TRUE(is_communication("void (anonymous namespace)::multimem_all_reduce_kernel<x>()"));
  EXPECT_TRUE(is_communication("void deep_ep::internode::dispatch<true>()"));
  EXPECT_FALSE(is_communication("void at::native::reduce_kernel<512, 1>()"));
  EXPECT_EQ(kernel_class("my_ring", {{"communication", "ring"}}), "communication");
}

TEST(trace_analysis, hidden_communication_is_not_exposed) {
  TraceMaker maker;
  maker.add(EventKind::kernel, 1, "gemm", 0, 10);
  maker.add(EventKind::kernel, 2, "ncclDevKernel_AllReduce", 5, 10);
  maker.add(EventKind::copy, 1, "Memcpy HtoD", 12, 8);
  const RankAnalysis rank = analyze_rank(maker.trace);
  ASSERT_EQ(rank.devices.size(), 1U);
  const TimeBreakdown& time = rank.devices[0];
  EXPECT_EQ(time.total, 20'000'000);
  EXPECT_EQ(time.compute, 10'000'000);
  EXPECT_EQ(time.exposed_communication, 5'000'000);
  EXPECT_EQ(time.exposed_copies, 5'000'000);
  EXPECT_EQ(time.idle(), 0);
}

TEST(trace_analysis, idle_time_is_explained_by_the_call_that_ended_it) {
  TraceMaker maker;
  maker.add(EventKind::runtime, 0, "cudaLaunchKernel", 0, 2, 1);
  maker.add(EventKind::kernel, 1, "a", 3, 7, 1);
  maker.add(EventKind::runtime, 0, "cudaStreamSynchronize", 4, 8);
  maker.add(EventKind::runtime, 0, "cudaLaunchKernel", 15, 2, 2);
  maker.add(EventKind::kernel, 1, "b", 20, 5, 2);
  const RankAnalysis rank = analyze_rank(maker.trace);
  const IdleCauses& idle = rank.idle[0];
  EXPECT_EQ(idle.sync, 2'000'000);
  EXPECT_EQ(idle.host, 3'000'000);
  EXPECT_EQ(idle.call, 2'000'000);
  EXPECT_EQ(idle.queue, 3'000'000);
  EXPECT_EQ(rank.stream_idle[0].host_wait, 10'000'000);
}

TEST(trace_analysis, one_launch_of_a_graph_has_all_its_kernels) {
  TraceMaker maker;
  maker.add(EventKind::runtime, 0, "cudaGraphLaunch", 0, 2, 1);
  for (int i = 0; i < 5; ++i)
    maker.add(EventKind::kernel, 1, "k", 3 + 2 * i, 1, 1);
  const RankAnalysis rank = analyze_rank(maker.trace);
  EXPECT_EQ(rank.launches.work.count, 5);
  EXPECT_EQ(rank.launches.graph_launches, 1);
  EXPECT_EQ(rank.unlinked, 0);
}

TEST(trace_analysis, overlapping_work_of_one_stream_is_kept) {
  TraceMaker maker;
  maker.add(EventKind::kernel, 1, "a", 0, 10);
  maker.add(EventKind::kernel, 1, "b", 5, 10);
  const RankAnalysis rank = analyze_rank(maker.trace);
  EXPECT_EQ(rank.overlaps, 1);
  EXPECT_EQ(rank.devices[0].busy, 15'000'000);
  EXPECT_EQ(rank.kernels.size(), 2U);
}

TEST(critical_path, goes_through_the_kernel_that_the_host_waits_for) {
  TraceMaker maker;
  maker.add(EventKind::op, 0, "aten::mm", 0, 10);
  maker.add(EventKind::runtime, 0, "cudaLaunchKernel", 2, 2, 1);
  maker.add(EventKind::kernel, 1, "gemm", 6, 100, 1);
  maker.add(EventKind::runtime, 0, "cudaDeviceSynchronize", 20, 88, 2);
  const CriticalPath path = analyze_rank(maker.trace).path;
  // 2 us to the launch, 4 us to the kernel's start, the kernel.
  EXPECT_EQ(path.length, 106'000'000);
  EXPECT_EQ(path.by_cause[static_cast<std::size_t>(PathCause::device)], 100'000'000);
  EXPECT_EQ(path.by_cause[static_cast<std::size_t>(PathCause::launch)], 4'000'000);
  EXPECT_EQ(path.owners.front().name, "gemm");
}

}  // namespace
}  // namespace fastpath
