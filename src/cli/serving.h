/// What serve and the validation of serving share: steps of a model by predict, and deployments.
#pragma once

#include <memory>
#include <string>

#include "fastpath/fastpath.h"

#include "cli/sources.h"
#include "serve/capacity.h"
#include "serve/serve.h"

namespace fastpath::cli {

/// Steps of a model of the catalog on a system under a plan, by `predict`.
StepSource step_source(const Sources& sources, const std::string& model, const System& system,
                       const Plan& plan);

std::shared_ptr<StepTable> step_table(const Sources& sources, const std::string& model,
                                      const System& system, const Plan& plan);

/// Steps of the model's own draft layers (multi-token prediction), the head behind each; their
/// memory is that of the draft layers alone. Fails on models without any.
std::shared_ptr<StepTable> draft_table(const Sources& sources, const std::string& model,
                                       const System& system, const Plan& plan);

/// The plan with captured graphs, as engines run, unless its text says how kernels are launched.
Plan served_plan(Plan plan, const std::string& text);

}  // namespace fastpath::cli
