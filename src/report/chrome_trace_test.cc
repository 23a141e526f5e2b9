#include "report/chrome_trace.h"

#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fastpath {
namespace {

Timeline sample() {
  Timeline timeline;
  timeline.title = "step";
  timeline.names = {"a", "b\"\\\x01\xff", "compute", "memory (B)"};
  timeline.lanes = {{"rank 0", "compute"}, {"rank 0", "network"}, {"rank 1", "compute"}};
  timeline.spans = {{0, 0, 2, 0, 1'001},
                    {1, 1, 2, 500, 2'000'000'000'001},
                    {0, 1, 2, 1'001, 999},
                    {2, 0, 2, 2'000, 1}};
  timeline.edges = {{0, 2}, {0, 99}};
  timeline.counters = {{3, 0, 10, 1.5}};
  return timeline;
}

Picoseconds picoseconds(const nlohmann::json& microseconds) {
  return static_cast<Picoseconds>(std::floor(microseconds.get<double>() * 1e6 + 0.25));
}

using Sums = std::map<std::pair<std::string, std::string>, Picoseconds>;

/// Durations by process and lane, as a reader of the trace finds them.
Sums sums_of(const nlohmann::json& trace) {
  std::map<int, std::string> processes;
  std::map<int, std::string> threads;
  Sums sums;
  for (const auto& event : trace["traceEvents"]) {
    if (event["name"] == "process_name") processes[event["pid"]] = event["args"]["name"];
    if (event["name"] == "thread_name") threads[event["tid"]] = event["args"]["name"];
    if (event["ph"] != "X") continue;
    std::string lane = threads.at(event["tid"]);
    lane = lane.substr(0, lane.find(" ("));
    sums[{processes.at(event["pid"]), lane}] += picoseconds(event["dur"]);
  }
  return sums;
}

Sums sums_of(const Timeline& timeline) {
  Sums sums;
  for (const Span& span : timeline.spans) {
    const Lane& lane = timeline.lanes[span.lane];
    sums[{lane.process, lane.name}] += span.duration;
  }
  return sums;
}

/// Slices of one thread as Perfetto reads them: truncated to nanoseconds, from doubles.
struct Slice {
  std::int64_t start = 0;
  std::int64_t end = 0;
};

void expect_nested(const nlohmann::json& trace) {
  std::map<int, std::vector<Slice>> open;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    const auto start = static_cast<std::int64_t>(event["ts"].get<double>() * 1000.0);
    const auto length = static_cast<std::int64_t>(event["dur"].get<double>() * 1000.0);
    std::vector<Slice>& stack = open[event["tid"]];
    while (!stack.empty() && stack.back().end <= start)
      stack.pop_back();
    if (!stack.empty()) {
      ASSERT_LE(start + length, stack.back().end);
    }
    stack.push_back({start, start + length});
  }
}

TEST(ChromeTrace, spans_of_each_lane_add_up_to_the_timelines) {
  const Timeline timeline = sample();
  const auto trace = nlohmann::json::parse(chrome_trace(timeline));
  EXPECT_EQ(sums_of(trace), sums_of(timeline));
}

TEST(ChromeTrace, has_a_process_per_process_and_a_thread_per_lane) {
  const auto trace = nlohmann::json::parse(chrome_trace(sample()));
  std::map<std::string, int> kinds;
  for (const auto& event : trace["traceEvents"])
    ++kinds[event["ph"] == "M" ? event["name"].get<std::string>() : event["ph"].get<std::string>()];
  EXPECT_EQ(kinds["process_name"], 2);
  EXPECT_EQ(kinds["thread_name"], 3);
  EXPECT_EQ(kinds["X"], 4);
  EXPECT_EQ(kinds["C"], 1);
}

TEST(ChromeTrace, edges_are_flows_on_request_and_dangling_ones_are_left_out) {
  const auto trace = nlohmann::json::parse(chrome_trace(sample(), {.edges = true}));
  int flows = 0;
  for (const auto& event : trace["traceEvents"])
    flows += event["ph"] == "s" || event["ph"] == "f" ? 1 : 0;
  EXPECT_EQ(flows, 2);
}

TEST(ChromeTrace, no_slice_overlaps_another_of_its_thread_whatever_the_spans) {
  std::mt19937 random(7);  // a fixed seed: the same spans every time
  for (int round = 0; round < 50; ++round) {
    Timeline timeline = sample();
    timeline.spans.clear();
    Picoseconds time = 0;
    for (int i = 0; i < 200; ++i) {
      const auto duration = static_cast<Picoseconds>(random() % 5000);
      timeline.spans.push_back({static_cast<std::uint32_t>(random() % 3), 0, 2, time, duration});
      if (random() % 3 > 0) time += random() % 2 > 0 ? duration : duration / 2;
    }
    const auto trace = nlohmann::json::parse(chrome_trace(timeline));
    EXPECT_EQ(sums_of(trace), sums_of(timeline));
    expect_nested(trace);
  }
}

TEST(ChromeTrace, spans_back_to_back_stay_on_one_thread) {
  Timeline timeline = sample();
  timeline.spans.clear();
  for (int i = 0; i < 1000; ++i)
    timeline.spans.push_back({0, 0, 2, Picoseconds{1'001} * i, 1'001});
  const auto trace = nlohmann::json::parse(chrome_trace(timeline));
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] == "X") {
      EXPECT_EQ(event["tid"], 1);
    }
  }
  expect_nested(trace);
}

TEST(ChromeTrace, an_empty_timeline_is_valid) {
  EXPECT_TRUE(nlohmann::json::accept(chrome_trace({})));
}

}  // namespace
}  // namespace fastpath
