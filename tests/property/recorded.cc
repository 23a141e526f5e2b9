// Laws of execution traces that are run on a system.
#include "engine/simulate/recorded.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace fastpath {
namespace {

System devices(std::int64_t count) {
  System system;
  system.id = system.device.id = "box";
  system.device.peaks.resize(1);
  system.device.peaks[0].format = NumberFormat::bf16;
  system.device.peaks[0].rate.value = FlopsPerSecond{1e15};

  system.device.memories.resize(1);
  system.device.memories[0].bandwidth.emplace();
  system.device.memories[0].bandwidth->value = BytesPerSecond{3e12};
  Level node;
  node.name = "node";
  node.count = count;
  node.bandwidth.value = BytesPerSecond{4e11};
  node.latency.value = Seconds{1e-6};
  system.levels = {node};
  return system;
}

/// Every rank has the same collectives between measured work of its own.
RecordedProgram any_program(std::int64_t ranks) {
  RecordedProgram recorded;
  const auto count = *rc::gen::inRange(1, 20);
  std::vector<bool> meets;
  for (int i = 0; i < count; ++i)
    meets.push_back(*rc::gen::inRange(0, 3) == 0);
  for (std::int64_t r = 0; r < ranks; ++r) {
    BlockProgram block;
    RecordedRank rank;
    rank.rank = r;
    for (int i = 0; i < count; ++i) {
      Task task;
      RecordedTask known;
      if (meets[static_cast<std::size_t>(i)]) {
        task.collective = Collective::all_reduce;
        task.payload = Bytes{1e6};
        known.lane = RecordedLane::network;
        known.source = TimeSource::link;
      } else {
        known.source = TimeSource::measured;
        known.measured = Seconds{*rc::gen::inRange(1, 100) * 1e-6};
      }
      if (i > 0 && *rc::gen::inRange(0, 2) == 0) {
        task.after.push_back(static_cast<std::uint32_t>(*rc::gen::inRange(0, i)));
      }
      block.forward.push_back(task);
      rank.tasks.push_back(known);
    }
    recorded.program.blocks.push_back(block);
    recorded.program.op_names.push_back({"op"});
    recorded.ranks.push_back(rank);
  }
  return recorded;
}

RC_GTEST_PROP(recorded, tasks_follow_what_they_wait_for_and_their_lane, ()) {
  const auto ranks = *rc::gen::inRange<std::int64_t>(1, 5);
  const RecordedProgram recorded = any_program(ranks);
  const auto run = simulate_recorded(recorded, devices(ranks), {});
  RC_ASSERT(run.has_value());
  constexpr double kRounding = 1e-12;
  for (std::size_t r = 0; r < recorded.ranks.size(); ++r) {
    std::array<double, 6> free{};
    for (std::size_t i = 0; i < recorded.ranks[r].tasks.size(); ++i) {
      const RecordedTime& time = run->times[r][i];
      double& lane = free[static_cast<std::size_t>(recorded.ranks[r].tasks[i].lane)];
      RC_ASSERT(time.start.base() >= lane - kRounding);
      for (const std::uint32_t before : recorded.program.blocks[r].forward[i].after)
        RC_ASSERT(time.start.base() >= run->times[r][before].end.base() - kRounding);
      lane = time.end.base();
    }
  }
}

RC_GTEST_PROP(recorded, ranks_leave_a_collective_together, ()) {
  const auto ranks = *rc::gen::inRange<std::int64_t>(2, 5);
  const RecordedProgram recorded = any_program(ranks);
  const auto run = simulate_recorded(recorded, devices(ranks), {});
  RC_ASSERT(run.has_value());
  for (std::size_t i = 0; i < recorded.ranks[0].tasks.size(); ++i) {
    if (recorded.ranks[0].tasks[i].lane != RecordedLane::network) continue;
    for (const auto& times : run->times) {
      RC_ASSERT(times[i].end == run->times[0][i].end);
      const Seconds waited = times[i].end - times[i].start - times[i].transfer;
      RC_ASSERT(waited.base() >= -1e-12);  // of rounding
    }
  }
}

RC_GTEST_PROP(recorded, a_slower_rank_makes_no_step_shorter, ()) {
  const auto ranks = *rc::gen::inRange<std::int64_t>(1, 5);
  const RecordedProgram recorded = any_program(ranks);
  const auto plain = simulate_recorded(recorded, devices(ranks), {});
  SimulateOptions options;
  options.slow_ranks = {{0, 2.0}};
  const auto slowed = simulate_recorded(recorded, devices(ranks), options);
  RC_ASSERT(plain.has_value() && slowed.has_value());
  RC_ASSERT(slowed->simulation.step >= plain->simulation.step);
  RC_ASSERT(slowed->simulation.undisturbed == plain->simulation.step);
}

TEST(recorded, ranks_that_wait_for_each_other_for_ever_are_told) {
  RecordedProgram recorded;
  for (std::int64_t r = 0; r < 2; ++r) {
    BlockProgram block;
    RecordedRank rank;
    rank.rank = r;
    // Rank 0 reduces in group a, then b; rank 1 the other way round.
    for (const bool first : {true, false}) {
      Task task;
      task.collective = Collective::all_reduce;
      task.payload = Bytes{8};
      block.forward.push_back(task);
      RecordedTask known;
      known.lane = RecordedLane::network;
      known.source = TimeSource::link;
      known.group = (r == 0) == first ? "a" : "b";
      rank.tasks.push_back(known);
    }
    recorded.program.blocks.push_back(block);
    recorded.program.op_names.push_back({"reduce"});
    recorded.ranks.push_back(rank);
  }
  const auto run = simulate_recorded(recorded, devices(2), {});
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error()[0].what, "ranks wait for each other for ever: rank 0 at reduce");
}

TEST(recorded, a_trace_of_a_rank_without_a_device_is_refused) {
  RecordedProgram recorded;
  recorded.program.blocks.resize(1);
  recorded.program.op_names.resize(1);
  recorded.ranks = {{.title = "step.4.et", .rank = 4, .tasks = {}}};
  const auto run = simulate_recorded(recorded, devices(2), {});
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error()[0].what, "is of rank 4, and 'box' has 2 devices");
}

}  // namespace
}  // namespace fastpath
