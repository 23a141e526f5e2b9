#include "import/yaml/input_pipeline.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace fastpath {
namespace {

Result<StoreRates> named(std::string_view name, const Place& place) {
  if (name == "lustre") return StoreRates{BytesPerSecond{2e9}, Hertz{1e5}, {}, 1};
  if (name == "opens-only") return StoreRates{};
  return failure(place, "unknown store " + in_quotes(name));
}

Result<InputPipeline> read(std::string_view text) { return read_input_pipeline(text, "p", named); }

std::string mistakes(std::string_view text) {
  const auto pipeline = read(text);
  if (pipeline) return "none";
  std::string messages;
  for (const Diagnostic& diagnostic : pipeline.error())
    messages += format_diagnostic(diagnostic, "error") + "\n";
  return messages;
}

TEST(InputPipelineYaml, reads_every_stage) {
  const auto pipeline = read(
      "dataset: {samples: 1000, sample: 1 MB, layout: shards, samples_per_file: 50, encoding: "
      "jpeg}\n"
      "shuffle: {buffer: 64}\nstore: {kind: lustre, open: 2.3 ms, readers: 4}\n"
      "reads: {random: 0.1, per_file: 10 us}\nclient: 12.5 GB/s\n"
      "cache: {size: 1 GB, disk: {read: 3 GB/s}}\nloaders: 2\nworkers: 8\ndecode: 4 ms\n"
      "augment: 1 ms\ncollect: 1 ms\nhost: {cores: 1.5, read: 20 us}\ncopy: {rate: 25 GB/s, "
      "sample: 600 kB}\nprefetch: 3\n"
      "batch: 256\ncompute: 224 ms\naccelerators: 8\nutilisation: 0.7\nvariation: 0.2\n");
  ASSERT_TRUE(pipeline) << pipeline.error()[0].what;
  InputPipeline expected;
  expected.dataset = {1000, Bytes{1e6}, SampleLayout::shards, 50, SampleEncoding::jpeg};
  expected.shuffle = {ShuffleOrder::buffer, 64};
  expected.store = {BytesPerSecond{2e9}, Hertz{1e5}, Seconds{2.3e-3}, 4};
  expected.load = ReadLoad{0.1, Seconds{10e-6}};
  expected.client = BytesPerSecond{12.5e9};
  expected.cache = Bytes{1e9};
  expected.cache_policy = CachePolicy::pinned;
  expected.cache_disk = StoreRates{BytesPerSecond{3e9}, {}, {}, 1};
  expected.loaders = 2;
  expected.workers = 8;
  expected.decode = Seconds{4e-3};
  expected.augment = Seconds{1e-3};
  expected.collect = Seconds{1e-3};
  expected.cores = 1.5;
  expected.read = Seconds{20e-6};
  expected.copy = BytesPerSecond{25e9};
  expected.prepared = Bytes{600e3};
  expected.prefetch = 3;
  expected.batch = 256;
  expected.compute = Seconds{0.224};
  expected.accelerators = 8;
  expected.utilisation = 0.7;
  expected.variation = 0.2;
  EXPECT_EQ(*pipeline, expected) << write_input_pipeline(*pipeline);
  EXPECT_EQ(read(write_input_pipeline(expected)).value(), expected);
}

TEST(InputPipelineYaml, what_is_left_out_is_usual) {
  const auto pipeline =
      read("dataset: {samples: 9, sample: 1 kB}\nworkers: 4\ndecode: 1 ms\nstore: lustre\n");
  ASSERT_TRUE(pipeline) << pipeline.error()[0].what;
  EXPECT_EQ(pipeline->shuffle.order, ShuffleOrder::full);
  EXPECT_EQ(pipeline->store.readers, 4);
  EXPECT_EQ(pipeline->collect, kUsualCollecting * Seconds{1e-3});
  EXPECT_EQ(pipeline->compute, Seconds{});
  EXPECT_EQ(read(write_input_pipeline(*pipeline)).value(), *pipeline);
}

TEST(InputPipelineYaml, mistakes_come_all_at_once_with_their_places) {
  EXPECT_EQ(mistakes("dataset: {samples: 0, sample: 0 kB, layout: shard, samples_per_file: 2}\n"
                     "shuffle: shard\nstore: opens-only\nworker: 3\nprefetch: -1\n"),
            "p:1:20: error: 0 is not from 1 to 1000000000000000\n"
            "p:1:31: error: sample must be above 0\n"
            "p:1:45: error: 'shard' is not a layout\n  hint: did you mean 'shards'?\n"
            "p:3:8: error: the store has no read rate\n  hint: write store: {read: 7 GB/s}\n"
            "p:4:1: error: an input pipeline has no key 'worker'\n  hint: did you mean 'workers'?\n"
            "p:5:11: error: -1 is below 0\n");
  EXPECT_EQ(mistakes("dataset: {samples: 9, sample: 1 kB, samples_per_file: 2}\nshuffle: shard\n"),
            "p:1:55: error: only shards hold several samples a file\n"
            "  hint: write layout: shards\n"
            "p:2:10: error: only shards can be shuffled by shard\n"
            "  hint: write layout: shards, or shuffle: full\n");
  EXPECT_EQ(mistakes("dataset: {samples: 9, sample: 1 kB}\nstore: nvm\n"),
            "p:2:8: error: unknown store 'nvm'\n");
  EXPECT_EQ(mistakes("shuffle: buffer\n"),
            "p:1:1: error: an input pipeline has no 'dataset'\n"
            "p:1:10: error: a buffer has a size\n  hint: write shuffle: {buffer: 10000}\n");
}

}  // namespace
}  // namespace fastpath
