#include "ir/system.h"

#include <limits>

#include <gtest/gtest.h>

namespace fastpath {
namespace {

template <class T>
Figure<T> exactly(double base) {
  return {.value = T{base}, .low = T{base}, .high = T{base}, .source = {}};
}

Level level(std::int64_t count, std::vector<std::int64_t> torus = {}) {
  Level result;
  result.name = "level" + std::to_string(count);
  result.count = count;
  result.bandwidth = exactly<BytesPerSecond>(1e9);
  result.topology = torus.empty() ? Topology::switched : Topology::torus;
  result.torus = std::move(torus);
  return result;
}

System system_with(std::vector<Level> levels) {
  System system;
  system.id = "test";
  system.device.id = "device";
  system.levels = std::move(levels);
  return system;
}

std::vector<std::int64_t> counts(const Result<System>& system) {
  std::vector<std::int64_t> result;
  for (const Level& level : system.value().levels)
    result.push_back(level.count);
  return result;
}

using Counts = std::vector<std::int64_t>;

TEST(SystemCount, is_the_product_of_its_levels) {
  EXPECT_EQ(system_with({}).device_count(), 1);
  EXPECT_EQ(system_with({level(8), level(32), level(4)}).device_count(), 1024);
}

TEST(SystemCount, fills_inner_levels_first) {
  const System pod = system_with({level(8), level(32), level(4)});
  EXPECT_EQ(counts(with_device_count(pod, 1)), (Counts{1, 1, 1}));
  EXPECT_EQ(counts(with_device_count(pod, 4)), (Counts{4, 1, 1}));
  EXPECT_EQ(counts(with_device_count(pod, 16)), (Counts{8, 2, 1}));
  EXPECT_EQ(counts(with_device_count(pod, 512)), (Counts{8, 32, 2}));
}

TEST(SystemCount, the_outermost_level_may_grow) {
  EXPECT_EQ(counts(with_device_count(system_with({level(8), level(1)}), 4096)), (Counts{8, 512}));
}

TEST(SystemCount, that_is_impossible_names_its_neighbours) {
  const auto twelve = with_device_count(system_with({level(8), level(1)}), 12);
  ASSERT_FALSE(twelve.has_value());
  EXPECT_EQ(twelve.error().front().hint, "the nearest counts are 8 and 16");
  EXPECT_FALSE(with_device_count(system_with({}), 2).has_value());
  EXPECT_FALSE(with_device_count(system_with({level(8)}), 0).has_value());
  EXPECT_FALSE(with_device_count(system_with({level(8)}), std::numeric_limits<std::int64_t>::max())
                   .has_value());
}

TEST(SystemCount, a_torus_has_slices_near_a_cube_and_does_not_grow) {
  const System pod = system_with({level(8960, {16, 20, 28})});
  EXPECT_EQ(with_device_count(pod, 64)->levels[0].torus, (Counts{4, 4, 4}));
  EXPECT_EQ(with_device_count(pod, 128)->levels[0].torus, (Counts{4, 4, 8}));
  EXPECT_EQ(with_device_count(pod, 8960)->levels[0].torus, (Counts{16, 20, 28}));
  EXPECT_FALSE(with_device_count(pod, 8961).has_value());
  const auto prime = with_device_count(pod, 31);
  ASSERT_FALSE(prime.has_value());
  EXPECT_EQ(prime.error().front().hint, "the nearest counts are 30 and 32");
}

TEST(SystemCount, of_every_result_is_what_was_asked_for_and_valid) {
  for (const System& system :
       {system_with({level(8), level(32), level(4)}), system_with({level(64, {4, 4, 4})}),
        system_with({level(72), level(1)})}) {
    for (std::int64_t n = 1; n <= 300; ++n) {
      const auto scaled = with_device_count(system, n);
      if (!scaled) continue;
      EXPECT_EQ(scaled->device_count(), n);
      EXPECT_TRUE(mistakes_in(*scaled).empty());
    }
  }
}

TEST(SystemCheck, a_valid_system_has_no_mistakes) {
  EXPECT_TRUE(mistakes_in(system_with({level(8), level(4, {2, 2})})).empty());
}

TEST(SystemCheck, finds_all_mistakes_at_once) {
  System system = system_with({level(8, {2, 2}), level(0)});
  system.levels[0].oversubscription = 0.5;
  system.device.peaks = {{NumberFormat::fp32, exactly<FlopsPerSecond>(0), std::nullopt},
                         {NumberFormat::fp32, exactly<FlopsPerSecond>(1), std::nullopt}};
  system.device.power =
      Figure<Watts>{.value = Watts{5}, .low = Watts{6}, .high = Watts{7}, .source = {}};
  system.device.achieved.memory.value = 2;
  system.power_overhead = 0.9;
  EXPECT_EQ(mistakes_in(system).size(), 8U);
}

TEST(SystemCheck, a_torus_multiplies_to_its_count) {
  const auto mistakes = mistakes_in(system_with({level(8, {2, 3})}));
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_NE(mistakes[0].find("2 x 3 with 8 members"), std::string::npos);
}

TEST(SystemCheck, counts_that_overflow_are_a_mistake) {
  EXPECT_FALSE(
      mistakes_in(system_with({level(900'000'000), level(900'000'000), level(900'000'000)}))
          .empty());
}

TEST(DeviceDataSheet, is_a_peak_and_the_bandwidth_of_main_memory) {
  Device device;
  device.id = "x";
  EXPECT_FALSE(device.has_data_sheet());
  device.peaks = {{NumberFormat::fp32, exactly<FlopsPerSecond>(1), std::nullopt}};
  device.memories = {{.name = "HBM", .capacity = std::nullopt, .bandwidth = std::nullopt}};
  EXPECT_FALSE(device.has_data_sheet());
  device.memories[0].bandwidth = exactly<BytesPerSecond>(1);
  EXPECT_TRUE(device.has_data_sheet());
  EXPECT_TRUE(mistakes_in(device).empty());
}

}  // namespace
}  // namespace fastpath
