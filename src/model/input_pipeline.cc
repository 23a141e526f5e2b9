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

Hertz store_rate(const InputPipeline& pipeline) {
  const ReadLoad load = pipeline.load.value_or(usual_load(pipeline.dataset));
  const Dataset& data = pipeline.dataset;
  const bool shards = data.layout == SampleLayout::shards;
  const Bytes file = (shards ? data.samples_per_file : 1) * data.sample;
  BytesPerSecond bytes = delivered(pipeline.store, load, file);
  if (pipeline.client > BytesPerSecond{}) bytes = std::min(bytes, pipeline.client);
  Hertz rate{bytes.base() / pipeline.dataset.sample.base()};
  const Seconds open = pipeline.store.open;
  if (pipeline.dataset.layout == SampleLayout::files && open > Seconds{}) {
    rate = std::min(rate, Hertz{pipeline.store.readers / open.base()});
  }
  return rate;
}

EpochFeed epoch(const InputPipeline& pipeline, double hits) {
  EpochFeed result;
  result.cache_hits = hits;
  if (hits < 1) {
    result.stages.push_back({InputStage::fetch, Hertz{store_rate(pipeline).base() / (1 - hits)}});
  }
  if (pipeline.decode > Seconds{}) {
    result.stages.push_back(
        {InputStage::prepare, prepared(pipeline.workers, pipeline.decode, Seconds{})});
  }
  if (pipeline.collect > Seconds{}) {
    result.stages.push_back({InputStage::collect, Hertz{1 / pipeline.collect.base()}});
  }
  const double asked =
      static_cast<double>(pipeline.accelerators * pipeline.batch) / pipeline.compute.base();
  // Workers and the collecting process are one closed queue: a little below the slower of the two.
  Hertz input{HUGE_VAL};
  for (const StageRate& stage : result.stages) {
    if (stage.stage == InputStage::fetch) input = stage.rate;
  }
  if (pipeline.decode > Seconds{} || pipeline.collect > Seconds{}) {
    input = std::min(input, prepared(pipeline.workers, pipeline.decode, pipeline.collect));
  }
  result.stages.push_back({InputStage::accelerator, Hertz{asked}});
  const double places = static_cast<double>(pipeline.prefetch * pipeline.accelerators + 1);
  result.rate = coupled(input, Hertz{asked}, places, pipeline.variation);
  result.utilisation = std::min(1.0, result.rate.base() / asked);
  result.limit = std::min_element(result.stages.begin(), result.stages.end(),
                                  [](const auto& a, const auto& b) { return a.rate < b.rate; })
                     ->stage;
  result.time = Seconds{pipeline.dataset.samples / result.rate.base()};
  return result;
}

double fed(const InputPipeline& pipeline, double hits) {
  double rate = HUGE_VAL;
  if (hits < 1) rate = store_rate(pipeline).base() / (1 - hits);
  if (pipeline.decode > Seconds{} || pipeline.collect > Seconds{}) {
    rate = std::min(rate, prepared(pipeline.workers, pipeline.decode, pipeline.collect).base());
  }
  return accelerators_fed(Hertz{rate}, pipeline.batch, pipeline.compute, pipeline.utilisation);
}

std::int64_t workers_for(const InputPipeline& pipeline, Hertz rate) {
  for (std::int64_t workers = 1; workers <= kMostWorkers; workers += 1 + workers / 16) {
    if (prepared(workers, pipeline.decode, pipeline.collect) >= rate) return workers;
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

ReadLoad usual_load(const Dataset& dataset) {
  switch (dataset.layout) {
    case SampleLayout::shards: return {0.02, Seconds{10.2e-6}};
    case SampleLayout::packed: return {std::min(1.0, kSmallRead / dataset.sample), Seconds{}};
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

double cache_hits(CachePolicy policy, double held) {
  const double h = std::clamp(held, 0.0, 1.0);
  if (h >= 1 || policy == CachePolicy::pinned) return h;
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
  const double hits = cache_hits(pipeline.cache_policy, held);
  Feed result;
  result.first = epoch(pipeline, 0);
  result.later = epoch(pipeline, hits);
  result.most_accelerators = fed(pipeline, 0);
  result.later_accelerators = fed(pipeline, hits);
  result.delivered = store_rate(pipeline).base() * BytesPerSecond{data.sample.base()};
  const Hertz needed{pipeline.utilisation *
                     static_cast<double>(pipeline.accelerators * pipeline.batch) /
                     pipeline.compute.base()};
  result.needed = needed.base() * BytesPerSecond{data.sample.base()};
  const bool prepares = pipeline.decode > Seconds{} || pipeline.collect > Seconds{};
  result.needed_workers = prepares ? workers_for(pipeline, needed) : 1;
  return result;
}

}  // namespace fastpath
