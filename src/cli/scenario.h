/// The question of predict, compare and explain: which model, where, how.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/fastpath.h"
#include "fastpath/result.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/sources.h"
#include "cli/speculation.h"
#include "cli/verb.h"
#include "lower/adapters.h"

namespace fastpath::cli {

/// --train, --prefill, --decode, --forward, --seq, --batch, ...
std::span<const Flag> workload_flags();

/// --generate, --isl, --osl.
std::span<const Flag> generation_flags();

/// --adapters, --adapter-rank.
std::span<const Flag> adapter_flags();

/// --on, --devices, --nodes, --framework, --plan, --catalog.
std::span<const Flag> system_flags();

/// Those of system_flags but one.
std::vector<Flag> system_flags_without(std::string_view name);

/// --plan and --catalog alone, for verbs without a system.
std::span<const Flag> plan_flags();
std::span<const Flag> catalog_flags();

/// Lengths of a whole generation.
struct Generation {
  std::int64_t input = 1;   ///< tokens of the prompt
  std::int64_t output = 1;  ///< tokens that are generated
};

/// What the flags ask for; figures that the user left out are named in `assumptions`.
struct Question {
  std::string model;
  StepRequest step;
  std::optional<Generation> generation;
  Proposal proposal;  ///< of a decode step or a generation: step.sequence holds what is checked
  ServedAdapters adapters;  ///< of inference
  std::vector<std::string> assumptions;
};

/// Errors: two phases at once, flags of another phase.
Result<Question> question_from(const Sources& sources, const Arguments& arguments);

/// A question on one system under one plan.
struct Scenario {
  Workload workload;
  System system;
  Plan plan;
  std::string plan_text;
  bool plan_was_chosen = false;  ///< the user gave none
  std::string input;             ///< the plan's input pipeline, a file; empty: none
  std::string runtime;           ///< what the system's runtime makes of the model; empty: none
  Diagnostics warnings;
};

/// Takes the default plan where `plan` is empty. All mistakes of model, system and plan together.
Result<Scenario> scenario_from(const Sources& sources, const Question& question,
                               const Arguments& arguments, const std::string& on,
                               const std::string& plan);

/// The system of exactly one --on, scaled to --devices or --nodes.
Result<System> one_system(const Sources& sources, const Arguments& arguments);

/// The scenario of exactly one --on and at most one --plan.
Result<Scenario> one_scenario(const Sources& sources, const Question& question,
                              const Arguments& arguments);

/// Names in front of the notes what the user left open and what was taken.
void add_assumptions(Findings& findings, const Question& question, const Scenario* scenario);

}  // namespace fastpath::cli
