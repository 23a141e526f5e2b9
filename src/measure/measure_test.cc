#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "measure/clock.h"
#include "measure/io.h"
#include "measure/machine.h"
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
  const auto results =
      repeat_in_turns({figure(1, 0), figure(2, 5)}, {.least = 2, .most = 4, .spread = 0.03});
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 2, 2}));
  EXPECT_EQ(results[0].kept, 2u);
  EXPECT_EQ(results[1].kept, 4u);
}

/// A measurement of a figure of 100 whose repeats scatter by 5 %.
Repeated scattered(std::mt19937_64& random) {
  std::normal_distribution<double> noise(100, 5);
  return repeat([&] { return Repeat{noise(random), 0}; }, {.least = 4, .most = 6});
}

TEST(Repeats, two_measurements_agree_within_their_spread) {
  std::mt19937_64 random(1);
  constexpr int kPairs = 1000;
  int agreeing = 0;
  for (int i = 0; i < kPairs; ++i) {
    const Repeated one = scattered(random);
    agreeing += agree(one, scattered(random)) ? 1 : 0;
  }
  EXPECT_GT(agreeing, 0.9 * kPairs);
  // But not with one of another figure.
  Repeated other = scattered(random);
  other.median *= 2;
  EXPECT_FALSE(agree(scattered(random), other));
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
