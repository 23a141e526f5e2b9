#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "measure/bandwidth.h"
#include "measure/clock.h"
#include "measure/cores.h"
#include "measure/io.h"
#include "measure/machine.h"
#include "measure/onednn.h"
#include "measure/repeats.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

TEST(Repeats, noisy_ones_are_discarded_and_counted) {
  const Repeated result = summarise({{10, 0}, {11, 0}, {9, 0.05}, {3, 1.5}}, {});
  EXPECT_DOUBLE_EQ(result.median, 10);
  EXPECT_EQ(result.kept, 3u);
  EXPECT_EQ(result.discarded, 1u);
  EXPECT_FALSE(result.noisy);
}

TEST(Repeats, a_busy_machine_is_said_to_be_one) {
  const Repeated result = summarise({{10, 1}, {12, 1}, {11, 0}}, {});
  EXPECT_TRUE(result.noisy);
  EXPECT_DOUBLE_EQ(result.median, 11);
  EXPECT_EQ(result.discarded, 0u);
}

TEST(Repeats, end_when_the_spread_is_known) {
  int calls = 0;
  const Repeated same = repeat([&] { return ++calls, Repeat{5, 0}; }, {});
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(same.spread, 0);
  calls = 0;
  repeat([&] { return Repeat{static_cast<double>(++calls), 0}; }, {});
  EXPECT_EQ(calls, 12);
}

TEST(Repeats, of_several_figures_take_turns) {
  std::vector<int> order;
  const auto figure = [&](int name, int differs) {
    return [&order, name, differs] {
      order.push_back(name);
      const auto turn = static_cast<int>(std::count(order.begin(), order.end(), name));
      return Repeat{static_cast<double>(10 + differs * turn), 0};
    };
  };
  Rounds rounds({figure(1, 0), figure(2, 5)}, {.least = 2, .most = 4, .spread = 0.03});
  while (rounds.measure()) {
  }
  const std::vector<Repeated> results = rounds.results();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 2, 2}));
  EXPECT_EQ(results[0].kept, 2u);
  EXPECT_EQ(results[1].kept, 4u);
}

TEST(Repeats, spread_encloses_the_median_that_they_scatter_about) {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> noise(1);
  const double middle = std::log(2.0);
  for (const std::size_t count : {6, 8, 9, 12, 30, 2000}) {
    constexpr int kTimes = 1000;
    int enclosed = 0;
    for (int i = 0; i < kTimes; ++i) {
      std::vector<Repeat> repeats(count);
      for (Repeat& one : repeats)
        one.value = noise(random);
      const Repeated result = summarise(repeats, {});
      enclosed += std::abs(middle - result.median) <= result.spread * result.median ? 1 : 0;
    }
    EXPECT_GT(enclosed, 0.95 * kTimes) << count;
  }
}

/// As a machine is measured: as many quiet repeats, however narrow the first of them.
constexpr RepeatLimits kRounds{
    .least = 6, .most = 8, .spread = std::numeric_limits<double>::infinity()};

/// A measurement of a figure of 100 whose repeats scatter by 5 %.
Repeated scattered(std::mt19937_64& random) {
  std::normal_distribution<double> noise(100, 5);
  return repeat([&] { return Repeat{noise(random), 0}; }, kRounds);
}

TEST(Repeats, two_measurements_agree_within_their_spread) {
  std::mt19937_64 random(1);
  constexpr int kPairs = 1000;
  int agreeing = 0;
  for (int i = 0; i < kPairs; ++i) {
    const Repeated one = scattered(random);
    agreeing += agree(one, scattered(random)) ? 1 : 0;
  }
  EXPECT_GT(agreeing, 0.99 * kPairs);
  // But not with one of another figure.
  Repeated other = scattered(random);
  other.median *= 2;
  EXPECT_FALSE(agree(scattered(random), other));
}

TEST(Repeats, two_measurements_of_a_drifting_machine_agree) {
  // Within each measurement the machine is in one of two states, and changes now and then.
  std::mt19937_64 random(1);
  std::bernoulli_distribution fast(0.5);
  constexpr int kPairs = 1000;
  int agreeing = 0;
  const auto drifting = [&] { return Repeat{fast(random) ? 120.0 : 100.0, 0}; };
  for (int i = 0; i < kPairs; ++i) {
    const Repeated one = repeat(drifting, kRounds);
    agreeing += agree(one, repeat(drifting, kRounds)) ? 1 : 0;
  }
  EXPECT_GT(agreeing, 0.99 * kPairs);
}

