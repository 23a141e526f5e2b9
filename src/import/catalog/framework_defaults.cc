#include "import/catalog/framework_defaults.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "import/catalog/embedded.h"
#include "import/catalog/table.h"
#include "ir/names.h"

namespace fastpath {
namespace {

constexpr int kMostParents = 8;
constexpr std::string_view kTable = "frameworks/defaults.csv";

struct Condition {
  std::string_view name;
  bool (*holds)(const Plan&, const FrameworkSetting&);
};

constexpr std::array<Condition, 7> kConditions{{
    {"tp>1", [](const Plan& plan, const FrameworkSetting&) { return plan.tensor_parallel > 1; }},
    {"pp>1", [](const Plan& plan, const FrameworkSetting&) { return plan.pipeline_parallel > 1; }},
    {"zero>0", [](const Plan& plan, const FrameworkSetting&) { return plan.zero_stage > 0; }},
    {"zero=3", [](const Plan& plan, const FrameworkSetting&) { return plan.zero_stage == 3; }},
    {"bf16", [](const Plan&, const FrameworkSetting& s) { return s.format == NumberFormat::bf16; }},
    {"fp16", [](const Plan&, const FrameworkSetting& s) { return s.format == NumberFormat::fp16; }},
    {"adapters", [](const Plan&, const FrameworkSetting& s) { return s.adapters; }},
}};

/// Knobs that are no words of a plan. Those whose name starts with fused_ and dropout are flags.
constexpr std::array<std::string_view, 11> kOtherKnobs{
    "inherits",      "selective",        "vocab",         "vocab_multiple", "dropout",
    "fused_softmax", "fused_activation", "fused_dropout", "fused_norm",     "fused_rope",
    "fused_loss"};

const Condition* find_condition(std::string_view name) {
  const auto* const found =
      std::find_if(kConditions.begin(), kConditions.end(),
                   [&](const Condition& condition) { return condition.name == name; });
  return found == kConditions.end() ? nullptr : found;
}

bool holds(const FrameworkDefault& row, const FrameworkSetting& setting, const Plan& plan) {
  if (!setting.date.empty() && row.since > setting.date) return false;
  const std::vector<std::string_view> conditions = words(row.when);
  return std::all_of(conditions.begin(), conditions.end(), [&](std::string_view name) {
    const Condition* condition = find_condition(name);
    return condition != nullptr && condition->holds(plan, setting);
  });
}

/// Why a knob cannot have its value, empty if it can.
std::string mistake_in_value(const FrameworkDefault& row) {
  if (row.of_plan()) {
    const PlanWord word{row.knob, row.value, {}, {}};
    const Result<Plan> plan = plan_of_words({&word, 1});
    return plan ? "" : plan.error().front().what;
  }
  if (row.knob == "inherits") return {};
  if (row.knob == "selective") {
    return parse_name<Recompute>(row.value)
               ? ""
               : fmt::format("{} is no word for recomputation", in_quotes(row.value));
  }
  if (row.knob.starts_with("vocab")) {
    const auto count = parse_integer(row.value);
    return count && *count > 0 ? "" : fmt::format("{} is no count", in_quotes(row.value));
  }
  const bool flag = row.value == "true" || row.value == "false";
  return flag ? "" : fmt::format("{} is neither true nor false", in_quotes(row.value));
}

void check_row(const CatalogTable& table, std::size_t index, const FrameworkDefault& row,
               Diagnostics& errors) {
  if (row.framework.empty()) {
    errors.push_back({table.place(index, "framework"), "a row needs a framework", {}});
  }
  if (std::string what = mistake_in_value(row); !what.empty()) {
    errors.push_back({table.place(index, "value"), std::move(what), {}});
  }
  for (const std::string_view name : words(row.when)) {
    if (find_condition(name) != nullptr) continue;
    std::vector<std::string> known;
    known.reserve(kConditions.size());
    for (const Condition& condition : kConditions)
      known.emplace_back(condition.name);
    errors.push_back({table.place(index, "when"),
                      fmt::format("unknown condition {}", in_quotes(name)),
                      did_you_mean(name, known)});
  }
  if (row.source.confidence != "documented" && row.source.confidence != "assumed") {
    errors.push_back({table.place(index, "confidence"), "is neither documented nor assumed", {}});
  }
  if (row.source.confidence == "assumed" && row.note.empty()) {
    errors.push_back({table.place(index, "note"), "an assumption needs a reason", {}});
  }
}

bool is_stated(std::span<const PlanWord> stated, std::string_view knob) {
  return std::any_of(stated.begin(), stated.end(), [&](const PlanWord& word) {
    return word.key == knob || (knob == "sp" && word.key == "sequence_parallel");
  });
}

}  // namespace

bool FrameworkDefault::of_plan() const {
  return std::find(kOtherKnobs.begin(), kOtherKnobs.end(), knob) == kOtherKnobs.end();
}

Result<FrameworkDefaults> FrameworkDefaults::parse(std::string_view text, const std::string& file) {
  const auto table = CatalogTable::parse(text, file,
                                         {"framework", "knob", "value", "when", "since",
                                          "confidence", "source", "locator", "date", "note"});
  if (!table) return failure(table.error());
  FrameworkDefaults result;
  Diagnostics errors;
  for (std::size_t i = 0; i < table->rows(); ++i) {
    const auto cell = [&](std::string_view column) { return std::string(table->text(i, column)); };
    FrameworkDefault row{cell("framework"), cell("knob"),     cell("value"), cell("when"),
                         cell("since"),     table->source(i), cell("note")};
    check_row(*table, i, row, errors);
    result.rows_.push_back(std::move(row));
  }
  result.check_parents(file, errors);
  if (!errors.empty()) return failure(std::move(errors));
  return result;
}

Result<FrameworkDefaults> FrameworkDefaults::embedded() {
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (file.path == kTable) return parse(file.text, fmt::format("catalog/{}", kTable));
  }
  return FrameworkDefaults{};
}

