#include "measure/loader/loader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"
#include "ir/input_names.h"
#include "measure/loader/inject.h"
#include "measure/loader/page_cache.h"
#include "measure/loader/rates.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSamples = 37;

/// A small data set, gone at the end.
class TestSet {
 public:
  explicit TestSet(SampleLayout layout, SampleEncoding encoding = SampleEncoding::jpeg)
      : folder_(fs::path(::testing::TempDir()) /
                ("fastpath_loader_" + std::string(name_of(layout)) + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    const MakeSetting setting{layout, encoding, kSamples, 10, 24, 1};
    auto made = make_samples(folder_.string(), setting, [](std::int64_t) {});
    EXPECT_TRUE(made.has_value());
    if (made) set = std::move(*made);
  }
  ~TestSet() { fs::remove_all(folder_); }
  TestSet(const TestSet&) = delete;
  TestSet& operator=(const TestSet&) = delete;

  SampleSet set;

 private:
  fs::path folder_;
};

constexpr std::array kLayouts{SampleLayout::files, SampleLayout::shards, SampleLayout::packed};

/// Both engines where io_uring is to be had.
std::vector<ReadEngine> engines() {
  if (has_io_uring()) return {ReadEngine::pread, ReadEngine::io_uring};
  return {ReadEngine::pread};
}

LoaderSetting verifying(ReadEngine engine) {
  LoaderSetting setting;
  setting.fetch = {engine, 4};
  setting.workers = 2;
  setting.batch = 5;
  setting.verify = true;
  return setting;
}

EpochRun verified(const SampleSet& set, const LoaderSetting& setting, const ReadHooks& hooks) {
  const auto run = run_epoch(set, setting, epoch_order(set, {}, 3), hooks, [](std::size_t) {});
  EXPECT_TRUE(run.has_value());
  return run.value_or(EpochRun{});
}

TEST(Loader, hands_over_every_sample_of_every_layout_and_encoding) {
  for (const SampleLayout layout : kLayouts) {
    for (const SampleEncoding encoding :
         {SampleEncoding::raw, SampleEncoding::png, SampleEncoding::gzip, SampleEncoding::zstd}) {
      const TestSet test(layout, encoding);
      for (const ReadEngine engine : engines()) {
        const EpochRun run = verified(test.set, verifying(engine), {});
        EXPECT_TRUE(run.mistakes.empty()) << run.mistakes.front().what;
        EXPECT_EQ(run.samples, static_cast<std::size_t>(kSamples));
        EXPECT_EQ(run.stored, test.set.bytes());
        EXPECT_EQ(run.decoded, Bytes{kSamples * 24.0 * 24 * 3});
      }
    }
  }
}

TEST(Loader, hands_over_all_under_any_bounds) {
  const TestSet test(SampleLayout::files);
  for (const std::int64_t workers : {0, 1, 5}) {
    for (const std::int64_t batch : {1, 8, 100}) {
      for (const std::int64_t prefetch : {0, 3}) {
        LoaderSetting setting = verifying(ReadEngine::pread);
        setting.workers = workers;
        setting.batch = batch;
        setting.prefetch = prefetch;
        setting.fetch.depth = 1;
        EXPECT_EQ(verified(test.set, setting, {}).samples, static_cast<std::size_t>(kSamples));
      }
    }
  }
}

TEST(Loader, short_and_interrupted_reads_lose_no_byte) {
  for (const SampleLayout layout : kLayouts) {
    const TestSet test(layout);
    for (const ReadEngine engine : engines()) {
      std::atomic<int> calls = 0;
      ReadHooks hooks;
      hooks.read = [&](const std::string&, std::int64_t, std::span<unsigned char> bytes,
                       std::int64_t got) -> std::int64_t {
        const int call = ++calls;
        if (call % 3 == 0) return -EINTR;
        // Bytes behind those that are said to be there are not: what reads on must read them.
        const std::int64_t kept = std::min<std::int64_t>(got, 1 + call % 97);
        if (got > 0) std::fill(bytes.begin() + kept, bytes.end(), static_cast<unsigned char>(0));
        return got > 0 ? kept : got;
      };
      const EpochRun run = verified(test.set, verifying(engine), hooks);
      EXPECT_TRUE(run.mistakes.empty()) << run.mistakes.front().what;
      EXPECT_EQ(run.stored, test.set.bytes());
      EXPECT_GT(calls.load(), 2 * kSamples);
    }
  }
}

TEST(Loader, every_failed_read_names_its_file_and_bytes) {
  for (const SampleLayout layout : kLayouts) {
    const TestSet test(layout);
    const SamplePlace& hit = test.set.samples[17];
    for (const ReadEngine engine : engines()) {
      ReadHooks hooks;
      hooks.read = [&](const std::string& file, std::int64_t offset, std::span<unsigned char>,
                       std::int64_t got) -> std::int64_t {
        return file == test.set.files[hit.file] && offset == hit.offset ? -EIO : got;
      };
      const EpochRun run = verified(test.set, verifying(engine), hooks);
      ASSERT_EQ(run.lost, 1u);
      EXPECT_EQ(run.mistakes.front().place.file, test.set.files[hit.file]);
      EXPECT_EQ(run.mistakes.front().what, "a read of bytes " + std::to_string(hit.offset) +
                                               " to " + std::to_string(hit.offset + hit.bytes) +
                                               " failed: Input/output error (sample 17)");
      EXPECT_EQ(run.stored, test.set.bytes() - Bytes{static_cast<double>(hit.bytes)});
    }
  }
}

TEST(Loader, wrong_bytes_are_found_wherever_they_are) {
  for (const SampleLayout layout : kLayouts) {
    const TestSet test(layout, SampleEncoding::raw);
    const SamplePlace& hit = test.set.samples[9];
    for (const std::int64_t at : {std::int64_t{0}, hit.bytes / 2, hit.bytes - 1}) {
      ReadHooks hooks;
      hooks.read = [&](const std::string& file, std::int64_t offset, std::span<unsigned char> bytes,
                       std::int64_t got) {
        if (file == test.set.files[hit.file] && offset == hit.offset) {
          bytes[static_cast<std::size_t>(at)] ^= 1;
        }
        return got;
      };
      const EpochRun run = verified(test.set, verifying(engines().back()), hooks);
      ASSERT_EQ(run.lost, 1u);
      EXPECT_EQ(run.mistakes.front().place.file, test.set.files[hit.file]);
      EXPECT_NE(run.mistakes.front().what.find("CRC"), std::string::npos);
    }
  }
}

TEST(Loader, files_that_vanish_or_are_cut_are_told_with_the_byte) {
  for (const ReadEngine engine : engines()) {
    const TestSet test(SampleLayout::files);
    fs::remove(test.set.files[3]);
    fs::resize_file(test.set.files[5], 100);
    const EpochRun run = verified(test.set, verifying(engine), {});
    ASSERT_EQ(run.lost, 2u);
    std::set<std::string> told;
    for (const Diagnostic& mistake : run.mistakes)
      told.insert(mistake.what.substr(0, mistake.what.find(':')));
    EXPECT_EQ(told, (std::set<std::string>{"cannot be opened", "ends at byte 100"}));
  }
}

TEST(Loader, a_cut_archive_is_told_with_the_byte) {
  const TestSet test(SampleLayout::shards);
  const SamplePlace& hit = test.set.samples[12];
  fs::resize_file(test.set.files[hit.file], static_cast<std::uintmax_t>(hit.offset + 50));
  const Diagnostics mistakes = check_archives(test.set, {});
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_NE(mistakes.front().what.find("is cut: 50 of its"), std::string::npos);
  const EpochRun run = verified(test.set, verifying(engines().back()), {});
  EXPECT_EQ(run.lost, 8u);  // of the shard's 10 samples, those from the cut on
  // Without a manifest the archive is scanned, and refused.
  fs::remove(fs::path(test.set.path) / kManifestFile);
  EXPECT_FALSE(find_samples(test.set.path, 0).has_value());
}

TEST(Loader, without_verifying_the_first_mistake_ends_it) {
  const TestSet test(SampleLayout::files);
  fs::remove(test.set.files[3]);
  for (const ReadEngine engine : engines()) {
    LoaderSetting setting = verifying(engine);
    setting.verify = false;
    const auto run =
        run_epoch(test.set, setting, epoch_order(test.set, {}, 3), {}, [](std::size_t) {});
    ASSERT_FALSE(run.has_value());
    EXPECT_EQ(run.error().front().place.file, test.set.files[3]);
  }
}

TEST(Loader, each_injected_error_is_told_and_short_reads_are_none) {
  const TestSet test(SampleLayout::files);
  for (const InjectedError error :
       {InjectedError::short_read, InjectedError::io_error, InjectedError::vanished,
        InjectedError::cut, InjectedError::wrong_byte}) {
    const EpochRun run =
        verified(test.set, verifying(engines().back()), inject(std::array{error}, 1, 5));
    if (error == InjectedError::short_read) {
      EXPECT_EQ(run.lost, 0u);
    } else {
      EXPECT_GT(run.lost, 0u) << name_of(error);
    }
  }
}

TEST(Loader, refuses_what_it_cannot_run) {
  const TestSet test(SampleLayout::packed);
  LoaderSetting setting;
  setting.workers = 100'000;
  setting.batch = 0;
  const auto run =
      run_epoch(test.set, setting, epoch_order(test.set, {}, 1), {}, [](std::size_t) {});
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().size(), 2u);
}

