#include "measure/loader/rates.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "ir/input_names.h"
#include "measure/clock.h"
#include "measure/cores.h"
#include "measure/loader/epoch_order.h"
#include "measure/loader/loader.h"
#include "measure/loader/page_cache.h"
#include "measure/loader/sample_read.h"

namespace fastpath {
namespace {

constexpr double kMostBytes = 0x1p28;
constexpr double kMostPrepared = 0x1p26;
constexpr std::size_t kSomeSamples = 64;

/// The first of an epoch's order that hold `most` bytes, at least one. They are delivered as read.
EpochOrder part_of_epoch(const SampleSet& set, const Shuffle& shuffle, std::uint64_t seed,
                         double most) {
  EpochOrder order = epoch_order(set, shuffle, seed);
  double bytes = 0;
  std::size_t count = 0;
  while (count < order.fetch.size() && bytes < most)
    bytes += static_cast<double>(set.samples[order.fetch[count++]].bytes);
  order.fetch.resize(count);
  order.deliver = order.fetch;
  order.ahead = 0;
  return order;
}

struct DecodeTally {
  double samples = 0;
  Seconds cpu;
  Seconds wall;
  double decoded = 0;
  std::string error;
};

/// Memory as that of a loader's batches, three of 32 samples, where they do not exceed
/// `kMostBytes`: writing to memory that no cache holds is a part of decoding.
std::string fill_batches(SampleDecoder& decoder, const std::vector<SampleBytes>& samples,
                         std::vector<SampleBytes>& batches) {
  constexpr std::size_t kPlaces = 96;
  double bytes = 0;
  while (batches.size() < kPlaces && bytes < kMostBytes) {
    SampleBytes decoded;
    std::string wrong = decoder.decode(samples[batches.size() % samples.size()], decoded);
    if (!wrong.empty()) return wrong;
    bytes += static_cast<double>(decoded.size());
    batches.push_back(std::move(decoded));
  }
  return {};
}

DecodeTally decode_for(SampleEncoding encoding, const std::vector<SampleBytes>& samples,
                       std::vector<SampleBytes>& batches, Seconds length) {
  DecodeTally tally;
  SampleDecoder decoder(encoding);
  if (batches.empty()) tally.error = fill_batches(decoder, samples, batches);
  const Seconds cpu = thread_time();
  const Seconds begin = wall_time();
  for (std::size_t i = 0; tally.error.empty() && tally.wall < length; ++i) {
    SampleBytes& decoded = batches[i % batches.size()];
    tally.error = decoder.decode(samples[i % samples.size()], decoded);
    tally.decoded += static_cast<double>(decoded.size());
    ++tally.samples;
    tally.wall = wall_time() - begin;
  }
  tally.cpu = thread_time() - cpu;
  return tally;
}

}  // namespace

Result<FetchRate> measure_fetch(const SampleSet& set, const FetchQuestion& question,
                                const std::function<void(std::string_view)>& tell) {
  LoaderSetting setting;
  setting.fetch = question.fetch;
  setting.decode = false;
  setting.batch = question.batch;
  const ReadHooks none;
  Loader loader(set, setting, none);
  FetchRate result;
  Diagnostics mistakes;
  std::uint64_t seed = 0;
  double samples = 0;
  double bytes = 0;
  Seconds cpu;
  if (question.cache == ReadCache::warm) bring_into_cache(set);
  result.samples = repeat(
      [&]() -> Repeat {
        if (!mistakes.empty()) return {};
        ++seed;
        tell(fmt::format("fetch: repeat {}", seed));
        if (question.cache != ReadCache::warm) drop_from_cache(set);
        result.cached_before = std::max(result.cached_before, cached_share(set));
        const EpochOrder order = part_of_epoch(set, question.shuffle, seed, kMostBytes);
        const auto run = loader.run(order, [](std::size_t) {});
        if (!run) {
          mistakes = run.error();
          return {};
        }
        samples += static_cast<double>(run->samples);
        bytes += run->stored.base();
        cpu += run->cpu - run->working;
        return {static_cast<double>(run->samples) / run->wall.base(), run->others};
      },
      question.repeats);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  result.rate = BytesPerSecond{result.samples.median * bytes / samples};
  result.cpu = cpu / samples;
  return result;
}

Result<PrepareRate> measure_prepare(const SampleSet& set, const FetchQuestion& question,
                                    int workers) {
  LoaderSetting setting;
  setting.fetch = question.fetch;
  setting.batch = question.batch;
  setting.workers = workers;
  const ReadHooks none;
  Loader loader(set, setting, none);
  Diagnostics mistakes;
  std::uint64_t seed = 0;
  EpochRun sum;
  std::vector<Repeat> costs;
  bring_into_cache(set);
  PrepareRate result;
  result.decode.encoding = set.encoding;
  result.decode.threads = workers;
  result.decode.samples = repeat(
      [&]() -> Repeat {
        if (!mistakes.empty()) return {};
        const EpochOrder order = part_of_epoch(set, question.shuffle, ++seed, kMostPrepared);
        const auto run = loader.run(order, [](std::size_t) {});
        if (!run) {
          mistakes = run.error();
          return {};
        }
        sum.samples += run->samples;
        sum.stored += run->stored;
        sum.decoded += run->decoded;
        sum.cpu += run->cpu;
        const auto samples = static_cast<double>(run->samples);
        costs.push_back({run->working.base() / samples, run->others});
        return {samples / run->wall.base(), run->others};
      },
      question.repeats);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  const auto samples = static_cast<double>(sum.samples);
  result.decode.cpu = summarise(costs, question.repeats);
  result.decode.stored = sum.stored / samples;
  result.decode.decoded = sum.decoded / samples;
  result.cpu = sum.cpu / samples;
  return result;
}

Result<DecodeRate> measure_decode(SampleEncoding encoding, const std::vector<SampleBytes>& samples,
                                  int threads, const ReadLimits& limits) {
  DecodeRate result;
  result.encoding = encoding;
  result.threads = threads;
  std::string error;
  double decoded = 0;
  double count = 0;
  std::vector<Repeat> costs;
  const auto cores = static_cast<double>(usable_cores().size());
  std::vector<std::vector<SampleBytes>> batches(static_cast<std::size_t>(threads));
  const auto one = [&]() -> Repeat {
    if (!error.empty()) return {};
    std::vector<DecodeTally> tallies(batches.size());
    std::vector<std::thread> workers;
    workers.reserve(tallies.size());
    for (std::size_t i = 0; i < tallies.size(); ++i) {
      workers.emplace_back(
          [&, i] { tallies[i] = decode_for(encoding, samples, batches[i], limits.repeat); });
    }
    for (std::thread& worker : workers)
      worker.join();
    double done = 0;
    double rate = 0;
    Seconds cpu;
    // Threads beyond the cores wait for each other.
    double others = -std::max(0.0, static_cast<double>(threads) - cores);
    for (const DecodeTally& tally : tallies) {
      if (!tally.error.empty()) error = tally.error;
      done += tally.samples;
      rate += tally.samples / tally.wall.base();
      cpu += tally.cpu;
      others += taken_from(1, tally.wall, tally.cpu);
      decoded += tally.decoded;
    }
    if (!error.empty()) return {};
    count += done;
    costs.push_back({cpu.base() / done, others});
    return {rate, others};
  };
  result.samples = repeat(one, limits.repeats);
  if (!error.empty()) return failure({.file = std::string(name_of(encoding))}, error);
  result.cpu = summarise(costs, limits.repeats);
  double stored = 0;
  for (const SampleBytes& sample : samples)
    stored += static_cast<double>(sample.size());
  result.stored = Bytes{stored / static_cast<double>(samples.size())};
  result.decoded = Bytes{decoded / count};
  return result;
}

Result<std::vector<SampleBytes>> test_samples(SampleEncoding encoding, int side) {
  std::vector<SampleBytes> samples;
  constexpr std::uint64_t kPictures = 16;
  samples.reserve(kPictures);
  for (std::uint64_t seed = 1; seed <= kPictures; ++seed) {
    auto sample = encode_picture(encoding, side, test_picture(side, seed));
    if (!sample) return failure(sample.error());
    samples.push_back(std::move(*sample));
  }
  return samples;
}

Result<std::vector<SampleBytes>> some_samples(const SampleSet& set) {
  std::vector<SampleBytes> samples;
  const std::size_t count = std::min(kSomeSamples, set.samples.size());
  samples.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const SamplePlace& place = set.samples[i * set.samples.size() / count];
    const std::string& path = set.files[place.file];
    SampleFile file;
    SampleBytes bytes(static_cast<std::size_t>(place.bytes));
    std::string wrong = file.open(path, {});
    if (wrong.empty()) wrong = file.read(path, place.offset, bytes, {});
    if (!wrong.empty()) return failure({.file = path}, std::move(wrong));
    samples.push_back(std::move(bytes));
  }
  return samples;
}

}  // namespace fastpath
