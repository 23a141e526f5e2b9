/// Plans as YAML: a map of the words of ir/plan_text.h, or `plan: "tp=8 pp=4"`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/result.h"

#include "import/yaml/located.h"
#include "ir/plan_text.h"

namespace fastpath {

/// The plan that `node` is: a text of words or a map of them. Mistakes go to `reader`.
std::optional<Plan> plan_of_node(YamlReader& reader, const YamlNode& node);

/// A plan, and the file of the input pipeline that feeds it (docs/guide/storage.md).
struct PlanFile {
  Plan plan;
  std::string input;  ///< as it is written, relative to the plan's file; empty: none
};

/// Reads `tp: 8` lines, the same below a `plan:` key, or a text of words; of a map, `input:`.
Result<PlanFile> read_plan_file(std::string_view text, const std::string& file);

/// The plan of read_plan_file.
Result<Plan> read_plan(std::string_view text, const std::string& file);

/// The words of a map, a key each, or of a text: values are not read yet. Lists are joined by
/// commas; lists of lists, and of texts that hold commas, by bars: `order: [[tp, cp, ep, dp, pp],
/// ...]`.
Result<std::vector<PlanWord>> read_plan_words(std::string_view text, const std::string& file);

/// Canonical: the fields that differ from the default, a line each. read_plan reads it back.
std::string write_plan_yaml(const Plan& plan);

}  // namespace fastpath
