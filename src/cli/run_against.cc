#include "cli/run_against.h"

#include <map>

#include <fmt/format.h>

#include "fastpath/framework.h"

#include "analyze/runtime_difference.h"
#include "cli/model_execution.h"
#include "cli/runtime_scenario.h"
#include "cli/scenario.h"
#include "cli/sources.h"

namespace fastpath::cli {
namespace {

/// Operators of the prediction with the tensors that they write.
std::vector<PredictedOperator> predicted_operators(const Workload& workload,
                                                   const Prediction& prediction) {
  std::map<std::string, PredictedOperator> known;
  for (const Block& block : workload.blocks) {
    for (const Op& op : block.ops)
      known[block.name + "/" + op.name] = predicted_operator(block, op);
  }
  std::vector<PredictedOperator> operators;
  for (const OperatorRow& row : prediction.operators) {
    const auto found = known.find(row.block + "/" + row.op);
    if (found == known.end()) continue;
    operators.push_back(found->second);
    operators.back().time = row.time;
  }
  return operators;
}

Table summary(const Prediction& prediction, const ModelRun& run, int threads,
              const RuntimeDifference& difference) {
  const double measured = undisturbed(run, threads);
  return {"against",
          "Predicted against measured",
          {{"predicted", Unit::seconds},
           {"low", Unit::seconds},
           {"high", Unit::seconds},
           {"measured", Unit::seconds},
           {"error", Unit::ratio},
           {"matched_operators", Unit::count},
           {"rank_correlation", Unit::none}},
          {{prediction.step.value.base(), prediction.step.low.base(), prediction.step.high.base(),
            measured, measured > 0 ? prediction.step.value.base() / measured - 1 : 0.0,
            static_cast<double>(difference.matched),
            fmt::format("{:.3f}", difference.rank_correlation)}}};
}

}  // namespace

Result<void> add_prediction(const Session& session, const Arguments& arguments,
                            const std::vector<std::pair<std::string, std::int64_t>>& dims,
                            const MeasuredRun& measured, Findings& findings) {
  const auto& [run, threads, operators] = measured;
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return failure(sources.error());
  Question question;
  question.model = arguments.operands().front();
  question.step.phase = Phase::forward;
  question.step.dims = dims;
  const auto scenario = runtime_scenario(*sources, question, arguments, "against");
  if (!scenario) return failure(scenario.error());
  const auto prediction = predict(scenario->workload, scenario->system, scenario->plan,
                                  {.operators = true, .elasticities = false, .remedies = false});
  if (!prediction) return failure(prediction.error());
  const QuietOperators quiet = quiet_operators(run, threads, operators);
  const RuntimeDifference difference =
      runtime_difference(predicted_operators(scenario->workload, *prediction), quiet.operators,
                         static_cast<std::size_t>(arguments.whole_or("top", 10)));
  findings.tables.push_back(summary(*prediction, run, threads, difference));
  findings.tables.insert(findings.tables.end(), difference.tables.begin(), difference.tables.end());
  findings.notes.push_back(scenario->runtime);
  findings.notes.push_back(
      fmt::format("The profiler adds {:.1f} us to an operator (its operators together against the "
                  "whole without "
                  "it): taken off the measured operators beside the predicted ones.",
                  quiet.profiler.base() * 1e6));
  findings.notes.push_back(
      threads == 1
          ? "Compared with the least time of an execution, or with its CPU time where that "
            "is less: others lengthened all executions."
          : "Compared with the least time of an execution.");
  if (threads != scenario->system.framework->runtime->threads) {
    findings.notes.push_back(
        fmt::format("The system was measured with {} threads, the model ran with {}.",
                    scenario->system.framework->runtime->threads, threads));
  }
  return {};
}

}  // namespace fastpath::cli
