#include "cli/generate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analyze/prediction_findings.h"
#include "base/check.h"
#include "cli/emit.h"
#include "cli/speculative_step.h"
#include "ir/names.h"

namespace fastpath::cli {
namespace {

/// One predicted step: the prefill, or a decode step at one context.
struct Step {
  std::int64_t context = 0;
  Prediction prediction;
  std::optional<DraftStep> draft;  ///< of what proposes tokens, where something does
};

struct Run {
  Generation lengths;
  Speculation speculation;
  Step prefill;
  std::vector<Step> decode;  ///< at the nodes; empty where one token is asked for
};

Result<Step> predict_at(const Sources& sources, const Question& question, const Scenario& scenario,
                        const StepRequest& request) {
  Result<Imported<Workload>> workload = sources.workload(question.model, request);
  if (!workload) return failure(std::move(workload.error()));
  serve_adapters(workload->value, question.adapters);
  Predictor predictor(std::move(workload->value), scenario.system);
  Result<Prediction> prediction =
      predictor.predict(scenario.plan, {.operators = true, .elasticities = true, .remedies = true});
  if (!prediction) return failure(std::move(prediction.error()));
  Step step{request.past, std::move(*prediction), std::nullopt};
  if (!question.proposal || request.phase != Phase::decode) return step;
  auto draft = predict_draft(sources, question, scenario, request);
  if (!draft) return failure(std::move(draft.error()));
  step.draft = std::move(*draft);
  return step;
}

StepRequest prefill_request(const Question& question) {
  StepRequest request = question.step;
  request.phase = Phase::prefill;
  request.sequence = question.generation->input;
  request.past = 0;
  return request;
}

Result<Run> run_generation(const Sources& sources, const Question& question,
                           const Scenario& scenario) {
  Run run{.lengths = *question.generation,
          .speculation = question.proposal.by,
          .prefill = {},
          .decode = {}};
  Result<Step> prefill = predict_at(sources, question, scenario, prefill_request(question));
  if (!prefill) return failure(std::move(prefill.error()));
  run.prefill = std::move(*prefill);
  if (run.lengths.output < 2) return run;  // the prefill gives the first token
  StepRequest request = question.step;
  request.phase = Phase::decode;
  request.sequence = 1 + run.speculation.length;
  const std::int64_t last = run.lengths.input + run.lengths.output - 2;
  for (const std::int64_t context : decode_nodes(run.lengths.input, last)) {
    request.past = context;
    Result<Step> step = predict_at(sources, question, scenario, request);
    if (!step) return failure(std::move(step.error()));
    run.decode.push_back(std::move(*step));
  }
  return run;
}

/// `of` a step and of the draft's steps in it.
template <class Of>
double of_step(const Step& step, const Speculation& speculation, Of of) {
  const double checked = of(step.prediction);
  return step.draft ? checked + speculation.length * of(step.draft->prediction) : checked;
}

/// Sums `of(prediction)` over all decode steps: as many as the tokens of a step leave.
template <class Of>
NodeSum decode_sum(const Run& run, Of of) {
  std::vector<std::int64_t> nodes;
  std::vector<double> values;
  for (const Step& step : run.decode) {
    nodes.push_back(step.context);
    values.push_back(of_step(step, run.speculation, of) / run.speculation.tokens());
  }
  return sum_over_contexts(nodes, values);
}

double time_by(const Prediction& prediction, int bound) {
  return prediction.by_bound[static_cast<std::size_t>(bound)].base();
}

const Prediction& last_step(const Run& run) {
  return run.decode.empty() ? run.prefill.prediction : run.decode.back().prediction;
}

struct Totals {
  double decode = 0;
  double decode_error = 0;
  double decode_low = 0;
  double decode_high = 0;
  std::optional<double> energy;
  std::optional<double> cost;
};

Totals totals_of(const Run& run) {
  Totals totals;
  const NodeSum decode = decode_sum(run, [](const Prediction& p) { return p.step.value.base(); });
  totals.decode = decode.sum;
  totals.decode_error = decode.error;
  totals.decode_low = decode_sum(run, [](const Prediction& p) { return p.step.low.base(); }).sum;
  totals.decode_high = decode_sum(run, [](const Prediction& p) { return p.step.high.base(); }).sum;
  const Prediction& prefill = run.prefill.prediction;
  if (prefill.energy) {
    totals.energy = prefill.energy->base() + decode_sum(run, [](const Prediction& p) {
                                               return p.energy ? p.energy->base() : 0.0;
                                             }).sum;
  }
  if (prefill.cost) {
    totals.cost = prefill.cost->base() + decode_sum(run, [](const Prediction& p) {
                                           return p.cost ? p.cost->base() : 0.0;
                                         }).sum;
  }
  return totals;
}

/// Appends a column and its cell to a table of one row.
void add(Table& table, std::string name, Unit unit, Cell cell) {
  if (table.rows.empty()) table.rows.emplace_back();
  table.columns.push_back({std::move(name), unit});
  table.rows.front().push_back(std::move(cell));
}

void add_estimate(Table& table, const std::string& name, double value, double low, double high) {
  add(table, name, Unit::seconds, value);
  add(table, name + "_low", Unit::seconds, low);
  add(table, name + "_high", Unit::seconds, high);
}

void add_times(Table& table, const Run& run, const Totals& totals, std::int64_t batch) {
  const Estimate<Seconds>& ttft = run.prefill.prediction.step;
  const auto steps = static_cast<double>(run.lengths.output - 1);
  const double total = ttft.value.base() + totals.decode;
  const double tokens = static_cast<double>(batch) * static_cast<double>(run.lengths.output);
  const double devices = static_cast<double>(std::max<std::int64_t>(1, last_step(run).devices));
  add_estimate(table, "time_to_first_token", ttft.value.base(), ttft.low.base(), ttft.high.base());
  if (steps > 0) {
    add_estimate(table, "time_per_output_token", totals.decode / steps, totals.decode_low / steps,
                 totals.decode_high / steps);
  }
  add_estimate(table, "total_time", total, ttft.low.base() + totals.decode_low,
               ttft.high.base() + totals.decode_high);
  add(table, "integration_error", Unit::ratio, total > 0 ? totals.decode_error / total : 0.0);
  add(table, "output_tokens", Unit::per_second, total > 0 ? tokens / total : 0.0);
  add(table, "output_tokens_per_device", Unit::per_second,
      total > 0 ? tokens / total / devices : 0.0);
  if (totals.energy) {
    add(table, "energy", Unit::joules, *totals.energy);
    add(table, "energy_per_output_token", Unit::joules, *totals.energy / tokens);
  }
  if (totals.cost) {
    add(table, "cost", Unit::dollars, *totals.cost);
    add(table, "cost_per_million_output_tokens", Unit::dollars, *totals.cost / tokens * 1e6);
  }
}

Table generation_summary(const Run& run, const Question& question, const Scenario& scenario) {
  Table table{"summary", "Summary", {}, {}};
  const System& system = scenario.system;
  add(table, "model", Unit::none, scenario.workload.name);
  add(table, "system", Unit::none, system.id.empty() ? system.name : system.id);
  add(table, "plan", Unit::none, scenario.plan_text);
  add(table, "devices", Unit::count, static_cast<double>(last_step(run).devices));
  add(table, "sequences", Unit::count, static_cast<double>(question.step.batch));
  add(table, "input_tokens_per_sequence", Unit::count, static_cast<double>(run.lengths.input));
  add(table, "output_tokens_per_sequence", Unit::count, static_cast<double>(run.lengths.output));
  if (question.proposal) {
    add(table, "draft", Unit::none, question.proposal.draft);
    add(table, "proposed_tokens_a_step", Unit::count, static_cast<double>(run.speculation.length));
    add(table, "accepted_share", Unit::ratio, run.speculation.accept);
    add(table, "tokens_a_step", Unit::none, run.speculation.tokens());
  }
  add_times(table, run, totals_of(run), question.step.batch);
  if (!run.decode.empty() && run.decode.back().draft)
    add(table, "draft_memory", Unit::bytes, run.decode.back().draft->memory.base());
  return table;
}

Table phase_table(const Run& run) {
  Table table{"time_by_bound",
              "Where the time of the generation goes",
              {{"bound", Unit::none},
               {"prefill", Unit::seconds},
               {"decode", Unit::seconds},
               {"total", Unit::seconds},
               {"share", Unit::ratio}},
              {}};
  const double total = run.prefill.prediction.step.value.base() + totals_of(run).decode;
  for (int bound = 0; bound < kBounds; ++bound) {
    const double prefill = time_by(run.prefill.prediction, bound);
    const double decode =
        decode_sum(run, [bound](const Prediction& p) { return time_by(p, bound); }).sum;
    table.rows.push_back({std::string(name_of(static_cast<Bound>(bound))), prefill, decode,
                          prefill + decode, total > 0 ? Cell{(prefill + decode) / total} : Cell{}});
  }
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
    return std::get<double>(a[3]) > std::get<double>(b[3]);
  });
  return table;
}

