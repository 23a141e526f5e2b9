#include "search/default_space.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace fastpath {
namespace {

constexpr std::int64_t kLongSequence = 16'384;  ///< from here on, contexts are worth splitting
constexpr std::int64_t kMostContexts = 16;

std::vector<std::int64_t> divisors(std::int64_t number, std::int64_t most) {
  std::vector<std::int64_t> result;
  for (std::int64_t i = 1; i <= std::min(number, most); ++i) {
    if (number % i == 0) result.push_back(i);
  }
  return result;
}

std::int64_t largest(const Workload& workload, DimKind kind) {
  std::int64_t size = 1;
  for (const Dim& dim : workload.dims) {
    if (dim.kind == kind) size = std::max(size, dim.size);
  }
  return size;
}

std::int64_t layers_of(const Workload& workload) {
  std::int64_t layers = 0;
  for (const Segment& segment : workload.segments) {
    if (segment.use == SegmentUse::executed) layers += segment.repeat;
  }
  return layers;
}

std::string word(std::string_view name, const std::vector<std::int64_t>& values) {
  return fmt::format("{}={} ", name, fmt::join(values, ","));
}

/// Powers of two up to the most chunks that a rank's layers give.
std::string schedules(std::int64_t layers) {
  std::string text = "schedule=1f1b";
  constexpr std::int64_t kMostChunks = 8;
  for (std::int64_t chunks = 2; chunks <= std::min(kMostChunks, layers / 2); chunks *= 2)
    text += fmt::format(",interleaved:{}", chunks);
  return text + ",zb-h1,zb-v,dualpipe";
}

}  // namespace

std::string default_space(const Workload& workload, const System& system, Objective objective) {
  const std::int64_t devices = system.device_count();
  const bool training = workload.phase == Phase::training;
  const std::int64_t layers = layers_of(workload);
  const std::int64_t width =
      std::max(largest(workload, DimKind::heads), largest(workload, DimKind::ffn));
  std::string text = training && objective == Objective::time
                         ? word("devices", {devices})
                         : word("devices", divisors(devices, devices));
  text += word("tp", divisors(devices, width)) + word("pp", divisors(devices, layers));
  if (largest(workload, DimKind::sequence) >= kLongSequence) {
    text += word("cp", divisors(devices, kMostContexts));
  }
  const std::int64_t experts = largest(workload, DimKind::experts);
  if (experts > 1) text += word("ep", divisors(std::gcd(experts, devices), experts));
  if (!training) return text + "execution=graph";
  return text + "sp=false,true micro_batch=1..16*2 recompute=none,full zero=0..3 " +
         schedules(layers);
}

}  // namespace fastpath
