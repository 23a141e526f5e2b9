/// A load as YAML: how requests come, how long they are, and the classes they are of.
///
///   rate: 20
///   count: 2000
///   classes:
///     - {name: chat, share: 0.7, priority: 0, isl: 512, osl: 256, max_ttft: 500 ms, max_tpot: 30
///     ms}
///     - {name: batch, share: 0.3, priority: 1, isl: 4096, osl: 512, max_latency: 2 min}
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/serving.h"

namespace fastpath {

/// What a file says of a load; what it leaves open is nothing.
struct LoadFile {
  std::optional<std::string> requests;  ///< a trace, relative to the file's folder
  std::optional<double> rate;
  std::optional<std::int64_t> concurrency;
  std::optional<double> variation;
  std::optional<std::int64_t> count;
  std::optional<std::int64_t> input;
  std::optional<std::int64_t> output;
  std::optional<double> spread;  ///< lengths are uniform within 1 - spread and 1 + spread
  std::optional<std::int64_t> turns;
  std::optional<Seconds> think;
  std::optional<double> speed_up;
  std::optional<std::int64_t> seed;
  std::vector<ServiceClass> classes;  ///< shares add up to 1
};

/// Lengths around a mean, at least 1.
Lengths lengths_around(std::int64_t mean, double spread);

/// All mistakes of the file together: unknown keys, values out of range, shares that do not add up
/// to 1, names given twice, more than one of requests, rate and concurrency, lengths beside a
/// trace.
Result<LoadFile> read_load(std::string_view text, const std::string& file);

}  // namespace fastpath