const FrameworkDefault* FrameworkDefaults::parent_of(std::string_view framework) const {
  for (const FrameworkDefault& row : rows_) {
    if (row.framework == framework && row.knob == "inherits") return &row;
  }
  return nullptr;
}

std::string FrameworkDefaults::root_of(std::string_view framework) const {
  std::string root(framework);
  while (const FrameworkDefault* parent = parent_of(root))
    root = parent->value;
  return root;
}

void FrameworkDefaults::check_parents(const std::string& file, Diagnostics& errors) const {
  const std::vector<std::string> known = frameworks();
  for (const std::string& framework : known) {
    const FrameworkDefault* parent = parent_of(framework);
    if (parent == nullptr) continue;
    if (!std::binary_search(known.begin(), known.end(), parent->value)) {
      errors.push_back({{file, 0, 0},
                        fmt::format("{} inherits from {}, which has no rows", framework,
                                    in_quotes(parent->value)),
                        did_you_mean(parent->value, known)});
    }
    int depth = 0;
    while (parent != nullptr && ++depth <= kMostParents)
      parent = parent_of(parent->value);
    if (parent != nullptr) {
      errors.push_back({{file, 0, 0}, fmt::format("{} inherits without end", framework), {}});
    }
  }
}

std::vector<std::string> FrameworkDefaults::frameworks() const {
  std::set<std::string> names;
  for (const FrameworkDefault& row : rows_)
    names.insert(row.framework);
  return {names.begin(), names.end()};
}

std::vector<FrameworkDefault> FrameworkDefaults::of(std::string_view framework,
                                                    const FrameworkSetting& setting,
                                                    const Plan& plan) const {
  std::vector<FrameworkDefault> found;
  std::string name(framework);
  for (int depth = 0; depth <= kMostParents; ++depth) {
    const std::size_t own = found.size();
    for (const FrameworkDefault& row : rows_) {
      if (row.framework != name || row.knob == "inherits" || !holds(row, setting, plan)) continue;
      const auto same =
          std::find_if(found.begin(), found.end(),
                       [&](const FrameworkDefault& other) { return other.knob == row.knob; });
      if (same == found.end()) {
        found.push_back(row);
      } else if (static_cast<std::size_t>(same - found.begin()) >= own) {
        *same = row;
      }
    }
    const FrameworkDefault* parent = parent_of(name);
    if (parent == nullptr) break;
    name = parent->value;
  }
  return found;
}

Result<CompletedPlan> FrameworkDefaults::complete(std::span<const PlanWord> stated,
                                                  std::string_view framework,
                                                  const FrameworkSetting& setting) const {
  Result<Plan> plan = plan_of_words(stated);
  if (!plan) return failure(std::move(plan.error()));
  CompletedPlan completed{*plan, {}};
  // Conditions are of the completed plan, and none of those that they ask for has conditions.
  for (int round = 0; round < 2; ++round) {
    std::vector<PlanWord> all(stated.begin(), stated.end());
    completed.assumed.clear();
    for (FrameworkDefault& row : of(framework, setting, completed.plan)) {
      if (!row.of_plan() || is_stated(stated, row.knob)) continue;
      all.push_back({row.knob, row.value, {}, {}});
      completed.assumed.push_back(std::move(row));
    }
    plan = plan_of_words(all);
    if (!plan) return failure(std::move(plan.error()));
    completed.plan = *plan;
  }
  return completed;
}

}  // namespace fastpath
