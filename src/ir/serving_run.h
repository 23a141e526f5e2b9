/// A published or own measurement of a serving engine under a closed loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/quantity.h"
#include "fastpath/result.h"

namespace fastpath {

struct ServingRun {
  std::string id;
  std::string source;      ///< who published it
  std::string collection;  ///< of the source: one campaign of measurements
  std::string engine;      ///< "vllm"
  std::string version;     ///< empty = not known
  std::string model;       ///< of the catalog
  std::string precision;
  std::string device;
  std::string system;
  Plan plan;                         ///< of a replica, or of a decode worker
  Plan prefill_plan;                 ///< of a prefill worker
  std::int64_t workers = 1;          ///< that serve, or decode
  std::int64_t prefill_workers = 0;  ///< 0: prompts run where answers do
  std::int64_t input = 1;
  std::int64_t output = 1;
  std::int64_t concurrency = 1;
  double shortest = 1;  ///< lengths are uniform from this share of `input` and `output` up to them
  bool drifts = false;  ///< clients that start together fall out of step, though lengths are equal
  /// Offline: all requests come at once, and `tpot` is the whole run's time over its output tokens.
  bool offline = false;
  Seconds ttft;  ///< read as means
  Seconds tpot;
  std::vector<std::string> assumed;
  Place place;
};

}  // namespace fastpath
