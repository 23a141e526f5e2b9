/// predict --decode --speculate: a step that checks proposed tokens.
#pragma once

#include "fastpath/fastpath.h"

#include "cli/arguments.h"
#include "cli/scenario.h"
#include "cli/session.h"
#include "cli/sources.h"

namespace fastpath::cli {

int predict_speculation(Session& session, const Arguments& arguments, const Sources& sources,
                        const Question& question, const Scenario& scenario);

/// The draft's share of a step under the scenario's plan: one of its decode steps behind
/// `request.past` tokens. `memory` is what the draft adds to the model's, of the fullest rank.
struct DraftStep {
  Prediction prediction;
  Bytes memory;
};
Result<DraftStep> predict_draft(const Sources& sources, const Question& question,
                                const Scenario& scenario, StepRequest request);

/// Whether the model and what the draft adds fit a device together.
bool fits_with_draft(const Prediction& checked, Bytes draft, const System& system);

}  // namespace fastpath::cli
