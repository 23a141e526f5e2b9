/// The deployments that search --serve covers: words with values, as a search's space has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/fastpath.h"

#include "ir/plan_text.h"
#include "serve/deploy.h"

namespace fastpath::cli {

/// Words of a plan (tp, pp, dp, ep, weights, cache, compute, ...) and of a deployment:
///
///   replicas           copies of the plan, or workers that decode
///   prefill_workers    workers that prefill; 0 = prompts run where answers do
///   prefill_tp         tensor parallelism of those; else all as the plan has it
///   max_sequences      that run at one time, of each attention rank
///   token_budget       of an iteration, of each attention rank
///
/// `weights=own` and `cache=own` leave the model's formats. Unless a word says otherwise: kernels
/// are launched from graphs, experts are split over attention ranks, and narrower weights are
/// computed with in their format where the device has it.
class DeploySpace {
 public:
  /// Errors, of all words: unknown ones, values that are not of their kind, ranges that are none.
  static Result<DeploySpace> parse(std::string_view text, const Place& place);

  /// Adds a system and its deployments of at most `system.devices`. Returns how many are left out
  /// for needing more.
  std::int64_t add_to(DeployTask& task, DeploySystem system, const Workload& workload,
                      const Device& device) const;

  std::string text() const;

 private:
  class Builder;
  struct Axis {
    std::string word;
    std::vector<std::string> values;
  };

  const Axis* find(std::string_view word) const;
  std::vector<std::int64_t> counts(std::string_view word, std::int64_t fallback) const;
  std::vector<Plan> plans(const Workload& workload, const Device& device) const;
  Plan finished(Plan plan, const Workload& workload, const Device& device) const;

  std::vector<Axis> axes_;
};

/// Usual deployments of a model on so many devices.
std::string default_deploy_space(const Workload& workload, std::int64_t devices);

/// Whether matrices of the model are in 16 bits or more.
bool has_wide_weights(const Workload& workload);

}  // namespace fastpath::cli