TEST(Clock, a_busy_core_is_work_of_others) {
  const Instant before{Seconds{10}, Seconds{3}, Seconds{50}};
  const Instant quiet{Seconds{10.5}, Seconds{3.5}, Seconds{50.5}};
  const Instant busy{Seconds{10.5}, Seconds{3.5}, Seconds{51}};
  EXPECT_NEAR(others_between(before, quiet), 0, 1e-9);
  EXPECT_NEAR(others_between(before, busy), 1, 1e-9);
  const Repeat beside{100, others_between(before, busy)};
  EXPECT_TRUE(summarise({beside, beside, beside}, {}).noisy);
}

TEST(Clock, ticks_of_a_short_time_prove_no_others) {
  const Seconds tick{0.01};
  const Instant before{Seconds{10}, Seconds{3}, Seconds{50}, tick};
  // Of 50 ms, this process used all; the ticks count 60 or 70, as they fall.
  EXPECT_EQ(others_between(before, {Seconds{10.05}, Seconds{3.05}, Seconds{50.06}, tick}), 0);
  EXPECT_EQ(others_between(before, {Seconds{10.05}, Seconds{3.05}, Seconds{50.07}, tick}), 0);
  // A core that is busy besides is seen all the same, and in 10 s almost in full.
  EXPECT_GT(others_between(before, {Seconds{10.05}, Seconds{3.05}, Seconds{50.1}, tick}), 0.3);
  EXPECT_NEAR(others_between(before, {Seconds{20}, Seconds{13}, Seconds{70}, tick}), 1, 0.01);
}

TEST(Clock, threads_that_never_wait_lose_what_others_take) {
  EXPECT_DOUBLE_EQ(taken_from(1, Seconds{0.05}, Seconds{0.05}), 0);
  EXPECT_DOUBLE_EQ(taken_from(1, Seconds{0.05}, Seconds{0.025}), 0.5);
  EXPECT_DOUBLE_EQ(taken_from(2, Seconds{0.05}, Seconds{0.05}), 1);
  EXPECT_EQ(taken_from(1, Seconds{}, Seconds{}), 0);
}

TEST(Cores, a_pinned_thread_may_use_one_until_it_is_let_go) {
  const std::vector<int> all = usable_cores();
  {
    const Pinned here(all.back());
    const std::vector<int> one = usable_cores();
    // Where pinning is forbidden, nothing changes.
    EXPECT_TRUE(one == std::vector<int>{all.back()} || one == all);
  }
  EXPECT_EQ(usable_cores(), all);
}

TEST(Levels, end_where_loads_take_half_as_long_again) {
  EXPECT_EQ(level_ends({1, 1, 1.1, 4, 4.2, 4.1, 20, 80, 90}), (std::vector<std::size_t>{2, 5, 8}));
  EXPECT_EQ(level_ends({5, 5, 5}), std::vector<std::size_t>{2});
  EXPECT_TRUE(level_ends({}).empty());
}

TEST(Clock, goes_on) {
  const Instant before = now();
  const Instant after = now();
  EXPECT_GE(after.wall, before.wall);
  EXPECT_GE(others_between(before, before), 0);
  EXPECT_EQ(today().size(), 10u);
}

TEST(Streams, move_bytes_through_arrays_of_any_size) {
  for (const MemoryStream stream : kMemoryStreams) {
    for (const std::size_t bytes : {192u, 1000u, 16384u, 5u << 20}) {
      const Repeat repeat = stream_once(stream, bytes, usable_cores(), Seconds{0.001});
      EXPECT_GT(repeat.value, 0) << name_of(stream) << ' ' << bytes;
      EXPECT_TRUE(std::isfinite(repeat.value)) << name_of(stream) << ' ' << bytes;
    }
  }
}

TEST(Kernels, work_counts_two_for_each_multiplication) {
  EXPECT_EQ(work_of(MatmulSize{3, 5, 7}), Flops{2 * 3 * 5 * 7});
  EXPECT_EQ(work_of(ConvolutionSize{56, 64, 32, 3, 1, 1}), Flops{2.0 * 56 * 56 * 64 * 32 * 9});
  EXPECT_EQ(work_of(ConvolutionSize{224, 3, 64, 7, 2, 1}), Flops{2.0 * 112 * 112 * 3 * 64 * 49});
  EXPECT_EQ(work_of(ConvolutionSize{15, 8, 8, 3, 2, 8}), Flops{2.0 * 8 * 8 * 8 * 9});
}