TEST(SampleSets, are_found_again_with_their_manifest_and_without) {
  for (const SampleLayout layout : {SampleLayout::files, SampleLayout::shards}) {
    const TestSet test(layout);
    const auto with = find_samples(test.set.path, 0);
    ASSERT_TRUE(with.has_value());
    EXPECT_TRUE(with->manifest);
    EXPECT_EQ(with->samples.size(), test.set.samples.size());
    fs::remove(fs::path(test.set.path) / kManifestFile);
    std::ofstream(fs::path(test.set.path) / "labels.json") << "{}";
    const auto without = find_samples(test.set.path, 0);
    ASSERT_TRUE(without.has_value());
    EXPECT_EQ(without->layout, layout);
    EXPECT_EQ(without->encoding, SampleEncoding::jpeg);
    EXPECT_EQ(without->skipped, 1u);
    ASSERT_EQ(without->samples.size(), test.set.samples.size());
    for (std::size_t i = 0; i < without->samples.size(); ++i) {
      EXPECT_EQ(without->samples[i].offset, with->samples[i].offset);
      EXPECT_EQ(without->samples[i].bytes, with->samples[i].bytes);
    }
  }
}

TEST(SampleSets, the_same_setting_gives_the_same_bytes) {
  const TestSet one(SampleLayout::packed);
  const std::string manifest = write_manifest(one.set);
  const TestSet other(SampleLayout::packed);
  EXPECT_EQ(write_manifest(other.set), manifest);
}

