#include "model/input_pipeline.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace fastpath {
namespace {

InputPipeline images() {
  InputPipeline pipeline;
  pipeline.dataset = {.samples = 1000, .sample = Bytes{1e5}};
  pipeline.store = {.sequential = BytesPerSecond{1e9}, .random_4k = {}, .open = {}, .readers = 1};
  pipeline.load = ReadLoad{};
  pipeline.batch = 10;
  pipeline.compute = Seconds{0.01};  // 1,000 samples a second
  return pipeline;
}

TEST(Delivered, all_sequential_is_the_sequential_rate) {
  const StoreRates store{BytesPerSecond{7e9}, Hertz{1e6}, {}, 1};
  EXPECT_DOUBLE_EQ(delivered(store, {}, Bytes{1e6}).base(), 7e9);
  EXPECT_DOUBLE_EQ(delivered(store, {1, {}}, Bytes{1e6}).base(), 4096e6);
}

TEST(Delivered, a_cost_a_file_hurts_small_files_more) {
  const StoreRates store{BytesPerSecond{1e9}, {}, {}, 1};
  const ReadLoad load{0, Seconds{1e-3}};
  EXPECT_DOUBLE_EQ(delivered(store, load, Bytes{1e6}).base(), 5e8);
  EXPECT_LT(delivered(store, load, Bytes{1e4}), delivered(store, load, Bytes{1e6}));
}

TEST(Prepared, scales_until_the_collecting_process_is_full) {
  const Seconds work{1e-3};
  const Seconds collect{2.5e-4};
  EXPECT_DOUBLE_EQ(prepared(0, work, collect).base(), 800);
  EXPECT_DOUBLE_EQ(prepared(1, work, collect).base(), 800);
  double before = 0;
  for (int workers = 1; workers <= 64; ++workers) {
    const double rate = prepared(workers, work, collect).base();
    EXPECT_GE(rate, before - 1e-6);
    EXPECT_LE(rate, 4000 + 1e-9);
    EXPECT_LE(rate, workers * 1000);
    before = rate;
  }
  EXPECT_NEAR(before, 4000, 1);
}

/// Epochs of a shuffled data set through a cache that drops the least recently used sample.
double simulated_hits(std::size_t samples, std::size_t held) {
  std::mt19937 random(1);
  std::vector<std::size_t> order(samples);
  for (std::size_t i = 0; i < samples; ++i)
    order[i] = i;
  std::vector<std::size_t> used(samples, 0);
  std::set<std::pair<std::size_t, std::size_t>> cache;  // last use, sample
  std::size_t time = 0;
  std::size_t hits = 0;
  constexpr std::size_t kEpochs = 6;
  for (std::size_t epoch = 0; epoch < kEpochs; ++epoch) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t sample : order) {
      const bool hit = cache.erase({used[sample], sample}) > 0;
      if (epoch > 0 && hit) ++hits;
      used[sample] = ++time;
      cache.insert({time, sample});
      if (cache.size() > held) cache.erase(cache.begin());
    }
  }
  return static_cast<double>(hits) / static_cast<double>((kEpochs - 1) * samples);
}

TEST(CacheHits, of_the_least_recently_used_are_those_of_a_simulation) {
  for (const double held : {0.1, 0.5, 0.9})
    EXPECT_NEAR(cache_hits(CachePolicy::lru, held),
                simulated_hits(4000, static_cast<std::size_t>(4000 * held)), 0.01);
}

TEST(CacheHits, pinning_is_never_worse_and_a_whole_data_set_always_hits) {
  for (double held = 0; held <= 1.01; held += 0.1)
    EXPECT_LE(cache_hits(CachePolicy::lru, held), cache_hits(CachePolicy::pinned, held) + 1e-12);
  EXPECT_EQ(cache_hits(CachePolicy::lru, 1), 1);
  EXPECT_EQ(cache_hits(CachePolicy::pinned, 3), 1);
}

TEST(Coupled, is_the_minimum_without_variation_and_less_with_it) {
  EXPECT_EQ(coupled(Hertz{3}, Hertz{5}, 2, 0), Hertz{3});
  for (const double in : {1.0, 4.9, 5.0, 5.1, 50.0}) {
    const Hertz rate = coupled(Hertz{in}, Hertz{5}, 3, 1);
    EXPECT_LT(rate, Hertz{std::min(in, 5.0)});
    EXPECT_LE(rate, coupled(Hertz{in}, Hertz{5}, 30, 1));
  }
}

