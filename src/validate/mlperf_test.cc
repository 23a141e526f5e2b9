#include "validate/mlperf.h"

#include <gtest/gtest.h>

#include "ir/cpu_cores.h"

namespace fastpath {
namespace {

constexpr TinyRule kTruth{4, 6, 5, 5, 1500, 0.5};

BoardFacts board(const std::string& id, const std::string& core, double clock) {
  BoardFacts facts;
  facts.cpu.device = id;
  facts.cpu.clusters = {{1, core, Hertz{clock}}};
  facts.cpu.instructions = "dsp fpu";
  facts.int8 = FlopsPerSecond{4 * clock};
  return facts;
}

/// Boards that obey kTruth.
MlperfData obedient() {
  MlperfData data;
  data.networks = {{"ad", 10, 0, 0, 0, 264192},
                   {"ic", 14, 12e6, 2e5, 0, 640},
                   {"kws", 11, 3e5, 2e6, 3e5, 768},
                   {"vww", 29, 5e5, 6e6, 8e5, 512}};
  data.boards = {{"a", board("a", "Cortex-M4", 1e8)},
                 {"b", board("b", "Cortex-M4", 2e8)},
                 {"c", board("c", "Cortex-M7", 4e8)},
                 {"d", board("d", "Cortex-M7", 3e8)}};
  for (const auto& [device, facts] : data.boards) {
    for (const TinyNetwork& network : data.networks) {
      TinyRun run;
      run.id = device + network.benchmark;
      run.device = device;
      run.submission = "s";
      run.benchmark = network.benchmark;
      const TinyCase one{&run, &network, *facts.int8, facts.cpu.clusters[0].clock,
                         issues_two(facts.cpu.clusters[0].core)};
      run.time = tiny_time(one, kTruth);
      data.tiny.push_back(run);
    }
  }
  return data;
}

TEST(Tiny, a_rule_is_found_again_in_boards_that_obey_it) {
  const MlperfData data = obedient();
  const Findings findings = validate_mlperf(data);
  const Table& tiny = findings.tables.front();
  EXPECT_EQ(std::get<std::string>(tiny.rows[0][0]), "board left out, int8");
  EXPECT_LT(std::get<double>(tiny.rows[0][2]), 0.05);  // the priors pull where boards are few
  EXPECT_LT(std::get<double>(tiny.rows[0][2]), std::get<double>(tiny.rows[0][4]));
}

TEST(Tiny, other_networks_and_accelerators_are_left_out) {
  MlperfData data = obedient();
  data.tiny[0].closed = false;
  data.tiny[1].accelerated = true;
  data.tiny[2].device = "unknown";
  EXPECT_EQ(tiny_cases(data).size(), data.tiny.size() - 3);
}

TEST(Mobile, a_phone_that_is_twice_as_slow_is_so_on_the_network_that_is_left_out) {
  MlperfData data;
  for (const auto& [network, time] :
       {std::pair("n1", 1.0), std::pair("n2", 3.0), std::pair("n3", 5.0)}) {
    data.mobile.push_back({"f", "fast", network, true, Seconds{time}});
    data.mobile.push_back({"s", "slow", network, true, Seconds{2 * time}});
  }
  const Findings findings = validate_mlperf(data);
  ASSERT_EQ(findings.tables.size(), 1u);
  EXPECT_EQ(findings.tables[0].rows.size(), 6u);
  for (const auto& row : findings.tables[0].rows)
    EXPECT_NEAR(std::get<double>(row[5]), 0, 1e-12);
}

}  // namespace
}  // namespace fastpath
