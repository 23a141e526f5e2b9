/// A published or own measurement of a training step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/quantity.h"
#include "fastpath/result.h"
#include "fastpath/workload.h"

namespace fastpath {

struct TrainingRun {
  std::string id;
  std::string source;     ///< who published it
  std::string framework;  ///< what ran it; empty = not known
  std::string stack;      ///< whose code that is: Megatron-LM's of frameworks built on it
  std::string model;      ///< as its source names it
  std::string device;     ///< catalog id
  std::string system;     ///< catalog id of a system with enough devices when scaled
  std::int64_t devices = 1;
  std::shared_ptr<const Workload> workload;  ///< one training step; equal shapes share it
  Plan plan;
  Seconds step;
  std::vector<std::string> assumed;  ///< what the row does not state, as plan words
  Place place;
};

/// What a measured peak of memory counts.
enum class MemoryCounted : std::uint8_t {
  allocated,  ///< tensors
  reserved,   ///< what the allocator holds for them
  device,     ///< all of the process: contexts and communicators too
};

/// A measurement of the memory that the fullest device needs; the run's time is not known.
struct MemoryRun {
  TrainingRun run;
  MemoryCounted counted = MemoryCounted::allocated;
  Bytes peak;
};

/// A row that is not scored, and the rule that says so.
struct UnscoredRun {
  std::string id;
  std::string rule;
};

}  // namespace fastpath
