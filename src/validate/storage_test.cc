#include "validate/storage.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "model/input_pipeline.h"
#include "validate/edge.h"
#include "validate/edge_fit.h"

namespace fastpath {
namespace {

StorageRun run_on(const std::string& drive, double read, double random, const ReadLoad& load) {
  StorageRun run;
  run.id = drive;
  run.system = drive;
  run.workload = "w";
  run.batch = 4;
  run.sample = Bytes{1e6};
  run.compute = Seconds{0.5};
  run.drive_read = BytesPerSecond{read};
  run.drive_random = Hertz{random};
  const StoreRates store{*run.drive_read, run.drive_random, {}, 1};
  run.accelerators = std::floor(delivered(store, load, run.sample).base() / (8e6 * 0.9));
  return run;
}

TEST(StorageFit, finds_the_load_that_made_the_runs) {
  const ReadLoad load{0.6, Seconds{2e-5}};
  const std::vector<StorageRun> runs = {run_on("a", 6e9, 5e5, load), run_on("b", 7e9, 1.5e6, load),
                                        run_on("c", 1e10, 2e6, load), run_on("d", 3e9, 2e5, load)};
  for (const ScoredRun& scored : validate_drives(runs))
    EXPECT_NEAR(scored.predicted / scored.measured, 1, 0.05) << scored.id;
}

TEST(DecodeFit, predicts_a_decoder_from_the_others) {
  std::vector<DecodeRun> runs;
  for (const double decode : {1e-3, 2e-3, 3e-3}) {
    const std::string name = std::to_string(decode);
    runs.push_back({"alone" + name, "cpu", name, true, 0, Hertz{1 / decode}});
    for (const int workers : {0, 2, 8}) {
      const Seconds collect{workers > 0 ? 6e-4 : 2e-5};
      runs.push_back(
          {name, "cpu", name, false, workers, prepared(workers, Seconds{decode}, collect)});
    }
  }
  for (const ScoredRun& scored : validate_decoding(runs, DecodeFolds::decoders))
    EXPECT_NEAR(scored.predicted / scored.measured, 1, 0.03) << scored.id << ' ' << scored.kind;
}

TEST(EdgeFit, finds_the_times_of_units) {
  std::vector<CpuWork> works(8);
  for (std::size_t i = 0; i < works.size(); ++i) {
    works[i].fill(0);
    works[i][2] = 1e8 * static_cast<double>(1 + i);
    works[i][9] = 10.0 * static_cast<double>(1 + i * i % 5);
  }
  std::vector<std::vector<Timing>> settings;
  for (const double speed : {1.0, 3.0, 10.0}) {
    std::vector<Timing>& timings = settings.emplace_back();
    for (const CpuWork& work : works)
      timings.push_back({&work, std::log(speed * (work[2] * 3e-10 + work[9] * 5e-5))});
  }
  const TypicalTimes typical = fit_typical(settings);
  for (const auto& timings : settings) {
    const UnitTimes times = fit_setting(timings, typical, wide_prior(typical));
    for (const Timing& timing : timings)
      EXPECT_NEAR(log_time(*timing.work, typical, times), timing.log_time, 0.05);
  }
}

TEST(CpuSetting, threads_run_on_the_fastest_cores_that_are_allowed) {
  const CpuFacts cpu{"soc", core_clusters("4xBig@2GHz|4xLittle@1GHz"), "neon", true, {}, {}};
  const auto all = cpu_setting(cpu, 6, 0);
  EXPECT_EQ(all->core, "Little");
  EXPECT_TRUE(all->mixed);
  EXPECT_EQ(all->used, 6);
  const auto big = cpu_setting(cpu, 6, 2);
  EXPECT_EQ(big->core, "Big");
  EXPECT_EQ(big->used, 4);
  EXPECT_EQ(cpu_setting(cpu, 1, 1)->core, "Little");
  EXPECT_FALSE(cpu_setting({}, 1, 0).has_value());
}

TEST(CoreWidths, mixed_devices_tell_the_width_of_their_other_cores) {
  const std::vector<CpuFacts> cpus = {
      {"a", core_clusters("4xLittle@1GHz"), "", true, {}, {}},
      {"b", core_clusters("2xBig@2GHz|4xLittle@1GHz"), "", true, {}, {}}};
  const std::vector<FlopsPerSecond> peaks = {FlopsPerSecond{32e9}, FlopsPerSecond{96e9}};
  const auto widths = core_widths(cpus, peaks);
  EXPECT_NEAR(widths.at("Little"), 8, 1e-9);
  EXPECT_NEAR(widths.at("Big"), 16, 1e-9);
}

}  // namespace
}  // namespace fastpath