TEST(SampleSets, one_file_needs_a_size) {
  const TestSet test(SampleLayout::packed, SampleEncoding::raw);
  const std::string file = test.set.files.front();
  EXPECT_FALSE(find_samples(file, 0).has_value());
  const auto set = find_samples(file, 24 * 24 * 3);
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(set->samples.size(), static_cast<std::size_t>(kSamples));
}

TEST(Manifest, tells_all_mistakes_with_their_lines) {
  const std::string begin = "layout,encoding,file,offset [B],size [B],crc32\n";
  const auto wrong = [&](const std::string& lines) {
    const auto set = read_manifest(lines, "samples.csv", "folder");
    std::string text;
    if (set) return text;
    for (const Diagnostic& one : set.error())
      text += std::to_string(one.place.line) + ' ' + one.what + '\n';
    return text;
  };
  EXPECT_EQ(wrong(begin + "files,raw,a,0,10,0123abcd\n"), "");
  EXPECT_EQ(wrong("something else\n"), "1 is no manifest of samples\n");
  EXPECT_EQ(wrong(begin + "files,raw,a,0,10,0123abcd"), "2 ends within a line: it was cut\n");
  EXPECT_EQ(wrong(begin + "files,tiff,../a,-1,0,zz\nfiles,raw\n"),
            "2 encoding 'tiff'\n2 '../a' is no file of this folder\n2 offset '-1'\n2 size '0'\n"
            "2 CRC 'zz'\n3 2 cells instead of 6\n");
}

