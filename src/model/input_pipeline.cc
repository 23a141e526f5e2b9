#include "model/input_pipeline.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include <fmt/format.h>

namespace fastpath {
namespace {

constexpr double kMostQueue =
    1e4;  ///< places beyond which a queue's blocking cannot be told from 0
constexpr std::int64_t kMostWorkers = 4096;

/// Samples a second that `store` delivers.
Hertz store_rate(const InputPipeline& pipeline, const StoreRates& store) {
  const ReadLoad load = pipeline.load.value_or(usual_load(pipeline.dataset, pipeline.shuffle));
  const Dataset& data = pipeline.dataset;
  const bool shards = data.layout == SampleLayout::shards;
  const Bytes file = (shards ? data.samples_per_file : 1) * data.sample;
  BytesPerSecond bytes = delivered(store, load, file);
  if (pipeline.client > BytesPerSecond{}) bytes = std::min(bytes, pipeline.client);
  Hertz rate{bytes.base() / pipeline.dataset.sample.base()};
  const Seconds open = store.open;
  if (pipeline.dataset.layout == SampleLayout::files && open > Seconds{}) {
    rate = std::min(rate, Hertz{store.readers / open.base()});
  }
  return rate;
}

Seconds work_of(const InputPipeline& pipeline) { return pipeline.decode + pipeline.augment; }

/// Misses come from the store, and hits from the disk that caches at the same time.
Hertz fetched(const InputPipeline& pipeline, double hits) {
  Hertz rate{HUGE_VAL};
  if (hits < 1) rate = Hertz{store_rate(pipeline, pipeline.store).base() / (1 - hits)};
  if (hits > 0 && pipeline.cache_disk) {
    rate = std::min(rate, Hertz{store_rate(pipeline, *pipeline.cache_disk).base() / hits});
  }
  return rate;
}

Hertz all_loaders(const InputPipeline& pipeline, Seconds work, Seconds collect) {
  return static_cast<double>(pipeline.loaders) * prepared(pipeline.workers, work, collect);
}

/// Each accelerator has a link of its own.
Hertz copied(const InputPipeline& pipeline) {
  if (!(pipeline.copy > BytesPerSecond{})) return Hertz{HUGE_VAL};
  const bool as_stored = !(pipeline.prepared > Bytes{});
  const Bytes sample = as_stored ? pipeline.dataset.sample : pipeline.prepared;
  return Hertz{static_cast<double>(pipeline.accelerators) * pipeline.copy.base() / sample.base()};
}

/// All stages of the host take turns on its cores.
Hertz hosted(const InputPipeline& pipeline) {
  const Seconds busy = pipeline.read + work_of(pipeline) + pipeline.collect;
  if (!(pipeline.cores > 0) || !(busy > Seconds{})) return Hertz{HUGE_VAL};
  return Hertz{pipeline.cores / busy.base()};
}

/// Of all stages before the accelerators. Workers and the collecting process are one closed queue:
/// a little below the slower of the two.
Hertz input_rate(const InputPipeline& pipeline, double hits) {
  Hertz rate = std::min({fetched(pipeline, hits), copied(pipeline), hosted(pipeline)});
  const Seconds work = work_of(pipeline);
  if (work > Seconds{} || pipeline.collect > Seconds{}) {
    rate = std::min(rate, all_loaders(pipeline, work, pipeline.collect));
  }
  return rate;
}

Hertz asked(const InputPipeline& pipeline) {
  return Hertz{static_cast<double>(pipeline.accelerators * pipeline.batch) /
               pipeline.compute.base()};
}

/// Those that exist, each alone.
std::vector<StageRate> stages_of(const InputPipeline& pipeline, double hits) {
  std::vector<StageRate> stages;
  const auto add = [&](InputStage stage, Hertz rate) {
    if (std::isfinite(rate.base())) stages.push_back({stage, rate});
  };
  add(InputStage::fetch, fetched(pipeline, hits));
  const Seconds work = work_of(pipeline);
  if (work > Seconds{}) add(InputStage::prepare, all_loaders(pipeline, work, Seconds{}));
  if (pipeline.collect > Seconds{}) {
    add(InputStage::collect,
        Hertz{static_cast<double>(pipeline.loaders) / pipeline.collect.base()});
  }
  add(InputStage::copy, copied(pipeline));
  add(InputStage::host, hosted(pipeline));
  stages.push_back({InputStage::accelerator, asked(pipeline)});
  return stages;
}

EpochFeed epoch(const InputPipeline& pipeline, double hits) {
  EpochFeed result;
  result.cache_hits = hits;
  result.stages = stages_of(pipeline, hits);
  const Hertz input = input_rate(pipeline, hits);
  const double places = static_cast<double>(pipeline.prefetch * pipeline.accelerators + 1);
  result.rate = coupled(input, asked(pipeline), places, pipeline.variation);
  result.utilisation = std::min(1.0, result.rate / asked(pipeline));
  result.input = input;
  result.limit = std::min_element(result.stages.begin(), result.stages.end(),
                                  [](const auto& a, const auto& b) { return a.rate < b.rate; })
                     ->stage;
  result.time = Seconds{pipeline.dataset.samples / result.rate.base()};
  return result;
}

double fed(const InputPipeline& pipeline, double hits) {
  // What is copied over each accelerator's own link does not add up.
  InputPipeline shared = pipeline;
  shared.copy = {};
  const double most = accelerators_fed(input_rate(shared, hits), pipeline.batch, pipeline.compute,
                                       pipeline.utilisation);
  InputPipeline alone = pipeline;
  alone.accelerators = 1;
  const bool copies_enough = copied(alone) >= pipeline.utilisation * asked(alone);
  return copies_enough ? most : 0;
}

std::int64_t workers_for(const InputPipeline& pipeline, Hertz rate) {
  for (std::int64_t workers = 1; workers <= kMostWorkers; workers += 1 + workers / 16) {
    const Hertz each = prepared(workers, work_of(pipeline), pipeline.collect);
    if (static_cast<double>(pipeline.loaders) * each >= rate) return workers;
  }
  return 0;
}

struct Range {
  const char* what;
  double value;
  double low;  ///< excluded
  double high;
};

Diagnostics mistakes_in(const InputPipeline& pipeline) {
  Diagnostics mistakes;
  const auto whole = [](std::int64_t n) { return static_cast<double>(n); };
  for (const Range& range : std::initializer_list<Range>{
           {"samples", pipeline.dataset.samples, 0, 1e15},
           {"a sample's size", pipeline.dataset.sample.base(), 0, 1e15},
           {"the store's read rate", pipeline.store.sequential.base(), 0, 1e18},
           {"files opened at a time", pipeline.store.readers, 0, 1e9},
           {"loaders", whole(pipeline.loaders), 0, 1e6},
           {"workers", whole(pipeline.workers) + 1, 0, 1e6},
           {"the batch", whole(pipeline.batch), 0, 1e9},
           {"accelerators", whole(pipeline.accelerators), 0, 1e9},
           {"a batch's compute time", pipeline.compute.base(), 0, 1e9},
           {"utilisation", pipeline.utilisation, 0, 1},
           {"prefetched batches", whole(pipeline.prefetch) + 1, 0, 1e6}}) {
    if (range.value > range.low && range.value <= range.high) continue;
    mistakes.push_back({{.file = "input pipeline"},
                        fmt::format("{} of {} is out of range", range.what, range.value),
                        fmt::format("above {} up to {}", range.low, range.high)});
  }
  return mistakes;
}

}  // namespace

BytesPerSecond delivered(const StoreRates& store, const ReadLoad& load, Bytes file) {
  const double random =
      store.random_4k ? store.random_4k->base() * kSmallRead.base() : store.sequential.base();
  const double a_byte = (1 - load.random_share) / store.sequential.base() +
                        load.random_share / random + load.per_file.base() / file.base();
  return BytesPerSecond{1 / a_byte};
}

ReadLoad usual_load(const Dataset& dataset, const Shuffle& shuffle) {
  const bool random = !reads_in_order(shuffle);
  switch (dataset.layout) {
    case SampleLayout::shards: return {0.02, Seconds{10.2e-6}};
    case SampleLayout::packed:
      if (!random) return {};
      return {std::min(1.0, kSmallRead / dataset.sample), Seconds{}};
    case SampleLayout::files: break;
  }
  return {0.23, Seconds{58e-6}};
}

Hertz prepared(std::int64_t workers, Seconds work, Seconds collect) {
  if (workers <= 0) return Hertz{1 / (work + collect).base()};
  double waiting = 0;
  double rate = 0;
  for (std::int64_t n = 1; n <= workers; ++n) {
    const double stay = collect.base() * (1 + waiting);
    rate = static_cast<double>(n) / (work.base() + stay);
    waiting = rate * stay;
  }
  return Hertz{rate};
}

bool reads_in_order(const Shuffle& shuffle) {
  return shuffle.order == ShuffleOrder::none || shuffle.order == ShuffleOrder::buffer;
}

double cache_hits(CachePolicy policy, double held, const Shuffle& shuffle) {
  const double h = std::clamp(held, 0.0, 1.0);
  if (h >= 1 || policy == CachePolicy::pinned) return h;
  // What comes next is what was longest unused: just dropped.
  if (reads_in_order(shuffle)) return 0;
  return h + (1 - h) * std::log1p(-h);
}

Hertz coupled(Hertz in, Hertz out, double places, double variation) {
  if (variation <= 0 || !std::isfinite(in.base())) return std::min(in, out);
  const double k = std::min(places / (variation * variation), kMostQueue);
  const double load = in / out;
  if (std::abs(load - 1) < 1e-9) return Hertz{in.base() * k / (k + 1)};
  // (1 - r^k) / (1 - r^(k+1)), written so that large powers cancel.
  if (load > 1) {
    const double s = 1 / load;
    return Hertz{out.base() * (1 - std::pow(s, k)) / (1 - std::pow(s, k + 1))};
  }
  return Hertz{in.base() * (1 - std::pow(load, k)) / (1 - std::pow(load, k + 1))};
}

double accelerators_fed(Hertz rate, std::int64_t batch, Seconds compute, double utilisation) {
  const double each = static_cast<double>(batch) / compute.base() * utilisation;
  return std::floor(rate.base() / each * (1 + 1e-12));
}

Result<Feed> feed(const InputPipeline& pipeline) {
  if (Diagnostics mistakes = mistakes_in(pipeline); !mistakes.empty()) {
    return failure(std::move(mistakes));
  }
  const Dataset& data = pipeline.dataset;
  const double held = pipeline.cache.base() / (data.samples * data.sample.base());
  const double hits = cache_hits(pipeline.cache_policy, held, pipeline.shuffle);
  Feed result;
  result.first = epoch(pipeline, 0);
  result.later = epoch(pipeline, hits);
  result.most_accelerators = fed(pipeline, 0);
  result.later_accelerators = fed(pipeline, hits);
  result.delivered =
      store_rate(pipeline, pipeline.store).base() * BytesPerSecond{data.sample.base()};
  const Hertz needed = pipeline.utilisation * asked(pipeline);
  result.needed = needed.base() * BytesPerSecond{data.sample.base()};
  const bool prepares = work_of(pipeline) > Seconds{} || pipeline.collect > Seconds{};
  result.needed_workers = prepares ? workers_for(pipeline, needed) : 1;
  return result;
}

}  // namespace fastpath
