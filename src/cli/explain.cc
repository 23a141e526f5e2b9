#include "analyze/figure.h"
#include "cli/emit.h"
#include "cli/scenario.h"
#include "cli/verbs.h"

namespace fastpath::cli {
namespace {

/// Programs get the exact values; people the formatted terms.
void keep_one_table(Findings& findings, bool exact) {
  findings.tables.erase(findings.tables.begin() + (exact ? 0 : 1));
}

}  // namespace

int run_explain(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Question> question = question_from(*sources, arguments);
  if (!question) return session.fail(question.error());
  const Result<Scenario> scenario = one_scenario(*sources, *question, arguments);
  if (!scenario) return session.fail(scenario.error());
  session.warn(scenario->warnings);
  const Result<Prediction> prediction =
      predict(scenario->workload, scenario->system, scenario->plan, {.operators = true});
  if (!prediction) return session.fail(prediction.error());
  const std::string figure = arguments.text_or("figure", "step");
  const auto terms = explain_figure(
      {*prediction, scenario->workload, scenario->system, scenario->plan, scenario->plan_text},
      figure);
  if (!terms) return session.fail(terms.error());
  Findings findings = findings_of(figure, *terms);
  keep_one_table(findings, arguments.has("json") || arguments.has("csv"));
  add_assumptions(findings, *question, &*scenario);
  return emit(session, arguments, findings, prediction->out_of_memory ? kInfeasible : kAnswered);
}

}  // namespace fastpath::cli
