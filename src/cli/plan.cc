#include "import/yaml/plan.h"

#include <array>

#include <fmt/format.h>

#include "cli/emit.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/frameworks/frameworks.h"
#include "ir/plan_text.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 4> kPlanVerbFlags{{
    {"as", FlagKind::choice, "FORM",
     "write it as words, YAML, or flags or configuration of a framework",
     "words|yaml|megatron|nemo|torchtitan|deepspeed|llm-foundry", false},
    {"devices", FlagKind::whole, "N", "where a file leaves them to the launcher", "", false},
    {"global-batch", FlagKind::whole, "N", "sequences of a step, to write besides", "", false},
    {"seq", FlagKind::whole, "TOKENS", "tokens of a sequence, to write besides", "", false},
}};

/// Where a word's value is from.
Cell origin_of(const GivenPlan& given, const std::string& word) {
  if (!given.job) return std::string("given");
  for (const FrameworkDefault& row : given.job->assumed) {
    if (row.knob != word) continue;
    return fmt::format("default: {} {}", row.source.cite, row.source.locator);
  }
  return std::string("file");
}

Findings describe(const GivenPlan& given, const Plan& plan) {
  Table table{"plan", "", {{"word", Unit::none}, {"value", Unit::none}, {"from", Unit::none}}, {}};
  for (const auto& [word, value] : words_of_plan(plan))
    table.rows.push_back({word, value, origin_of(given, word)});
  Findings findings{
      fmt::format("Plan for {} devices", plan.device_count()), {std::move(table)}, {}};
  findings.notes.push_back(fmt::format("--plan '{}'", describe_plan(plan)));
  if (!given.job) return findings;
  std::string figures;
  for (const auto& [name, value] : given.job->figures)
    figures += fmt::format("{}{} {}", figures.empty() ? "" : ", ", name, value);
  if (!figures.empty()) findings.notes.push_back(fmt::format("The file also says: {}.", figures));
  return findings;
}

/// A figure that the user gives, else the file's.
std::optional<std::int64_t> figure(const Arguments& arguments, std::string_view flag,
                                   const GivenPlan& given, const std::string& name) {
  if (const auto value = arguments.whole(flag)) return value;
  if (!given.job) return std::nullopt;
  const auto found = given.job->figures.find(name);
  return found == given.job->figures.end() ? std::nullopt : std::optional(found->second);
}

int write_as(Session& session, const Arguments& arguments, const GivenPlan& given,
             const Plan& plan) {
  const std::string form = *arguments.text("as");
  if (form == "words" || form == "yaml") {
    session.answer(form == "yaml" ? write_plan_yaml(plan) : describe_plan(plan) + "\n");
    return kAnswered;
  }
  const auto text = write_framework(plan, form,
                                    {figure(arguments, "global-batch", given, "global_batch"),
                                     figure(arguments, "seq", given, "sequence")});
  if (!text) return session.fail(text.error());
  session.warn(text->warnings);
  session.answer(text->value);
  return kAnswered;
}

}  // namespace

std::span<const Flag> plan_verb_flags() { return kPlanVerbFlags; }

int run_plan(Session& session, const Arguments& arguments) {
  const Result<GivenPlan> given = plan_from(arguments.operands().front());
  if (!given) return session.fail(given.error());
  session.warn(given->warnings);
  Result<Plan> plan = given->plan;
  if (const auto devices = arguments.whole("devices")) {
    plan = given->on(*devices);
  } else if (given->job && given->job->open_data_parallel) {
    session.say(
        "The file leaves the number of devices to its launcher: took dp=1; --devices N "
        "gives it.");
  }
  if (!plan) return session.fail(plan.error());
  if (arguments.has("as")) return write_as(session, arguments, *given, *plan);
  return emit(session, arguments, describe(*given, *plan), kAnswered);
}

}  // namespace fastpath::cli
