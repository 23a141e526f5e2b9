// Laws of the trace reader and of the analyses.
#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "fastpath/fastpath.h"

#include "analyze/trace/job_analysis.h"
#include "analyze/trace/timeline_trace.h"
#include "analyze/trace/trace_findings.h"
#include "import/trace/trace.h"
#include "report/chrome_trace.h"
#include "report/data_report.h"
#include "support/tiny_models.h"

namespace fastpath {
namespace {

/// All tables but the one about the file.
std::string findings_without_file(RankAnalysis rank) {
  rank.title = "step";
  rank.rank = 0;
  Findings findings = describe_traces({rank}, {}, 0);
  std::erase_if(findings.tables, [](const Table& table) { return table.name == "traces"; });
  return json_report(findings);
}

TEST(trace_property, a_predicted_step_reads_back_to_the_same_findings) {
  const Workload workload = testing::decoder({.batch = 64, .seq = 512, .layers = 4});
  const System system = testing::round_system(8, 1);
  for (const auto& [tensor, pipeline] : {std::pair{1, 1}, {2, 2}, {1, 4}, {8, 1}}) {
    Plan plan;
    plan.tensor_parallel = tensor;
    plan.pipeline_parallel = pipeline;
    plan.data_parallel = 8 / tensor / pipeline;
    plan.micro_batch = 1;
    const auto timeline = Predictor(workload, system).draw(plan);
    ASSERT_TRUE(timeline) << timeline.error().front().what;
    const auto read = parse_trace(chrome_trace(*timeline), "step.json");
    ASSERT_TRUE(read);
    EXPECT_EQ(findings_without_file(analyze_rank(read->value)),
              findings_without_file(analyze_rank(trace_of(*timeline))));
  }
}

/// One rank of a job: between collectives it computes; all ranks leave a collective together, give
/// or take two microseconds. Its clock is `offset` us ahead.
std::string rank_of_job(int rank, double offset, unsigned seed) {
  std::mt19937 shared(seed);
  std::mt19937 own(seed + 1000U + static_cast<unsigned>(rank));
  std::uniform_real_distribution<double> compute(200, 1500);
  std::uniform_real_distribution<double> noise(-2, 2);
  std::string events;
  double now = 1'700'000'000'000'000.0 / 1e6;  // keeps the doubles exact to a nanosecond
  for (int step = 0; step < 40; ++step) {
    const double slowest = now + 1500 + std::uniform_real_distribution<double>(0, 100)(shared);
    const double start = now + compute(own);
    const double end = slowest + 300;
    events += fmt::format(
        "{{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"gemm\", \"pid\": 0, \"tid\": 7, "
        "\"ts\": {:.3f}, \"dur\": {:.3f}, \"args\": {{\"stream\": 7, \"device\": 0}}}},\n"
        "{{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"ncclDevKernel_AllReduce_Sum_f32\", "
        "\"pid\": 0, \"tid\": 9, \"ts\": {:.3f}, \"dur\": {:.3f}, "
        "\"args\": {{\"stream\": 9, \"device\": 0}}}},\n",
        now + offset, start - now, start + offset, end + noise(own) - start);
    now = end;
  }
  events.resize(events.size() - 2);
  return fmt::format(
      "{{\"distributedInfo\": {{\"rank\": {}}}, \"baseTimeNanoseconds\": 1700000000000000000, "
      "\"traceEvents\": [{}]}}",
      rank, events);
}

RC_GTEST_PROP(trace_property, clocks_that_are_milliseconds_off_are_aligned_within_20_us,
              (unsigned seed)) {
  std::vector<RankAnalysis> ranks;
  std::vector<double> offsets{0};
  for (int rank = 1; rank < 4; ++rank)
    offsets.push_back(*rc::gen::inRange(-5000, 5000));
  for (int rank = 0; rank < 4; ++rank) {
    const std::string text = rank_of_job(rank, offsets[static_cast<std::size_t>(rank)], seed);
    ranks.push_back(analyze_rank(parse_trace(text, "job")->value));
  }
  const JobAnalysis job = analyze_job(ranks);
  for (std::size_t rank = 1; rank < 4; ++rank) {
    const double found = static_cast<double>(job.clocks[rank].offset) / 1e6;
    RC_ASSERT(std::abs(found - offsets[rank]) < 20);
    RC_ASSERT(job.clocks[rank].collectives == 40);
  }
  RC_ASSERT(job.collectives.size() == 40U);
}

RC_GTEST_PROP(trace_property, a_file_cut_anywhere_keeps_every_whole_event, (unsigned seed)) {
  const std::string text = rank_of_job(0, 0, seed);
  const auto cut = *rc::gen::inRange<std::size_t>(100, text.size());
  const auto read = parse_trace(std::string_view(text).substr(0, cut), "cut");
  RC_ASSERT(read.has_value());
  std::size_t whole = 0;
  for (std::size_t at = text.find("}}"); at + 2 <= cut; at = text.find("}}", at + 1))
    ++whole;
  RC_ASSERT(read->value.events.size() == whole);
  RC_ASSERT(read->value.repairs.cut_off == (cut < text.size() - 1));
}

RC_GTEST_PROP(trace_property, the_parts_of_a_device_s_time_add_up, (unsigned seed)) {
  const RankAnalysis rank = analyze_rank(parse_trace(rank_of_job(1, 3, seed), "job")->value);
  RC_ASSERT(rank.devices.size() == 1U);
  const TimeBreakdown& time = rank.devices[0];
  RC_ASSERT(time.busy == time.compute + time.exposed_communication + time.exposed_copies);
  const IdleCauses& idle = rank.idle[0];
  RC_ASSERT(time.idle() == idle.host + idle.sync + idle.input + idle.call + idle.queue +
                               idle.dependency + idle.unknown);
}

}  // namespace
}  // namespace fastpath
