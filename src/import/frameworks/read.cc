#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "import/frameworks/form.h"
#include "import/frameworks/frameworks.h"
#include "import/frameworks/settings.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostKeys = 20;           ///< that are named in a warning
constexpr long long kMostUsed = 1'000'000'000;  ///< that is computed with: two never overflow
constexpr long long kMostCount = 1'000'000'000'000'000;  ///< that a key may state
constexpr std::array<std::string_view, 11> kFigures{
    "layers",  "hidden", "ffn",   "heads",        "kv_heads", "vocab",
    "experts", "top_k",  "nodes", "global_batch", "sequence",
};

const std::array<const FrameworkForm*, 5>& forms() {
  static const std::array<const FrameworkForm*, 5> all{
      &megatron_form(), &nemo_form(), &torchtitan_form(), &deepspeed_form(), &llm_foundry_form()};
  return all;
}

std::string_view leaf_of(std::string_view key) {
  const std::size_t dot = key.rfind('.');
  return dot == key.npos ? key : key.substr(dot + 1);
}

/// Whether `key` is `pattern`, in which a '*' stands for any text.
bool matches(std::string_view pattern, std::string_view key) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == key;
  const std::string_view end = pattern.substr(star + 1);
  if (!key.starts_with(pattern.substr(0, star))) return false;
  key.remove_prefix(star);
  if (end.empty()) return true;
  for (std::size_t i = 0; i <= key.size(); ++i) {
    if (matches(end, key.substr(i))) return true;
  }
  return false;
}

bool says_nothing(std::string_view value) {
  return value.empty() || value == "null" || value == "None" || value == "auto" || value == "~" ||
         value == "-1";
}

class Reader {
 public:
  explicit Reader(const FrameworkForm& form) : form_(form), knobs_(knobs_of(form)) {}
  Result<Imported<FrameworkJob>> read(const Settings& settings, const std::string& file);

 private:
  void take(const Setting& setting);
  std::optional<std::string> value_of(const Knob& knob, const Setting& setting);
  void warn_of_unknown(const std::string& file);
  FrameworkJob job(const CompletedPlan& completed) const;

  const FrameworkForm& form_;
  std::vector<const Knob*> knobs_;
  Statements said_;
  std::vector<std::string> unknown_;
  Diagnostics mistakes_;
  Diagnostics warnings_;
};

/// The value as one spelling has it: flags without a value are true.
std::string spelled(const Knob& knob, const Setting& setting) {
  const bool flag = setting.flag && knob.values.starts_with("true=");
  if (flag && setting.value != "false") return "true";
  if (setting.value == "True") return "true";
  return setting.value == "False" ? "false" : setting.value;
}

/// A value that the knob takes as it stands.
std::optional<std::string> as_it_stands(const Knob& knob, const std::string& value) {
  if (knob.values == "*" && value != "null") return value;
  if (says_nothing(value)) return std::nullopt;
  const auto count = parse_integer(value);
  if (knob.values == kCount && count && *count >= 0 && *count <= kMostCount) {
    return fmt::format("{}", *count);
  }
  if (knob.values == "%" && parse_number(value)) return value;
  return std::nullopt;
}

/// The value in our words; nothing if the key says nothing or is mistaken.
std::optional<std::string> Reader::value_of(const Knob& knob, const Setting& setting) {
  const std::string value = spelled(knob, setting);
  const auto pairs = pairs_of(knob.values);
  if (value.find('$') != value.npos) {
    mistakes_.push_back(
        {setting.value_place,
         fmt::format("the value of {} is not in the file: {}", setting.key, in_quotes(value)),
         "set the variable in the script, or write its value"});
    return std::nullopt;
  }
  for (const auto& [theirs, ours] : pairs) {
    if (theirs == value || (theirs == "null" && says_nothing(value))) return std::string(ours);
  }
  if (auto plain = as_it_stands(knob, value)) return plain;
  if (says_nothing(value)) return std::nullopt;
  std::vector<std::string> known;
  known.reserve(pairs.size());
  for (const auto& pair : pairs)
    known.emplace_back(pair.first);
  mistakes_.push_back({setting.value_place,
                       fmt::format("{} cannot be {}", setting.key, in_quotes(value)),
                       pairs.empty() ? "it takes a number" : did_you_mean(value, known)});
  return std::nullopt;
}

void Reader::take(const Setting& setting) {
  std::string key(form_.leaf_keys ? leaf_of(setting.key) : setting.key);
  if (form_.leaf_keys) std::replace(key.begin(), key.end(), '-', '_');
  const auto knob = std::find_if(knobs_.begin(), knobs_.end(),
                                 [&](const Knob* candidate) { return candidate->key == key; });
  if (knob != knobs_.end()) {
    if (auto value = value_of(**knob, setting)) {
      said_.set((*knob)->target, std::move(*value), setting.key_place, setting.value_place);
    }
    return;
  }
  const bool ignored = std::any_of(form_.ignored.begin(), form_.ignored.end(),
                                   [&](std::string_view known) { return matches(known, key); });
  if (!ignored) unknown_.push_back(setting.key);
}

void Reader::warn_of_unknown(const std::string& file) {
  if (unknown_.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < unknown_.size() && i < kMostKeys; ++i)
    names += fmt::format("{}{}", i == 0 ? "" : ", ", in_quotes(unknown_[i]));
  if (unknown_.size() > kMostKeys) {
    names += fmt::format(" and {} more", unknown_.size() - kMostKeys);
  }
  warnings_.push_back({{file, 0, 0}, fmt::format("not understood, and left out: {}", names), {}});
}

