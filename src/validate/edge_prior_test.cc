#include "validate/edge_prior.h"

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "validate/edge.h"

namespace fastpath {
namespace {

CpuFacts facts(const std::string& device, const std::string& clusters,
               const std::string& instructions) {
  CpuFacts cpu;
  cpu.device = device;
  cpu.clusters = core_clusters(clusters);
  cpu.instructions = instructions;
  cpu.has_peak = true;
  return cpu;
}

TEST(CpuKernels, remarks_are_not_instructions) {
  const CpuKernels kernels = cpu_kernels("imci 512-bit (no avx512) smt4", {});
  EXPECT_FALSE(kernels.x86);
  EXPECT_EQ(kernels.lanes, 1);
  EXPECT_EQ(kernels.offered_lanes, 16);
  EXPECT_EQ(kernels.siblings, 4);
}

TEST(CpuKernels, software_uses_what_it_was_written_and_built_for) {
  EXPECT_TRUE(cpu_kernels("neon fp16 dotprod", {}).dotprod);
  const CpuKernels early = cpu_kernels("neon fp16 dotprod", {2021.0, ""});
  EXPECT_TRUE(early.fp16);
  EXPECT_FALSE(early.dotprod);
  EXPECT_FALSE(cpu_kernels("neon fp16 dotprod", {2019.5, ""}).fp16);
  EXPECT_EQ(cpu_kernels("avx512 vnni", {}).lanes, 16);
  const CpuKernels limited = cpu_kernels("avx512 vnni", {2026.2, "avx2 fma"});
  EXPECT_EQ(limited.lanes, 8);
  EXPECT_EQ(limited.offered_lanes, 16);
  EXPECT_TRUE(limited.avx2);
  EXPECT_FALSE(limited.vnni);
  EXPECT_EQ(cpu_kernels("loongarch64 lsx lasx", {}).lanes, 4);
  EXPECT_TRUE(cpu_kernels("neon vfpv4", {}).arm32);
}

TEST(CpuSetting, the_fastest_cores_run_at_their_highest_clock) {
  CpuFacts cpu = facts("soc", "2xBig@2GHz|4xLittle@1GHz", "neon");
  EXPECT_EQ(cpu_setting(cpu, 1, 0)->clock, Hertz{2e9});
  cpu.boost = Hertz{3e9};
  EXPECT_EQ(cpu_setting(cpu, 1, 0)->clock, Hertz{3e9});
  EXPECT_EQ(cpu_setting(cpu, 6, 0)->clock, Hertz{1e9});
}

TEST(CpuSetting, the_usable_peak_counts_vectors_that_are_filled) {
  const CpuFacts cpu = facts("cpu", "4xCore@2GHz", "loongarch64 lsx lasx");
  auto setting = *cpu_setting(cpu, 2, 0);
  EXPECT_DOUBLE_EQ(usable_peak(setting).base(), 2 * 2e9 * 8);  // not known: a vector a cycle
  setting.flops_per_cycle = 32;
  EXPECT_DOUBLE_EQ(usable_peak(setting).base(), 2 * 2e9 * 16);
  setting.kernels.fp16 = true;
  EXPECT_DOUBLE_EQ(usable_peak(setting).base(), 2 * 2e9 * 32);
}

TEST(CoreWidths, peaks_of_mixed_devices_together_tell_each_design) {
  const std::vector<CpuFacts> cpus = {facts("a", "2xBig@2GHz|4xLittle@1GHz", ""),
                                      facts("b", "4xBig@2GHz|2xLittle@1GHz", ""),
                                      facts("c", "1xFirst@1GHz|1xSecond@1GHz", "")};
  const std::vector<FlopsPerSecond> peaks = {FlopsPerSecond{96e9}, FlopsPerSecond{144e9},
                                             FlopsPerSecond{24e9}};
  const auto widths = core_widths(cpus, peaks);
  EXPECT_NEAR(widths.at("Big"), 16, 1e-9);
  EXPECT_NEAR(widths.at("Little"), 8, 1e-9);
  EXPECT_FALSE(widths.contains("First"));
}

TEST(EdgePrior, predicts_a_clock_that_it_has_not_seen) {
  const TypicalTimes typical{Eigen::VectorXd::Zero(1), Eigen::VectorXd::Constant(1, 0.3)};
  std::vector<CpuFacts> cpus;
  for (const char* clock : {"1.0", "1.2", "1.5", "1.8", "3"})
    cpus.push_back(facts(clock, "4xCore@" + std::string(clock) + "GHz", "neon"));
  std::vector<CpuSetting> settings;
  std::vector<UnitTimes> times;
  for (const CpuFacts& cpu : cpus) {
    settings.push_back(*cpu_setting(cpu, 1, 0));
    times.push_back({-std::log(settings.back().clock.base()), 1e-4, Eigen::VectorXd::Zero(1),
                     Eigen::VectorXd::Constant(1, 1e-4)});
  }
  const EdgePrior prior({&settings[0], &settings[1], &settings[2], &settings[3]},
                        {&times[0], &times[1], &times[2], &times[3]}, typical);
  EXPECT_NEAR(prior.prior(settings[4]).speed, times[4].speed, 0.1);
}

EdgeData three_devices(double sibling_time) {
  EdgeData data;
  data.networks = {{"net", 10, 1e6, 1e9}};
  EdgeLayer layer;
  layer.network = "net";
  layer.in_channels = 64;
  layer.out_channels = 64;
  layer.out_height = 56;
  layer.out_width = 56;
  layer.macs = 1e9;
  data.layers = {layer};
  for (const auto& [device, core, time] : std::vector<std::tuple<std::string, std::string, double>>{
           {"tested", "A", 0.1}, {"sibling", "A", sibling_time}, {"other", "B", 0.2}}) {
    data.cpus[device] = facts(device, "4x" + core + "@1GHz", "neon");
    EdgeRun run;
    run.id = device;
    run.device = device;
    run.network = "net";
    run.time = Seconds{time};
    data.runs.push_back(run);
  }
  return data;
}

double predicted(double sibling_time, EdgeFolds folds) {
  const EdgeData data = three_devices(sibling_time);
  const EdgeValidation run = validate_edge(data, folds, [](std::size_t, std::size_t) {});
  for (const ScoredRow& row : run.rows) {
    if (row.device == "tested") return row.predicted.base();
  }
  return 0;
}

TEST(EdgeFolds, cores_left_out_leave_out_other_devices_of_the_design) {
  EXPECT_DOUBLE_EQ(predicted(0.1, EdgeFolds::cores), predicted(5, EdgeFolds::cores));
  EXPECT_LT(predicted(0.1, EdgeFolds::devices), predicted(5, EdgeFolds::devices));
}

}  // namespace
}  // namespace fastpath
