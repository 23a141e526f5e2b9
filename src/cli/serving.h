/// What serve and the validation of serving share: steps of a model by predict, and deployments.
#pragma once

#include <memory>
#include <string>

#include "fastpath/fastpath.h"

#include "cli/sources.h"
#include "lower/adapters.h"
#include "serve/capacity.h"
#include "serve/serve.h"

namespace fastpath::cli {

/// Steps of a model of the catalog on a system under a plan, by `predict`.
StepSource step_source(const Sources& sources, const std::string& model, const System& system,
                       const Plan& plan, const ServedAdapters& adapters = {});

std::shared_ptr<StepTable> step_table(const Sources& sources, const std::string& model,
                                      const System& system, const Plan& plan,
                                      const ServedAdapters& adapters = {});

/// Steps of what proposes tokens; their memory is what the draft adds to the model's.
std::shared_ptr<StepTable> draft_table(const Sources& sources, const std::string& draft,
                                       const std::string& model, const System& system,
                                       const Plan& plan);

/// Bytes of one adapter on a device, the fullest one.
Result<Bytes> adapter_bytes(const Sources& sources, const std::string& model, const System& system,
                            const Plan& plan, std::int64_t rank);

/// Bytes an element of the model's narrowest resident matrix; 0 for unknown models.
Bytes narrowest_matrix(const Sources& sources, const std::string& model);

/// A checkpoint whose matrices are as narrow as the plan's weights, or narrower, is served as it
/// is.
void keep_own_formats(Bytes narrowest, Plan& plan);

/// The plan with captured graphs, as engines run, unless its text says how kernels are launched.
Plan served_plan(Plan plan, const std::string& text);

}  // namespace fastpath::cli