FrameworkJob Reader::job(const CompletedPlan& completed) const {
  FrameworkJob job;
  job.framework = form_.name;
  job.plan = completed.plan;
  job.open_data_parallel = said_.find("dp") == nullptr;
  job.replicas = static_cast<int>(std::clamp(said_.count_or("@replicate", 1), 1LL, 1LL << 20));
  job.assumed = completed.assumed;
  for (const std::string_view figure : kFigures) {
    const auto value = said_.count(fmt::format("@{}", figure));
    if (value && *value > 0) job.figures[std::string(figure)] = *value;
  }
  return job;
}

Result<Imported<FrameworkJob>> Reader::read(const Settings& settings, const std::string& file) {
  for (const Setting& setting : settings)
    take(setting);
  form_.relate(said_, mistakes_, warnings_);
  warn_of_unknown(file);
  const auto table = FrameworkDefaults::embedded();
  if (!table) return failure(table.error());
  std::vector<PlanWord> words;
  for (const auto& [name, statement] : said_.all()) {
    if (name.starts_with('@')) continue;
    words.push_back({name, statement.value, statement.key_place, statement.value_place});
  }
  FrameworkSetting setting;
  if (said_.is("@format", "fp16")) setting.format = NumberFormat::fp16;
  const auto completed = table->complete(words, form_.defaults, setting);
  if (!completed) {
    mistakes_.insert(mistakes_.end(), completed.error().begin(), completed.error().end());
  }
  sort_by_place(mistakes_);
  if (!mistakes_.empty()) return failure(std::move(mistakes_));
  return Imported<FrameworkJob>{job(*completed), std::move(warnings_)};
}

Result<Settings> settings_of(std::string_view text, const std::string& file, FileForm form) {
  switch (form) {
    case FileForm::shell: return settings_of_shell(text, file);
    case FileForm::toml: return settings_of_toml(text, file);
    case FileForm::yaml:
    case FileForm::json: return settings_of_yaml(text, file);
  }
  return Settings{};
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return text.find(key) != text.npos; });
}

}  // namespace

std::optional<long long> Statements::count(std::string_view name) const {
  const Statement* said = find(name);
  if (said == nullptr) return std::nullopt;
  const auto value = parse_integer(said->value);
  return value && *value <= kMostUsed && *value >= -kMostUsed ? value : std::nullopt;
}

const FrameworkForm* find_form(std::string_view name) {
  for (const FrameworkForm* form : forms()) {
    if (form->name == name) return form;
  }
  return nullptr;
}

Diagnostics unknown_framework(std::string_view name) {
  return {{{},
           fmt::format("unknown framework {}", in_quotes(name)),
           did_you_mean(name, framework_names())}};
}

std::vector<std::pair<std::string_view, std::string_view>> pairs_of(std::string_view values) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const std::string_view pair : words(values)) {
    const std::size_t equals = pair.find('=');
    if (equals != pair.npos) pairs.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return pairs;
}

std::vector<const Knob*> knobs_of(const FrameworkForm& form) {
  std::vector<const Knob*> knobs;
  knobs.reserve(form.first.size() + form.knobs.size());
  for (const Knob& knob : form.first)
    knobs.push_back(&knob);
  for (const Knob& knob : form.knobs)
    knobs.push_back(&knob);
  return knobs;
}

std::vector<std::string> framework_names() {
  std::vector<std::string> names;
  names.reserve(forms().size());
  for (const FrameworkForm* form : forms())
    names.emplace_back(form->name);
  return names;
}

std::string framework_of(std::string_view text, std::string_view file) {
  if (file.ends_with(".toml")) return "torchtitan";
  if (file.ends_with(".json")) return "deepspeed";
  if (file.ends_with(".sh")) return "megatron";
  if (!file.ends_with(".yaml") && !file.ends_with(".yml")) return {};
  if (has_any(text, {"global_train_batch_size:", "fsdp_config:"})) return "llm-foundry";
  if (has_any(text, {"model_parallel_size:", "micro_batch_size:"})) return "nemo";
  return {};
}

Result<Imported<FrameworkJob>> read_framework(std::string_view text, const std::string& file,
                                              std::string_view framework) {
  const FrameworkForm* form = find_form(framework);
  if (form == nullptr) return failure(unknown_framework(framework));
  const auto settings = settings_of(text, file, form->form);
  if (!settings) return failure(settings.error());
  return Reader(*form).read(*settings, file);
}

Result<Plan> plan_on_devices(const FrameworkJob& job, std::int64_t devices) {
  Plan plan = job.plan;
  if (!job.open_data_parallel) return plan;
  plan.data_parallel = 1;
  const std::int64_t model = plan.device_count();
  if (devices < model || devices % model != 0 || devices / model > (1 << 20)) {
    return failure(
        Place{.file = "plan"},
        fmt::format("{} devices cannot be parted into groups of tp x cp x pp = {}", devices, model),
        "give a multiple with --devices");
  }
  plan.data_parallel = static_cast<int>(devices / model);
  if (job.replicas > 1 && plan.zero_stage == 3) {
    if (plan.data_parallel % job.replicas != 0) {
      return failure(Place{.file = "plan"},
                     fmt::format("{} replicas do not part {} data-parallel ranks", job.replicas,
                                 plan.data_parallel),
                     "give another number of devices");
    }
    plan.shard = plan.data_parallel / job.replicas;
  }
  return plan;
}

}  // namespace fastpath