Table decode_table(const Run& run, std::int64_t batch) {
  Table table{
      "decode_steps",
      "Decode steps as the context grows",
      {{"context", Unit::count}, {"step_time", Unit::seconds}, {"tokens", Unit::per_second}},
      {}};
  const double tokens = static_cast<double>(batch) * run.speculation.tokens();
  for (const Step& step : run.decode) {
    const double time =
        of_step(step, run.speculation, [](const Prediction& p) { return p.step.value.base(); });
    table.rows.push_back({static_cast<double>(step.context), time, tokens / time});
  }
  return table;
}

/// The tables of a single step that also explain the generation, from its longest decode step.
void add_step_tables(Findings& findings, const Run& run, const Scenario& scenario,
                     const Arguments& arguments) {
  const Findings step = explain_prediction(
      {last_step(run), scenario.workload, scenario.system, scenario.plan, scenario.plan_text},
      {.top = static_cast<std::size_t>(arguments.whole_or("top", 10))});
  for (const Table& table : step.tables) {
    if (table.name == "summary" || table.name == "time_by_bound") continue;
    findings.tables.push_back(table);
    if (table.name != "memory" && table.name != "memory_shortage") {
      findings.tables.back().title += run.decode.empty() ? ": prefill" : ": last decode step";
    }
  }
  findings.notes = step.notes;
}

}  // namespace

