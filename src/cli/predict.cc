#include <fmt/format.h>

#include "analyze/input_findings.h"
#include "analyze/prediction_findings.h"
#include "cli/emit.h"
#include "cli/generate.h"
#include "cli/input.h"
#include "cli/scenario.h"
#include "cli/speculative_step.h"
#include "cli/verbs.h"
#include "engine/fed_run.h"

namespace fastpath::cli {
namespace {

/// The step that `input` feeds; nothing without one.
Result<std::optional<FedStep>> fed(const Scenario& scenario, const Prediction& prediction,
                                   const std::optional<InputPipeline>& input) {
  if (!input) return std::optional<FedStep>();
  Result<FedStep> step = fed_step(scenario.workload, scenario.plan, prediction.step.value, *input);
  if (!step) return failure(step.error());
  return std::optional(std::move(*step));
}

int predict_step(Session& session, const Arguments& arguments, const Question& question,
                 const Scenario& scenario, const std::optional<InputPipeline>& input) {
  Predictor predictor(scenario.workload, scenario.system);
  const Result<Prediction> prediction =
      predictor.predict(scenario.plan, {.operators = true, .elasticities = true, .remedies = true});
  if (!prediction) return session.fail(prediction.error());
  Findings findings = explain_prediction(
      {*prediction, scenario.workload, scenario.system, scenario.plan, scenario.plan_text},
      {.top = static_cast<std::size_t>(arguments.whole_or("top", 10))});
  const Result<std::optional<FedStep>> step = fed(scenario, *prediction, input);
  if (!step) return session.fail(step.error());
  if (*step) add_input(findings, **step);
  add_assumptions(findings, question, &scenario);
  return emit(session, arguments, findings, prediction->out_of_memory ? kInfeasible : kAnswered,
              [&]() -> Result<Timeline> {
                Result<Timeline> timeline = predictor.draw(scenario.plan);
                if (!timeline || !*step) return timeline;
                return with_input(std::move(*timeline), **step, (*step)->first);
              });
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
  Question asked = *question;
  const auto input = input_from(*sources, arguments, *scenario, asked.assumptions);
  if (!input) return session.fail(input.error());
  if (question->generation) {
    return predict_generation(session, arguments, *sources, *question, *scenario);
  }
  if (question->proposal) {
    return predict_speculation(session, arguments, *sources, *question, *scenario);
  }
  return predict_step(session, arguments, asked, *scenario, *input);
}

}  // namespace fastpath::cli