TEST(Feed, one_drive_feeds_as_many_as_its_bandwidth_over_what_each_needs) {
  InputPipeline pipeline = images();  // 100 MB/s each, 90 % of it
  pipeline.accelerators = 12;
  const auto answer = feed(pipeline);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->most_accelerators, 11);  // 1e9 / 90e6 = 11.1
  EXPECT_EQ(answer->first.limit, InputStage::fetch);
  EXPECT_NEAR(answer->first.utilisation, 10.0 / 12, 1e-12);
  EXPECT_NEAR(answer->needed.base(), 12 * 90e6, 1);
}

TEST(Feed, later_epochs_come_from_the_cache_that_holds_the_data_set) {
  InputPipeline pipeline = images();
  pipeline.accelerators = 40;
  pipeline.cache = Bytes{1e8};
  const auto answer = feed(pipeline);
  ASSERT_TRUE(answer.has_value());
  EXPECT_LT(answer->first.utilisation, 1);
  EXPECT_EQ(answer->later.utilisation, 1);
  EXPECT_EQ(answer->later.limit, InputStage::accelerator);
}

TEST(Feed, stages_of_a_host_share_its_cores) {
  InputPipeline pipeline = images();
  pipeline.decode = Seconds{1e-3};
  pipeline.workers = 4;
  pipeline.cores = 2;
  pipeline.read = Seconds{0.25e-3};
  const auto answer = feed(pipeline);
  ASSERT_TRUE(answer.has_value());
  EXPECT_NEAR(answer->first.input.base(), 1600, 1e-9);  // 2 cores over 1.25 ms, not 4 workers
  pipeline.cores = 0;
  EXPECT_GT(feed(pipeline)->first.input.base(), 1600);
}

TEST(Feed, tells_the_workers_that_decoding_needs) {
  InputPipeline pipeline = images();
  pipeline.decode = Seconds{5e-3};
  const auto answer = feed(pipeline);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->first.limit, InputStage::prepare);
  EXPECT_EQ(answer->needed_workers, 5);  // 900 samples a second at 200 each
  pipeline.collect = Seconds{1e-2};
  EXPECT_EQ(feed(pipeline)->needed_workers, 0);
}

TEST(Feed, read_in_order_a_cache_that_is_too_small_hits_nothing) {
  InputPipeline pipeline = images();
  pipeline.cache = Bytes{5e7};
  EXPECT_GT(feed(pipeline)->later.cache_hits, 0);
  pipeline.shuffle = {ShuffleOrder::buffer, 100};
  EXPECT_EQ(feed(pipeline)->later.cache_hits, 0);
  pipeline.cache_policy = CachePolicy::pinned;
  EXPECT_EQ(feed(pipeline)->later.cache_hits, 0.5);
}

TEST(Feed, hits_of_a_disk_are_read_there) {
  InputPipeline pipeline = images();
  pipeline.accelerators = 100;
  pipeline.cache = Bytes{1e8};
  pipeline.cache_policy = CachePolicy::pinned;
  pipeline.cache_disk = StoreRates{BytesPerSecond{5e8}, {}, {}, 1};
  const auto answer = feed(pipeline);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->later.limit, InputStage::fetch);
  EXPECT_NEAR(answer->later.rate.base(), 5e3, 1e-6);
}

TEST(Feed, loaders_add_up_and_copies_are_each_accelerators_own) {
  InputPipeline pipeline = images();
  pipeline.accelerators = 4;
  pipeline.decode = Seconds{1.5e-3};
  pipeline.augment = Seconds{0.5e-3};
  EXPECT_NEAR(feed(pipeline)->first.rate.base(), 500, 1e-9);
  pipeline.loaders = 4;
  EXPECT_NEAR(feed(pipeline)->first.rate.base(), 2000, 1e-9);
  pipeline.copy = BytesPerSecond{1e6};
  pipeline.prepared = Bytes{1e4};
  const auto answer = feed(pipeline);
  EXPECT_EQ(answer->first.limit, InputStage::copy);
  EXPECT_NEAR(answer->first.rate.base(), 400, 1e-9);
  EXPECT_EQ(answer->most_accelerators, 0);
}

TEST(UsualLoad, of_a_packed_file_read_in_order_is_sequential) {
  const Dataset packed{1000, Bytes{1e5}, SampleLayout::packed};
  EXPECT_GT(usual_load(packed).random_share, 0);
  EXPECT_EQ(usual_load(packed, {ShuffleOrder::none, 0}).random_share, 0);
}

TEST(Feed, refuses_all_that_is_out_of_range_at_once) {
  InputPipeline pipeline = images();
  pipeline.dataset.samples = 0;
  pipeline.utilisation = 1.5;
  const auto answer = feed(pipeline);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().size(), 2u);
}

}  // namespace
}  // namespace fastpath