std::vector<std::int64_t> decode_nodes(std::int64_t first, std::int64_t last) {
  FP_CHECK(first <= last);
  std::vector<std::int64_t> nodes;
  const std::int64_t count = std::min(kDecodeNodes, last - first + 1);
  for (std::int64_t i = 0; i < count; ++i) {
    const double share = count == 1 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
    nodes.push_back(first + std::llround(share * static_cast<double>(last - first)));
  }
  return nodes;
}

NodeSum sum_over_contexts(const std::vector<std::int64_t>& nodes,
                          const std::vector<double>& values) {
  FP_CHECK(nodes.size() == values.size());
  NodeSum result;
  if (nodes.empty()) return result;
  result.sum = values.front();
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    // Contexts behind the left node, up to and with the right one.
    const auto steps = static_cast<double>(nodes[i] - nodes[i - 1]);
    result.sum += steps * values[i - 1] + (steps + 1) / 2 * (values[i] - values[i - 1]);
    result.error += (steps - 1) / 2 * std::abs(values[i] - values[i - 1]);
  }
  return result;
}

int predict_generation(Session& session, const Arguments& arguments, const Sources& sources,
                       const Question& question, const Scenario& scenario) {
  const Result<Run> run = run_generation(sources, question, scenario);
  if (!run) return session.fail(run.error());
  Findings findings;
  findings.title =
      fmt::format("{}: generation on {}", scenario.workload.name,
                  scenario.system.name.empty() ? scenario.system.id : scenario.system.name);
  findings.tables = {generation_summary(*run, question, scenario), phase_table(*run)};
  if (!run->decode.empty()) findings.tables.push_back(decode_table(*run, question.step.batch));
  add_step_tables(findings, *run, scenario, arguments);
  add_assumptions(findings, question, &scenario);
  findings.notes.push_back(fmt::format(
      "The prefill gives the first token; decode steps are predicted at {} contexts and summed by "
      "the trapezoid rule. The integration error is a bound if steps only grow with the context.",
      run->decode.size()));
  if (question.proposal) {
    findings.notes.emplace_back(
        "Steps are of proposing and checking tokens; there are fewer of them by the tokens that "
        "one emits in the mean. What engines add to propose is not in it.");
  }
  const bool drafted = !run->decode.empty() && run->decode.back().draft;
  const Bytes draft = drafted ? run->decode.back().draft->memory : Bytes{};
  const bool fits = fits_with_draft(last_step(*run), draft, scenario.system) &&
                    !run->prefill.prediction.out_of_memory;
  Predictor predictor(scenario.workload, scenario.system);
  return emit(session, arguments, findings, fits ? kAnswered : kInfeasible,
              [&] { return predictor.draw(scenario.plan); });
}

}  // namespace fastpath::cli
