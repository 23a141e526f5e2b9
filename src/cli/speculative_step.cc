#include "cli/speculative_step.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analyze/prediction_findings.h"
#include "cli/emit.h"
#include "cli/speculation.h"

namespace fastpath::cli {
namespace {

/// A step of proposing and checking, and the plain step that it replaces.
struct SpeculativeStep {
  Prediction plain;
  Prediction checked;  ///< of all proposed tokens and the one before them
  DraftStep draft;
  Speculation by;

  double draft_steps() const { return static_cast<double>(by.length); }
  Seconds time() const { return checked.step.value + draft_steps() * draft.prediction.step.value; }
  Seconds low() const { return checked.step.low + draft_steps() * draft.prediction.step.low; }
  Seconds high() const { return checked.step.high + draft_steps() * draft.prediction.step.high; }
  double faster() const { return plain.step.value * by.tokens() / time(); }
};

Result<Prediction> predicted(const Sources& sources, const Question& question,
                             const Scenario& scenario, const StepRequest& request,
                             const PredictOptions& options) {
  Result<Imported<Workload>> workload = sources.workload(question.model, request);
  if (!workload) return failure(std::move(workload.error()));
  serve_adapters(workload->value, question.adapters);
  return Predictor(std::move(workload->value), scenario.system).predict(scenario.plan, options);
}

/// Proposing so many tokens instead, all else equal.
Result<SpeculativeStep> step_of(const Sources& sources, const Question& question,
                                const Scenario& scenario, int length) {
  SpeculativeStep step;
  step.by = question.proposal.by;
  step.by.length = length;
  StepRequest request = question.step;
  request.sequence = 1;
  Result<Prediction> plain = predicted(sources, question, scenario, request, {});
  if (!plain) return failure(std::move(plain.error()));
  step.plain = std::move(*plain);
  request.sequence = 1 + length;
  Result<Prediction> checked =
      predicted(sources, question, scenario, request,
                {.operators = true, .elasticities = true, .remedies = true});
  if (!checked) return failure(std::move(checked.error()));
  step.checked = std::move(*checked);
  Result<DraftStep> draft = predict_draft(sources, question, scenario, request);
  if (!draft) return failure(std::move(draft.error()));
  step.draft = std::move(*draft);
  return step;
}

/// The acceptance from which speculation is faster than plain steps: tokens() grows with it.
double break_even(const SpeculativeStep& step) {
  const double needed = step.time() / step.plain.step.value;
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (Speculation{step.by.length, middle}.tokens() < needed ? low : high) = middle;
  }
  return high;
}

/// Appends a column and its cell to a table of one row.
void add(Table& table, std::string name, Unit unit, Cell cell) {
  if (table.rows.empty()) table.rows.emplace_back();
  table.columns.push_back({std::move(name), unit});
  table.rows.front().push_back(std::move(cell));
}

void add_estimate(Table& table, const std::string& name, Seconds value, Seconds low, Seconds high) {
  add(table, name, Unit::seconds, value.base());
  add(table, name + "_low", Unit::seconds, low.base());
  add(table, name + "_high", Unit::seconds, high.base());
}

Table summary(const SpeculativeStep& step, const Question& question, const Scenario& scenario) {
  Table table{"summary", "Summary", {}, {}};
  const System& system = scenario.system;
  const double tokens = step.by.tokens();
  const double emitted = static_cast<double>(question.step.batch) * tokens;
  add(table, "model", Unit::none, scenario.workload.name);
  add(table, "draft", Unit::none, question.proposal.draft);
  add(table, "system", Unit::none, system.id.empty() ? system.name : system.id);
  add(table, "plan", Unit::none, scenario.plan_text);
  add(table, "devices", Unit::count, static_cast<double>(step.checked.devices));
  add(table, "sequences", Unit::count, static_cast<double>(question.step.batch));
  add(table, "proposed_tokens_a_step", Unit::count, step.draft_steps());
  add(table, "accepted_share", Unit::ratio, step.by.accept);
  add(table, "tokens_a_step", Unit::none, tokens);
  add_estimate(table, "step_time", step.time(), step.low(), step.high());
  add(table, "checking", Unit::seconds, step.checked.step.value.base());
  add(table, "proposing", Unit::seconds,
      step.draft_steps() * step.draft.prediction.step.value.base());
  add_estimate(table, "time_per_output_token", step.time() / tokens, step.low() / tokens,
               step.high() / tokens);
  add(table, "output_tokens", Unit::per_second, emitted / step.time().base());
  add(table, "output_tokens_per_device", Unit::per_second,
      emitted / step.time().base() / static_cast<double>(step.checked.devices));
  add(table, "plain_step_time", Unit::seconds, step.plain.step.value.base());
  add(table, "times_as_fast", Unit::none, step.faster());
  const double even = break_even(step);
  add(table, "faster_from_accepted_share", Unit::ratio, even < 1 ? Cell{even} : Cell{});
  const Prediction& draft = step.draft.prediction;
  if (step.checked.energy && draft.energy) {
    add(table, "energy_per_output_token", Unit::joules,
        (*step.checked.energy + step.draft_steps() * *draft.energy).base() / emitted);
  }
  if (step.checked.cost && draft.cost) {
    add(table, "cost_per_million_output_tokens", Unit::dollars,
        (*step.checked.cost + step.draft_steps() * *draft.cost).base() / emitted * 1e6);
  }
  add(table, "draft_memory", Unit::bytes, step.draft.memory.base());
  return table;
}

/// Other lengths at the same acceptance.
Result<Table> length_table(const Sources& sources, const Question& question,
                           const Scenario& scenario) {
  Table table{"lengths",
              "Proposing another number of tokens, each as likely accepted",
              {{"proposed", Unit::count},
               {"tokens_a_step", Unit::none},
               {"step_time", Unit::seconds},
               {"time_per_output_token", Unit::seconds},
               {"times_as_fast", Unit::none}},
              {}};
  std::vector<int> lengths{1, 2, 3, 4, 6, 8};
  const int asked = question.proposal.by.length;
  if (std::find(lengths.begin(), lengths.end(), asked) == lengths.end()) lengths.push_back(asked);
  for (const int length : lengths) {
    const auto step = step_of(sources, question, scenario, length);
    if (!step) return failure(step.error());
    const double tokens = step->by.tokens();
    table.rows.push_back({step->draft_steps(), tokens, step->time().base(),
                          step->time().base() / tokens, step->faster()});
  }
  return table;
}

}  // namespace