TEST(Kernels, names_tell_sizes_apart) {
  EXPECT_EQ(name_of(MatmulSize{1, 64, 32}), "1x64x32");
  EXPECT_EQ(name_of(ConvolutionSize{56, 64, 256, 1, 1, 1}), "56x56x64 1x1 256");
  EXPECT_EQ(name_of(ConvolutionSize{28, 128, 128, 3, 2, 128}), "28x28x128 3x3/2 128 in 128 groups");
}

TEST(Kernels, those_that_the_library_has_are_measured) {
  const std::vector<KernelSetting> settings{
      {NumberFormat::fp32, MatmulSize{32, 32, 32}, 1},
      {NumberFormat::fp64, MatmulSize{32, 32, 32}, 1},
      {NumberFormat::fp32, ConvolutionSize{14, 16, 32, 3, 2, 1}, 1},
      {NumberFormat::fp32, ConvolutionSize{14, 16, 16, 5, 1, 16}, 1},
      {NumberFormat::int8, ConvolutionSize{14, 3, 16, 7, 2, 1}, 1}};
  KernelFigures figures = kernel_figures(settings, usable_cores(), Seconds{0.001});
  ASSERT_EQ(figures.kernels.size(), 4u);  // none in fp64
  ASSERT_EQ(figures.rates.size(), 4u);
  for (std::size_t i = 0; i < figures.kernels.size(); ++i) {
    EXPECT_FALSE(figures.kernels[i].implementation.empty());
    EXPECT_GT(figures.rates[i]().value, 0);
  }
}

/// A file of 64 KiB, gone at the end.
class TestFile {
 public:
  explicit TestFile(const std::string& name) : path_(::testing::TempDir() + "fastpath_" + name) {
    EXPECT_TRUE(write_test_file(path_, 64 << 10).has_value());
  }
  ~TestFile() { fs::remove(path_); }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const ReadLimits kShort{Seconds{0.005}, {.least = 1, .most = 1, .spread = 1, .most_others = 1e9}};

TEST(Reads, every_engine_reads) {
  const TestFile file("engines");
  for (const ReadEngine engine : {ReadEngine::pread, ReadEngine::io_uring, ReadEngine::mmap}) {
    for (const ReadCache cache : {ReadCache::direct, ReadCache::cold, ReadCache::warm}) {
      ReadSetting setting{engine, cache, 4096, engine == ReadEngine::io_uring ? 4 : 1, 2, false};
      const auto result = measure_reads(file.path(), setting, kShort);
      if (!result) {
        // A sandbox may forbid io_uring: that is told, not hidden.
        EXPECT_EQ(engine, ReadEngine::io_uring);
        EXPECT_NE(result.error().front().what.find("io_uring"), std::string::npos);
        continue;
      }
      EXPECT_GT(result->reads.median, 0) << name_of(engine) << ' ' << name_of(cache);
      EXPECT_LE(result->median, result->p99);
      EXPECT_LE(result->p99, result->p999);
      if (cache == ReadCache::warm) {
        EXPECT_GT(result->cached_before, 0.9);
      }
    }
  }
}

TEST(Reads, refuse_what_cannot_be_measured) {
  const TestFile file("refused");
  ReadSetting setting;
  setting.block = 128 << 10;
  EXPECT_FALSE(measure_reads(file.path(), setting, kShort).has_value());  // larger than the file
  setting.block = 1000;
  setting.depth = 2;
  const auto wrong = measure_reads(file.path(), setting, kShort);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().size(), 2u);  // the block, and a depth that pread does not have
  EXPECT_FALSE(measure_reads(file.path() + ".none", {}, kShort).has_value());
}

TEST(SmallFiles, are_opened_and_read_whole) {
  const fs::path folder = fs::path(::testing::TempDir()) / "fastpath_small_files";
  fs::create_directories(folder);
  for (const char* name : {"a", "b", "c"})
    std::ofstream(folder / name) << "sample";
  const auto result = measure_small_files(folder.string(), 1, kShort);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->files, 3u);
  EXPECT_NEAR(result->rate.base() / result->opens.median, 6, 1);
  fs::remove_all(folder);
  EXPECT_FALSE(measure_small_files(folder.string(), 1, kShort).has_value());
}

}  // namespace
}  // namespace fastpath
