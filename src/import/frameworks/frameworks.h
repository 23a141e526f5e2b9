/// In and out of training frameworks: their launch lines and configurations, and plans.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/result.h"

#include "import/catalog/framework_defaults.h"

namespace fastpath {

/// megatron, nemo, torchtitan, deepspeed, llm-foundry.
std::vector<std::string> framework_names();

/// The framework whose file this seems to be, by extension and keys; empty for others, plans in
/// YAML among them.
std::string framework_of(std::string_view text, std::string_view file);

/// What a framework's file says.
struct FrameworkJob {
  std::string framework;
  Plan plan;
  bool open_data_parallel = false;  ///< the file leaves the number of devices to the launcher
  int replicas = 1;                 ///< copies of the weights that sharding leaves, where open
  std::map<std::string, std::int64_t> figures;  ///< layers, hidden, global_batch, sequence, ...
  std::vector<FrameworkDefault> assumed;        ///< of the plan, from the catalog's table
};

/// Reads a file of `framework` (of framework_names()). Keys that may matter to speed and are not
/// understood are named in one warning. Errors, all at once: no text of that form, values that a
/// key cannot have, values that only the shell knows, and those of plan_of_words.
Result<Imported<FrameworkJob>> read_framework(std::string_view text, const std::string& file,
                                              std::string_view framework);

/// The plan on `devices`, where the file left data parallelism open. Errors: no multiple.
Result<Plan> plan_on_devices(const FrameworkJob& job, std::int64_t devices);

struct FrameworkRequest {
  std::optional<std::int64_t> global_batch;  ///< sequences
  std::optional<std::int64_t> sequence;      ///< tokens
};

/// The plan as flags or configuration of `framework`, without what it does by itself. What it has
/// no key for is named in warnings. Errors: an unknown framework.
Result<Imported<std::string>> write_framework(const Plan& plan, std::string_view framework,
                                              const FrameworkRequest& request = {});

}  // namespace fastpath