Result<DraftStep> predict_draft(const Sources& sources, const Question& question,
                                const Scenario& scenario, StepRequest request) {
  request.phase = Phase::decode;
  request.sequence = 1;
  DraftStep result;
  for (const bool alone : {false, true}) {
    auto workload =
        draft_workload(sources, question.proposal.draft, question.model, request, alone);
    if (!workload) return failure(std::move(workload.error()));
    Predictor predictor(std::move(*workload), scenario.system);
    Result<Prediction> prediction = predictor.predict(scenario.plan);
    if (!prediction) return failure(std::move(prediction.error()));
    if (!alone) {
      result.prediction = std::move(*prediction);
      continue;
    }
    for (const MemoryByClass& rank : prediction->memory)
      result.memory = std::max(result.memory, rank.weights + rank.cache);
  }
  return result;
}

bool fits_with_draft(const Prediction& checked, Bytes draft, const System& system) {
  if (checked.out_of_memory) return false;
  const auto& memories = system.device.memories;
  if (memories.empty() || !memories.front().capacity) return true;
  return std::all_of(checked.memory.begin(), checked.memory.end(), [&](const MemoryByClass& rank) {
    return rank.total() + draft <= memories.front().capacity->value;
  });
}

int predict_speculation(Session& session, const Arguments& arguments, const Sources& sources,
                        const Question& question, const Scenario& scenario) {
  const auto step = step_of(sources, question, scenario, question.proposal.by.length);
  if (!step) return session.fail(step.error());
  auto lengths = length_table(sources, question, scenario);
  if (!lengths) return session.fail(lengths.error());
  Findings findings;
  findings.title =
      fmt::format("{}: speculative decoding on {}", scenario.workload.name,
                  scenario.system.name.empty() ? scenario.system.id : scenario.system.name);
  findings.tables = {summary(*step, question, scenario), std::move(*lengths)};
  const Findings checked = explain_prediction(
      {step->checked, scenario.workload, scenario.system, scenario.plan, scenario.plan_text},
      {.top = static_cast<std::size_t>(arguments.whole_or("top", 10))});
  for (const Table& table : checked.tables) {
    if (table.name == "summary") continue;
    findings.tables.push_back(table);
    findings.tables.back().title += ": checking step";
  }
  findings.notes = checked.notes;
  add_assumptions(findings, question, &scenario);
  findings.notes.emplace_back(
      "A step proposes tokens one by one and checks all at once; each is accepted with the same "
      "probability if those before it were. What engines add to propose is not in it.");
  const bool fits = fits_with_draft(step->checked, step->draft.memory, scenario.system);
  Predictor predictor(scenario.workload, scenario.system);
  return emit(session, arguments, findings, fits ? kAnswered : kInfeasible,
              [&] { return predictor.draw(scenario.plan); });
}

}  // namespace fastpath::cli
