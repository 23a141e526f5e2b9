#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "import/frameworks/form.h"
#include "import/frameworks/frameworks.h"
#include "import/yaml/located.h"

namespace fastpath {
namespace {

using Tree = nlohmann::ordered_json;

/// Always written, the framework's default or not: a reader looks for them first.
constexpr std::array<std::string_view, 4> kAlways{"tp", "pp", "cp", "zero"};

struct Line {
  std::string key;
  std::string value;
};

/// What the framework would do if it were told of the mesh alone.
std::vector<std::pair<std::string, std::string>> defaults_of(const FrameworkForm& form,
                                                             const Plan& plan) {
  Plan mesh;
  mesh.tensor_parallel = plan.tensor_parallel;
  mesh.pipeline_parallel = plan.pipeline_parallel;
  mesh.zero_stage = plan.zero_stage;
  std::vector<PlanWord> words;
  for (auto& [key, value] : words_of_plan(mesh))
    words.push_back({key, value, {}, {}});
  FrameworkSetting setting;
  if (plan.gradient_format == NumberFormat::fp16) setting.format = NumberFormat::fp16;
  const auto table = FrameworkDefaults::embedded();
  if (!table) return {};
  const auto completed = table->complete(words, form.defaults, setting);
  return completed ? all_words_of_plan(completed->plan)
                   : std::vector<std::pair<std::string, std::string>>{};
}

/// Theirs for our value; nothing where they have no word for it.
std::optional<std::string> theirs_of(const Knob& knob, std::string_view ours) {
  const auto pairs = pairs_of(knob.values);
  if (pairs.empty()) return std::string(ours);
  for (const auto& [theirs, candidate] : pairs) {
    if (candidate == ours) return std::string(theirs);
  }
  return std::nullopt;
}

std::vector<Line> lines_of(const FrameworkForm& form, const Plan& plan, const Statements& said) {
  const auto defaults = defaults_of(form, plan);
  const auto is_default = [&](std::string_view word, const std::string& value) {
    if (std::find(kAlways.begin(), kAlways.end(), word) != kAlways.end()) return false;
    return std::find(defaults.begin(), defaults.end(), std::pair(std::string(word), value)) !=
           defaults.end();
  };
  std::vector<Line> lines;
  std::set<std::string_view> written;
  for (const Knob* knob : knobs_of(form)) {
    const Statement* statement = said.find(knob->target);
    if (statement == nullptr || statement->value.empty() || written.contains(knob->target)) {
      continue;
    }
    if (is_default(knob->target, statement->value)) continue;
    auto value = theirs_of(*knob, statement->value);
    if (!value) continue;
    written.insert(knob->target);
    lines.push_back({std::string(knob->key), std::move(*value)});
  }
  return lines;
}

std::string shell_text(const std::vector<Line>& lines) {
  std::string launch = "torchrun";
  std::string flags;
  for (const Line& line : lines) {
    std::string key = line.key;
    std::replace(key.begin(), key.end(), '_', '-');
    const bool launcher = key == "nnodes" || key == "nproc-per-node";
    std::string& text = launcher ? launch : flags;
    if (line.value == "false") continue;  // flags have no other way to be off
    text += fmt::format("{}--{}", launcher ? " " : " \\\n    ", key);
    if (line.value != "true") text += " " + line.value;
  }
  return launch + " pretrain_gpt.py" + flags + "\n";
}

Tree value_of(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  if (const auto number = parse_integer(text)) return *number;
  return text;
}

Tree tree_of(const std::vector<Line>& lines) {
  Tree root = Tree::object();
  for (const Line& line : lines) {
    Tree* node = &root;
    for (const std::string_view part : split(line.key, '.'))
      node = &(*node)[std::string(part)];
    *node = value_of(line.value);
  }
  return root;
}

std::string scalar_text(const Tree& value) {
  return value.is_string() ? yaml_scalar(value.get<std::string>()) : value.dump();
}

/// Keys nest three deep at most: no recursion needs a limit.
std::string yaml_text(const Tree& node, const std::string& indent) {
  std::string text;
  for (const auto& [key, value] : node.items()) {
    text += value.is_object()
                ? fmt::format("{}{}:\n{}", indent, key, yaml_text(value, indent + "  "))
                : fmt::format("{}{}: {}\n", indent, key, scalar_text(value));
  }
  return text;
}

std::string toml_text(const Tree& root) {
  std::string text;
  for (const auto& [section, keys] : root.items()) {
    text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    for (const auto& [key, value] : keys.items()) {
      const bool list = key == "converters";
      text +=
          fmt::format("{} = {}\n", key, list ? fmt::format("[{}]", value.dump()) : value.dump());
    }
  }
  return text;
}

std::string text_of(const FrameworkForm& form, const std::vector<Line>& lines) {
  switch (form.form) {
    case FileForm::shell: return shell_text(lines);
    case FileForm::toml: return toml_text(tree_of(lines));
    case FileForm::json: return tree_of(lines).dump(2) + "\n";
    case FileForm::yaml: return yaml_text(tree_of(lines), "");
  }
  return {};
}

/// What a reader of the text gets otherwise than the plan has it.
Diagnostics lost_words(const FrameworkForm& form, const Plan& plan, const std::string& text) {
  const Place place{.file = "plan"};
  const auto back = read_framework(text, std::string(form.name), form.name);
  if (!back) return back.error();
  const auto wanted = all_words_of_plan(plan);
  const auto given = all_words_of_plan(back->value.plan);
  Diagnostics warnings;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].second == given[i].second) continue;
    warnings.push_back({place,
                        fmt::format("{} has no key for {}={}", form.name, wanted[i].first,
                                    wanted[i].second.empty() ? "(the model's)" : wanted[i].second),
                        given[i].second.empty()
                            ? "it takes the model's"
                            : fmt::format("it runs with {}={}", given[i].first, given[i].second)});
  }
  return warnings;
}

}  // namespace

Result<Imported<std::string>> write_framework(const Plan& plan, std::string_view framework,
                                              const FrameworkRequest& request) {
  const FrameworkForm* form = find_form(framework);
  if (form == nullptr) return failure(unknown_framework(framework));
  Statements said;
  for (auto& [key, value] : all_words_of_plan(plan))
    said.set(key, std::move(value));
  if (plan.micro_batch == 0) said.set("micro_batch", "1");  // what 0 means in training
  said.set("@devices", fmt::format("{}", plan.device_count()));
  if (request.global_batch) said.set("@global_batch", fmt::format("{}", *request.global_batch));
  if (request.sequence) said.set("@sequence", fmt::format("{}", *request.sequence));
  form->state(said);
  std::string text = text_of(*form, lines_of(*form, plan, said));
  Plan stated = plan;
  if (stated.micro_batch == 0) stated.micro_batch = 1;
  Diagnostics lost = lost_words(*form, stated, text);
  return Imported<std::string>{std::move(text), std::move(lost)};
}

}  // namespace fastpath
