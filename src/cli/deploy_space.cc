#include "cli/deploy_space.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "search/space.h"

namespace fastpath::cli {
namespace {

constexpr auto kOwnWords = std::to_array<std::string_view>(
    {"replicas", "prefill_workers", "prefill_tp", "max_sequences", "token_budget"});
constexpr std::int64_t kMostCount = 1'000'000;

bool is_own(std::string_view word) {
  return std::find(kOwnWords.begin(), kOwnWords.end(), word) != kOwnWords.end();
}

bool keeps_models_format(const std::string& word, const std::string& value) {
  return value == "own" && (word == "weights" || word == "cache");
}

void append(Diagnostics& all, const Diagnostics& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// A word that is neither a plan's nor a deployment's.
Diagnostics unknown_word(const PlanWord& word) {
  std::vector<std::string> known(kOwnWords.begin(), kOwnWords.end());
  for (const PlanAxis& axis : plan_axes())
    known.emplace_back(axis.word);
  if (std::find(known.begin(), known.end(), word.key) != known.end()) return {};
  return {{word.key_place, fmt::format("unknown word {}", in_quotes(word.key)),
           did_you_mean(word.key, known)}};
}

/// What is wrong with a value, if anything.
Diagnostics mistakes_of(const PlanWord& word, const std::string& value) {
  if (keeps_models_format(word.key, value)) return {};
  if (!is_own(word.key)) {
    if (Diagnostics unknown = unknown_word(word); !unknown.empty()) return unknown;
    const PlanWord one{word.key, value, word.key_place, word.value_place};
    const Result<Plan> plan = plan_of_words({&one, 1});
    return plan ? Diagnostics{} : plan.error();
  }
  const auto count = parse_integer(value);
  const std::int64_t least = word.key == "prefill_workers" ? 0 : 1;
  if (count && *count >= least && *count <= kMostCount) return {};
  return {{word.value_place, fmt::format("{}: {} is not a count", word.key, in_quotes(value)),
           fmt::format("for example {}=1,2,4", word.key)}};
}

std::int64_t experts_of(const Workload& workload) {
  std::int64_t most = 1;
  for (const Dim& dim : workload.dims) {
    if (dim.kind == DimKind::experts) most = std::max(most, dim.size);
  }
  return most;
}

bool multiplies_in(const Device& device, NumberFormat format) {
  return std::any_of(device.peaks.begin(), device.peaks.end(),
                     [&](const Peak& peak) { return peak.format == format; });
}

/// 1, 2, 3, 4, 6, 8, 12, ... up to `most`.
std::vector<std::int64_t> counts_to(std::int64_t most) {
  std::vector<std::int64_t> counts;
  for (std::int64_t n = 1; n <= most; n *= 2) {
    counts.push_back(n);
    if (n > 1 && n + n / 2 <= most) counts.push_back(n + n / 2);
  }
  return counts;
}

}  // namespace

bool has_wide_weights(const Workload& workload) {
  for (const Block& block : workload.blocks) {
    for (const Tensor& tensor : block.tensors) {
      const bool resident =
          tensor.role == TensorRole::weight || tensor.role == TensorRole::constant;
      if (resident && tensor.axes.size() > 1 &&
          bytes_per_element(tensor.format) < bytes_per_element(NumberFormat::bf16)) {
        return false;
      }
    }
  }
  return true;
}

std::string default_deploy_space(const Workload& workload, std::int64_t devices) {
  const std::int64_t most = std::min<std::int64_t>(devices, 8);
  std::string text = fmt::format("tp=1..{}*2", most);
  if (devices > 1) text += " pp=1,2";
  if (experts_of(workload) > 1 && devices > 1) text += fmt::format(" dp=1..{}*2", most);
  if (has_wide_weights(workload)) text += " weights=own,fp8";
  text += " cache=own,fp8";
  text += fmt::format(" replicas={}", fmt::join(counts_to(devices), ","));
  if (devices > 1)
    text += fmt::format(" prefill_workers=0,{}", fmt::join(counts_to(devices / 2), ","));
  return text + " max_sequences=64,256,1024 token_budget=2048,8192";
}

Result<DeploySpace> DeploySpace::parse(std::string_view text, const Place& place) {
  DeploySpace space;
  Diagnostics mistakes;
  std::set<std::string> seen;
  for (const PlanWord& word : words_of_text(text, place)) {
    if (!seen.insert(word.key).second) {
      mistakes.push_back(
          {word.key_place, fmt::format("{} is given twice", in_quotes(word.key)), {}});
      continue;
    }
    const auto values = values_of_word(word);
    if (!values) {
      append(mistakes, values.error());
      continue;
    }
    for (const std::string& value : *values) {
      const Diagnostics wrong = mistakes_of(word, value);
      append(mistakes, wrong);
      if (!wrong.empty()) break;  // the values of a range are wrong together
    }
    space.axes_.push_back({word.key, *values});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return space;
}

const DeploySpace::Axis* DeploySpace::find(std::string_view word) const {
  const auto found =
      std::find_if(axes_.begin(), axes_.end(), [&](const Axis& axis) { return axis.word == word; });
  return found == axes_.end() ? nullptr : &*found;
}

std::vector<std::int64_t> DeploySpace::counts(std::string_view word, std::int64_t fallback) const {
  const Axis* axis = find(word);
  if (axis == nullptr) return {fallback};
  std::vector<std::int64_t> counts;
  for (const std::string& value : axis->values)
    counts.push_back(parse_integer(value).value_or(fallback));
  return counts;
}

Plan DeploySpace::finished(Plan plan, const Workload& workload, const Device& device) const {
  if (find("execution") == nullptr) plan.execution = Execution::graph;
  if (find("ep") == nullptr && experts_of(workload) > 1) plan.expert_parallel = plan.data_parallel;
  if (find("compute") == nullptr && plan.weight_format &&
      *plan.weight_format != NumberFormat::int4 && multiplies_in(device, *plan.weight_format)) {
    plan.compute_format = plan.weight_format;
  }
  return plan;
}

std::vector<Plan> DeploySpace::plans(const Workload& workload, const Device& device) const {
  std::vector<std::vector<PlanWord>> all{{}};
  for (const Axis& axis : axes_) {
    if (is_own(axis.word)) continue;
    std::vector<std::vector<PlanWord>> longer;
    for (const auto& words : all) {
      for (const std::string& value : axis.values) {
        longer.push_back(words);
        if (!keeps_models_format(axis.word, value))
          longer.back().push_back({axis.word, value, {}, {}});
      }
    }
    all = std::move(longer);
  }
  std::vector<Plan> plans;
  for (const auto& words : all) {
    const Result<Plan> plan = plan_of_words(words);
    if (plan) plans.push_back(finished(*plan, workload, device));
  }
  return plans;
}

/// Appends the deployments of one system.
class DeploySpace::Builder {
 public:
  Builder(const DeploySpace& space, DeployTask& task, DeploySystem& system)
      : replicas_(space.counts("replicas", 1)),
        workers_(space.counts("prefill_workers", 0)),
        prefill_tp_(space.counts("prefill_tp", 0)),
        budgets_(space.counts("token_budget", 0)),
        sequences_(space.counts("max_sequences", 0)),
        task_(task),
        system_(system) {
    choice_.system = task.systems.size();
  }

  /// Returns how many layouts need more devices than there are.
  std::int64_t run() {
    for (choice_.plan = 0; choice_.plan < system_.plans.size(); ++choice_.plan) {
      for (const std::int64_t replicas : replicas_) {
        choice_.replicas = replicas;
        for (const std::int64_t workers : workers_)
          add_workers(workers);
      }
    }
    return too_many_;
  }

 private:
  void add_workers(std::int64_t workers) {
    const Plan& plan = system_.plans[choice_.plan];
    const std::int64_t serving = choice_.replicas * plan.device_count();
    choice_.prefill_workers = workers;
    choice_.prefill_plan = 0;
    if (workers == 0) {
      add_layout(serving);
      return;
    }
    for (const std::int64_t tp : prefill_tp_) {
      choice_.prefill_plan = prefill_place(plan, tp > 0 ? tp : plan.tensor_parallel);
      const Plan& prefill = system_.prefill_plans[choice_.prefill_plan];
      add_layout(serving + workers * prefill.device_count());
    }
  }

  std::size_t prefill_place(Plan plan, std::int64_t tp) {
    plan.tensor_parallel = static_cast<int>(tp);
    std::vector<Plan>& known = system_.prefill_plans;
    const auto found = std::find(known.begin(), known.end(), plan);
    const auto place = static_cast<std::size_t>(found - known.begin());
    if (found == known.end()) known.push_back(plan);
    return place;
  }

  void add_layout(std::int64_t devices) {
    if (devices > system_.devices) {
      ++too_many_;
      return;
    }
    for (choice_.engine = 0; choice_.engine < system_.engines.size(); ++choice_.engine) {
      for (const std::int64_t budget : budgets_) {
        choice_.token_budget = budget;
        for (const std::int64_t most : sequences_) {
          choice_.max_sequences = most;
          task_.choices.push_back(choice_);
        }
      }
    }
  }

  std::vector<std::int64_t> replicas_;
  std::vector<std::int64_t> workers_;
  std::vector<std::int64_t> prefill_tp_;
  std::vector<std::int64_t> budgets_;
  std::vector<std::int64_t> sequences_;
  DeployTask& task_;
  DeploySystem& system_;
  DeployChoice choice_;
  std::int64_t too_many_ = 0;
};

std::int64_t DeploySpace::add_to(DeployTask& task, DeploySystem system, const Workload& workload,
                                 const Device& device) const {
  system.plans = plans(workload, device);
  const std::int64_t too_many = Builder(*this, task, system).run();
  task.systems.push_back(std::move(system));
  return too_many;
}

std::string DeploySpace::text() const {
  std::string text;
  for (const Axis& axis : axes_) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}={}", axis.word, fmt::join(axis.values, ","));
  }
  return text;
}

}  // namespace fastpath::cli
