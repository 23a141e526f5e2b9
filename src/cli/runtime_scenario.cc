#include "cli/runtime_scenario.h"

#include <fmt/format.h>

namespace fastpath::cli {

Result<Scenario> runtime_scenario(const Sources& sources, const Question& question,
                                  const Arguments& arguments, std::string_view flag) {
  const std::string on = arguments.text_or(flag, "");
  Result<Scenario> scenario = scenario_from(sources, question, arguments, on, "");
  if (!scenario || !scenario->runtime.empty()) return scenario;
  return failure(command_line(), fmt::format("--{} {}: it has no measured runtime", flag, on),
                 "make it with fastpath measure --quick --output " + on);
}

PredictedOperator predicted_operator(const Block& block, const Op& op) {
  return {op.name, block.tensors[op.outputs[0]].name, op.attributes.function == "reorder", {}};
}

}  // namespace fastpath::cli
