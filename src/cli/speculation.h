/// Tokens that a draft proposes and one step checks: --speculate and --accept of predict and serve.
#pragma once

#include <span>
#include <string>

#include "fastpath/result.h"
#include "fastpath/workload.h"

#include "cli/arguments.h"
#include "cli/sources.h"
#include "cli/verb.h"
#include "ir/serving.h"

namespace fastpath::cli {

/// What proposes how many tokens, and how many of them are accepted.
struct Proposal {
  std::string draft;  ///< "mtp" (the model's own draft layers) or a model; empty: nothing does
  Speculation by;

  explicit operator bool() const { return !draft.empty(); }
};

std::span<const Flag> speculation_flags();

/// Mistakes are added to `mistakes`.
Proposal proposal_from(const Arguments& arguments, Diagnostics& mistakes);

/// One decode step of what proposes a token. Its own draft layers run between the model's embedding
/// and head; `alone` leaves these out, for what the draft adds in memory. Fails on "mtp" of a model
/// without draft layers.
Result<Workload> draft_workload(const Sources& sources, const std::string& draft,
                                const std::string& model, const StepRequest& request,
                                bool alone = false);

}  // namespace fastpath::cli
