#include <fmt/format.h>

#include "analyze/prediction_findings.h"
#include "cli/emit.h"
#include "cli/generate.h"
#include "cli/scenario.h"
#include "cli/speculative_step.h"
#include "cli/verbs.h"

namespace fastpath::cli {
namespace {

int predict_step(Session& session, const Arguments& arguments, const Question& question,
                 const Scenario& scenario) {
  Predictor predictor(scenario.workload, scenario.system);
  const Result<Prediction> prediction =
      predictor.predict(scenario.plan, {.operators = true, .elasticities = true, .remedies = true});
  if (!prediction) return session.fail(prediction.error());
  Findings findings = explain_prediction(
      {*prediction, scenario.workload, scenario.system, scenario.plan, scenario.plan_text},
      {.top = static_cast<std::size_t>(arguments.whole_or("top", 10))});
  add_assumptions(findings, question, &scenario);
  return emit(session, arguments, findings, prediction->out_of_memory ? kInfeasible : kAnswered,
              [&] { return predictor.draw(scenario.plan); });
}

}  // namespace

int run_predict(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Question> question = question_from(*sources, arguments);
  if (!question) return session.fail(question.error());
  const Result<Scenario> scenario = one_scenario(*sources, *question, arguments);
  if (!scenario) return session.fail(scenario.error());
  session.warn(scenario->warnings);
  if (question->generation) {
    return predict_generation(session, arguments, *sources, *question, *scenario);
  }
  if (question->proposal) {
    return predict_speculation(session, arguments, *sources, *question, *scenario);
  }
  return predict_step(session, arguments, *question, *scenario);
}

}  // namespace fastpath::cli
