// Laws of load on traces that an engine was measured on: the same arrivals, stretched.
#include <array>
#include <filesystem>
#include <optional>
#include <sstream>

#include <gtest/gtest.h>

#include "cli/measured.h"
#include "cli/serving.h"
#include "cli/verb.h"
#include "import/catalog/engines.h"
#include "import/requests/requests.h"
#include "import/serving/replays.h"
#include "serve/load.h"
#include "serve/metrics.h"

namespace fastpath {
namespace {

/// Published runs as they are served: on the catalog's system, by its engine's constants.
class ReplayedRuns : public ::testing::Test {
 protected:
  struct Run {
    std::string id;
    RequestStream stream;
    Deployment deployment;
  };

  void SetUp() override {
    const auto words = cli::parse_arguments(cli::verbs().front(), {"model"});
    ASSERT_TRUE(words.has_value());
    auto sources = cli::Sources::open(session_, *words);
    ASSERT_TRUE(sources.has_value());
    sources_.emplace(std::move(*sources));
    const std::array<std::string_view, 1> names{"replays.csv"};
    const auto files = cli::published_files(session_, names);
    ASSERT_TRUE(files.has_value());
    const auto text = cli::read_file(files->front(), 1u << 20);
    ASSERT_TRUE(text.has_value());
    const auto replays = read_replays(*text, files->front());
    ASSERT_TRUE(replays.has_value());
    const auto folder = std::filesystem::path(files->front()).parent_path();
    for (const ReplayRun& replay : *replays)
      add(replay, (folder / replay.requests).string());
    ASSERT_EQ(runs_.size(), 2u);
  }

  void add(const ReplayRun& replay, const std::string& requests) {
    const auto text = cli::read_file(requests, 1u << 24);
    const auto trace = read_requests(text.value_or(""), requests);
    ASSERT_TRUE(trace.has_value());
    const auto system = sources_->system(replay.run.system);
    const auto engines = embedded_engines();
    ASSERT_TRUE(system.has_value() && engines.has_value());
    const auto engine = engine_for(*engines, replay.run.engine, system->device.family);
    ASSERT_TRUE(engine.has_value());
    Run run{replay.run.id, trace->stream, {}};
    ReplicaGroup& group = run.deployment.serving;
    group.engine = *engine;
    group.engine.token_budget = replay.token_budget;
    group.engine.max_sequences = replay.max_sequences;
    const Plan& plan = replay.run.plan;
    group.table = cli::step_table(*sources_, replay.run.model, *system, plan);
    group.pool = capacity_of(*group.table, group.engine, plan.device_count(), 512).pool;
    runs_.push_back(std::move(run));
  }

  static ServeResult served(const RequestStream& stream, const Deployment& deployment) {
    auto result = serve(stream, deployment);
    EXPECT_TRUE(result.has_value());
    return result ? std::move(*result) : ServeResult{};
  }

  std::ostringstream out_;
  cli::Session session_{cli::World{
      .out = out_, .err = out_, .environment = [](const std::string&) { return std::nullopt; }}};
  std::optional<cli::Sources> sources_;
  std::vector<Run> runs_;
};

TEST_F(ReplayedRuns, at_three_tenths_of_the_rate_nothing_is_slower_and_no_token_is_lost) {
  for (const Run& run : runs_) {
    const ServeResult full = served(run.stream, run.deployment);
    const ServeResult slow = served(at_rate(run.stream, 0.3), run.deployment);
    ASSERT_EQ(slow.requests.size(), run.stream.requests.size());
    for (std::size_t i = 0; i < slow.requests.size(); ++i) {
      EXPECT_EQ(full.requests[i].generated, run.stream.requests[i].output) << run.id;
      EXPECT_EQ(slow.requests[i].generated, run.stream.requests[i].output) << run.id;
    }
    const ServeMetrics before = metrics_of(full, {});
    const ServeMetrics after = metrics_of(slow, {});
    EXPECT_LE(after.queue.mean, before.queue.mean) << run.id;
    EXPECT_LE(after.ttft.mean, before.ttft.mean) << run.id;
    EXPECT_LE(after.ttft.p90, before.ttft.p90) << run.id;
    EXPECT_LE(after.tpot.mean, before.tpot.mean) << run.id;
    EXPECT_LE(after.latency.mean, before.latency.mean) << run.id;
    EXPECT_GE(slow.duration, full.duration) << run.id;
    EXPECT_LE(slow.replicas.front().mean_sequences, full.replicas.front().mean_sequences) << run.id;
  }
}

TEST_F(ReplayedRuns, first_tokens_fall_with_the_rate_to_those_of_requests_that_are_alone) {
  for (const Run& run : runs_) {
    double alone = 0;
    for (const Request& one : run.stream.requests) {
      RequestStream single = run.stream;
      single.requests = {one};
      alone += served(single, run.deployment).requests.front().ttft().base();
    }
    alone /= static_cast<double>(run.stream.requests.size());
    double before = 1e30;
    for (const double rate : {1.0, 0.3, 0.1, 0.03, 0.001}) {
      const ServeResult result = served(at_rate(run.stream, rate), run.deployment);
      const double ttft = metrics_of(result, {}).ttft.mean.base();
      EXPECT_LE(ttft, before) << run.id << ' ' << rate;
      EXPECT_GE(ttft, alone * (1 - 1e-9)) << run.id << ' ' << rate;
      before = ttft;
    }
    EXPECT_NEAR(before / alone, 1, 0.02) << run.id;
  }
}

}  // namespace
}  // namespace fastpath
