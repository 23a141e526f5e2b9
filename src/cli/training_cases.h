/// Measured training runs for verbs: the catalog's or the user's, each on its system.
#pragma once

#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "validate/training.h"
#include "validate/training_memory.h"

namespace fastpath::cli {

struct TrainingCases {
  std::vector<TrainingCase> cases;
  std::vector<MemoryCase> memory;
  std::vector<UnscoredRun> unscored;
};

/// The files among the operands, or the catalog's `published` file where there are none. Runs whose
/// plan is not legal on their system are not scored.
Result<TrainingCases> read_training(const Session& session, const Arguments& arguments,
                                    std::string_view published);

}  // namespace fastpath::cli