TEST(EpochOrders, are_permutations_and_a_buffer_draws_from_what_it_holds) {
  const TestSet test(SampleLayout::shards);
  std::vector<std::uint32_t> all(kSamples);
  std::iota(all.begin(), all.end(), std::uint32_t{0});
  for (const Shuffle& shuffle :
       {Shuffle{ShuffleOrder::full, 0}, Shuffle{ShuffleOrder::none, 0},
        Shuffle{ShuffleOrder::buffer, 8}, Shuffle{ShuffleOrder::shard, 0}}) {
    const EpochOrder order = epoch_order(test.set, shuffle, 7);
    EXPECT_TRUE(
        std::is_permutation(order.fetch.begin(), order.fetch.end(), all.begin(), all.end()));
    EXPECT_TRUE(
        std::is_permutation(order.deliver.begin(), order.deliver.end(), all.begin(), all.end()));
    for (std::size_t k = 0; k < all.size(); ++k) {
      const auto end = order.fetch.begin() +
                       static_cast<std::ptrdiff_t>(std::min(all.size(), k + 1 + order.ahead));
      EXPECT_NE(std::find(order.fetch.begin(), end, order.deliver[k]), end);
    }
    EXPECT_EQ(epoch_order(test.set, shuffle, 7).deliver, order.deliver);
    if (shuffle.order == ShuffleOrder::full || shuffle.order == ShuffleOrder::buffer) {
      EXPECT_NE(order.deliver, all);
    }
  }
}

TEST(EpochOrders, by_shard_read_each_from_its_beginning_to_its_end) {
  const TestSet test(SampleLayout::shards);
  const EpochOrder order = epoch_order(test.set, {ShuffleOrder::shard, 0}, 2);
  std::set<std::uint32_t> seen;
  for (std::size_t k = 0; k < order.fetch.size(); ++k) {
    const std::uint32_t file = test.set.samples[order.fetch[k]].file;
    const bool begins = k == 0 || test.set.samples[order.fetch[k - 1]].file != file;
    if (begins) {
      EXPECT_TRUE(seen.insert(file).second);
    } else {
      EXPECT_EQ(order.fetch[k], order.fetch[k - 1] + 1);
    }
  }
}

TEST(Rates, of_fetching_and_decoding_are_measured) {
  const TestSet test(SampleLayout::shards);
  const RepeatLimits once{.least = 1, .most = 1, .spread = 1, .most_others = 1e9};
  FetchQuestion question;
  question.fetch.engine = engines().back();
  question.repeats = once;
  const auto fetch = measure_fetch(test.set, question, [](std::string_view) {});
  ASSERT_TRUE(fetch.has_value());
  EXPECT_GT(fetch->samples.median, 0);
  EXPECT_NEAR(fetch->rate.base() / fetch->samples.median, test.set.sample().base(), 1e-6);
  const auto prepare = measure_prepare(test.set, question, 2);
  ASSERT_TRUE(prepare.has_value());
  EXPECT_EQ(prepare->decode.decoded, Bytes{24.0 * 24 * 3});
  EXPECT_NEAR(prepare->decode.stored.base(), test.set.sample().base(), 1e-6);
  EXPECT_GT(prepare->decode.cpu.median, 0);
  EXPECT_GE(prepare->cpu.base(), prepare->decode.cpu.median);  // workers are some of the threads
  const auto samples = some_samples(test.set);
  ASSERT_TRUE(samples.has_value());
  const auto decode = measure_decode(SampleEncoding::jpeg, *samples, 2, {Seconds{0.005}, once});
  ASSERT_TRUE(decode.has_value());
  EXPECT_GT(decode->samples.median, 0);
  EXPECT_EQ(decode->decoded, Bytes{24.0 * 24 * 3});
  EXPECT_FALSE(measure_decode(SampleEncoding::png, *samples, 1, {Seconds{0.005}, once}));
  bring_into_cache(test.set);
  EXPECT_GT(cached_share(test.set), 0.9);
}

}  // namespace
}  // namespace fastpath
