#include "ir/plan_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "ir/names.h"

namespace fastpath {
namespace {

constexpr int kMostRanks = 1 << 20;  ///< of one axis
constexpr double kMostDevices = 1e9;
constexpr int kMostVirtualStages = 1024;
constexpr std::size_t kLongestText = 4096;

/// Why a value cannot be read.
struct Mistake {
  std::string what;
  std::string hint;
};

/// How one word is read into a plan, and written; text that equals the default's is left out.
struct Field {
  std::string_view name;
  std::optional<Mistake> (*read)(Plan&, std::string_view);
  std::string (*write)(const Plan&);
};

std::optional<Mistake> not_a_whole_number(std::string_view text) {
  const bool joined = text.find(',') != text.npos;
  return Mistake{fmt::format("{} is not a whole number", in_quotes(text)),
                 joined ? "separate the words of a plan by spaces" : ""};
}

template <int Plan::*kMember, int kLeast, int kMost>
std::optional<Mistake> read_count(Plan& plan, std::string_view text) {
  const auto value = parse_integer(text);
  if (!value) return not_a_whole_number(text);
  if (*value < kLeast || *value > kMost) {
    return Mistake{fmt::format("{} is not from {} to {}", *value, kLeast, kMost), {}};
  }
  plan.*kMember = static_cast<int>(*value);
  return std::nullopt;
}

template <int Plan::*kMember>
std::string write_count(const Plan& plan) {
  return std::to_string(plan.*kMember);
}

std::optional<Mistake> unknown_value(std::string_view text, const std::vector<std::string>& known) {
  return Mistake{fmt::format("unknown value {}", in_quotes(text)), did_you_mean(text, known)};
}

/// A bool whose two values have names.
std::optional<Mistake> read_choice(bool& value, std::string_view text, std::string_view yes,
                                   std::string_view no) {
  if (text != yes && text != no) {
    return unknown_value(text, {std::string(yes), std::string(no)});
  }
  value = text == yes;
  return std::nullopt;
}

template <bool Plan::*kMember>
std::optional<Mistake> read_flag(Plan& plan, std::string_view text) {
  return read_choice(plan.*kMember, text, "true", "false");
}

template <bool Plan::*kMember>
std::string write_flag(const Plan& plan) {
  return plan.*kMember ? "true" : "false";
}

std::optional<Mistake> read_attention(Plan& plan, std::string_view text) {
  return read_choice(plan.flash_attention, text, "flash", "unfused");
}

std::string write_attention(const Plan& plan) { return plan.flash_attention ? "flash" : "unfused"; }

template <auto kMember>
std::optional<Mistake> read_name(Plan& plan, std::string_view text) {
  using E = std::remove_reference_t<decltype(plan.*kMember)>;
  const auto value = parse_name<E>(text);
  if (!value) return unknown_value(text, all_names<E>());
  plan.*kMember = *value;
  return std::nullopt;
}

template <auto kMember>
std::string write_name(const Plan& plan) {
  return std::string(name_of(plan.*kMember));
}

template <std::optional<NumberFormat> Plan::*kMember>
std::optional<Mistake> read_format(Plan& plan, std::string_view text) {
  plan.*kMember = parse_name<NumberFormat>(text);
  if (plan.*kMember) return std::nullopt;
  return unknown_value(text, all_names<NumberFormat>());
}

template <std::optional<NumberFormat> Plan::*kMember>
std::string write_format(const Plan& plan) {
  return plan.*kMember ? std::string(name_of(*(plan.*kMember))) : "";
}

template <double Plan::*kMember, int kLeast>
std::optional<Mistake> read_ratio(Plan& plan, std::string_view text) {
  constexpr double kMost = 1e6;
  const auto value = parse_number(text);
  if (!value) return Mistake{fmt::format("{} is not a number", in_quotes(text)), {}};
  if (!(*value >= kLeast && *value <= kMost)) {
    return Mistake{fmt::format("{} is not from {} to {}", text, kLeast, format_number(kMost)), {}};
  }
  plan.*kMember = *value;
  return std::nullopt;
}

template <double Plan::*kMember>
std::string write_ratio(const Plan& plan) {
  return fmt::format("{}", plan.*kMember);
}

/// "full:4" with the layers of each virtual stage that are run again.
std::optional<Mistake> read_recompute(Plan& plan, std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto recompute = parse_name<Recompute>(name);
  if (!recompute) return unknown_value(name, all_names<Recompute>());
  if (colon != text.npos) {
    if (*recompute != Recompute::full) {
      return Mistake{fmt::format("recompute {} takes no number of layers", in_quotes(name)),
                     "only full does: recompute=full:4"};
    }
    auto mistake = read_count<&Plan::recompute_layers, 1, kMostRanks>(plan, text.substr(colon + 1));
    if (mistake) return mistake;
  }
  plan.recompute = *recompute;
  return std::nullopt;
}

std::string write_recompute(const Plan& plan) {
  std::string text(name_of(plan.recompute));
  if (plan.recompute_layers > 0) text += fmt::format(":{}", plan.recompute_layers);
  return text;
}

constexpr auto kOffloads = std::to_array<std::pair<std::string_view, bool Offload::*>>({
    {"activations", &Offload::activations},
    {"optimizer", &Offload::optimizer},
    {"weights", &Offload::weights},
});

/// "activations,optimizer", or "none".
std::optional<Mistake> read_offload(Plan& plan, std::string_view text) {
  Offload offload;
  if (text == "none") return std::nullopt;
  for (const std::string_view name : split(text, ',')) {
    const auto* const found = std::find_if(kOffloads.begin(), kOffloads.end(),
                                           [&](const auto& known) { return known.first == name; });
    if (found == kOffloads.end()) {
      return unknown_value(name, {"activations", "optimizer", "weights", "none"});
    }
    if (offload.*(found->second)) return Mistake{fmt::format("'{}' is given twice", name), {}};
    offload.*(found->second) = true;
  }
  plan.offload = offload;
  return std::nullopt;
}

std::string write_offload(const Plan& plan) {
  std::vector<std::string_view> names;
  for (const auto& [name, member] : kOffloads) {
    if (plan.offload.*member) names.push_back(name);
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ","));
}

/// "1f1b", or "interleaved:4" with the chunks of each rank.
std::optional<Mistake> read_schedule(Plan& plan, std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto schedule = parse_name<Schedule>(name);
  if (!schedule) return unknown_value(name, all_names<Schedule>());
  const bool chunks = colon != text.npos;
  if (*schedule != Schedule::interleaved && chunks) {
    return Mistake{fmt::format("schedule {} has no chunks", in_quotes(name)),
                   "only interleaved has: schedule=interleaved:2"};
  }
  if (*schedule == Schedule::interleaved && !chunks) {
    return Mistake{"an interleaved schedule needs the number of chunks per rank",
                   "write schedule=interleaved:2"};
  }
  if (chunks) {
    auto mistake =
        read_count<&Plan::virtual_stages, 1, kMostVirtualStages>(plan, text.substr(colon + 1));
    if (mistake) return mistake;
  }
  plan.schedule = *schedule;
  return std::nullopt;
}

std::string write_schedule(const Plan& plan) {
  std::string text(name_of(plan.schedule));
  if (plan.schedule == Schedule::interleaved) text += fmt::format(":{}", plan.virtual_stages);
  return text;
}

std::optional<Mistake> read_order(Plan& plan, std::string_view text) {
  const std::vector<std::string_view> names = split(text, ',');
  std::set<MeshAxis> seen;
  std::array<MeshAxis, kMeshAxes> order{};
  for (const std::string_view name : names) {
    const auto axis = parse_name<MeshAxis>(name);
    if (!axis) return unknown_value(name, all_names<MeshAxis>());
    if (seen.size() < order.size()) order[seen.size()] = *axis;
    if (!seen.insert(*axis).second) return Mistake{fmt::format("'{}' is given twice", name), {}};
  }
  if (seen.size() != order.size()) {
    return Mistake{"an order names all five axes", "for example order=tp,cp,ep,dp,pp"};
  }
  plan.order = order;
  return std::nullopt;
}

std::string write_order(const Plan& plan) {
  std::vector<std::string_view> names;
  for (const MeshAxis axis : plan.order)
    names.push_back(name_of(axis));
  return fmt::format("{}", fmt::join(names, ","));
}

template <int Plan::*kMember, int kLeast, int kMost>
constexpr Field count_field(std::string_view name) {
  return {name, &read_count<kMember, kLeast, kMost>, &write_count<kMember>};
}

template <bool Plan::*kMember>
constexpr Field flag_field(std::string_view name) {
  return {name, &read_flag<kMember>, &write_flag<kMember>};
}

template <double Plan::*kMember, int kLeast>
constexpr Field ratio_field(std::string_view name) {
  return {name, &read_ratio<kMember, kLeast>, &write_ratio<kMember>};
}

template <auto kMember>
constexpr Field name_field(std::string_view name) {
  return {name, &read_name<kMember>, &write_name<kMember>};
}

template <std::optional<NumberFormat> Plan::*kMember>
constexpr Field format_field(std::string_view name) {
  return {name, &read_format<kMember>, &write_format<kMember>};
}

constexpr std::array kFields = {
    count_field<&Plan::tensor_parallel, 1, kMostRanks>("tp"),
    count_field<&Plan::context_parallel, 1, kMostRanks>("cp"),
    count_field<&Plan::expert_parallel, 1, kMostRanks>("ep"),
    count_field<&Plan::data_parallel, 1, kMostRanks>("dp"),
    count_field<&Plan::pipeline_parallel, 1, kMostRanks>("pp"),
    count_field<&Plan::expert_tensor_parallel, 0, kMostRanks>("etp"),
    flag_field<&Plan::sequence_parallel>("sp"),
    count_field<&Plan::micro_batch, 0, kMostRanks>("micro_batch"),
    Field{"schedule", &read_schedule, &write_schedule},
    count_field<&Plan::first_stage_layers, 0, kMostRanks>("first_stage"),
    count_field<&Plan::last_stage_layers, 0, kMostRanks>("last_stage"),
    flag_field<&Plan::ends_are_layers>("ends_are_layers"),
    Field{"recompute", &read_recompute, &write_recompute},
    count_field<&Plan::zero_stage, 0, 3>("zero"),
    count_field<&Plan::shard, 0, kMostRanks>("shard"),
    flag_field<&Plan::reshard>("reshard"),
    count_field<&Plan::prefetch, 0, kMostRanks>("prefetch"),
    name_field<&Plan::context_exchange>("cp_exchange"),
    ratio_field<&Plan::expert_imbalance, 1>("imbalance"),
    ratio_field<&Plan::expert_capacity, 0>("capacity"),
    name_field<&Plan::tables>("tables"),
    flag_field<&Plan::fused_tables>("fused_tables"),
    Field{"offload", &read_offload, &write_offload},
    name_field<&Plan::optimizer>("optimizer"),
    flag_field<&Plan::master_weights>("master"),
    flag_field<&Plan::step_in_backward>("step_in_backward"),
    count_field<&Plan::loss_chunks, 1, kMostRanks>("loss_chunks"),
    count_field<&Plan::lora_rank, 0, kMostRanks>("lora"),
    count_field<&Plan::packed_length, 0, 1 << 30>("packed"),
    name_field<&Plan::execution>("execution"),
    Field{"attention", &read_attention, &write_attention},
    flag_field<&Plan::overlap_gradients>("overlap"),
    flag_field<&Plan::overlap_weights>("overlap_weights"),
    flag_field<&Plan::overlap_tensor>("overlap_tp"),
    format_field<&Plan::weight_format>("weights"),
    format_field<&Plan::cache_format>("cache"),
    format_field<&Plan::compute_format>("compute"),
    name_field<&Plan::gradient_format>("gradients"),
    Field{"order", &read_order, &write_order},
};

/// Other tools' words for the same thing, only to name ours in the hint.
constexpr std::array kOtherWords = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"tensor_parallel", "tp"},
    {"tensor_model_parallel_size", "tp"},
    {"context_parallel", "cp"},
    {"expert_parallel", "ep"},
    {"data_parallel", "dp"},
    {"pipeline_parallel", "pp"},
    {"pipeline_model_parallel_size", "pp"},
    {"mbs", "micro_batch"},
    {"micro_batch_size", "micro_batch"},
    {"zero_stage", "zero"},
    {"fsdp", "zero=3"},
    {"virtual_stages", "schedule=interleaved:N"},
    {"vpp", "schedule=interleaved:N"},
    {"flash_attention", "attention=flash"},
});

std::string hint_for_word(std::string_view key) {
  for (const auto& [other, ours] : kOtherWords) {
    if (equals_ignoring_case(other, key)) return fmt::format("write '{}'", ours);
  }
  std::vector<std::string> names{"sequence_parallel"};
  for (const Field& field : kFields)
    names.emplace_back(field.name);
  if (const auto near = nearest(key, names)) return fmt::format("did you mean '{}'?", *near);
  return fmt::format("known: {}", fmt::join(names.begin() + 1, names.end(), ", "));
}

const Field* find_field(std::string_view key) {
  const std::string_view name = key == "sequence_parallel" ? "sp" : key;
  for (const Field& field : kFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

void read_word(Plan& plan, const PlanWord& word, const Field& field, Diagnostics& mistakes) {
  std::string value = word.value.value_or(field.name == "sp" ? "true" : "");
  if (value.empty()) {
    const std::string written = field.write(Plan{});
    mistakes.push_back(
        {word.key_place, fmt::format("{} has no value", in_quotes(word.key)),
         fmt::format("write for example '{}={}'", field.name, written.empty() ? "fp8" : written)});
    return;
  }
  auto mistake = field.read(plan, value);
  if (!mistake) return;
  mistakes.push_back({word.value ? word.value_place : word.key_place,
                      fmt::format("{}: {}", word.key, mistake->what), std::move(mistake->hint)});
}

/// The axes' product must stay a sensible number of devices.
void check_devices(const Plan& plan, std::span<const PlanWord> words, Diagnostics& mistakes) {
  const double devices = static_cast<double>(plan.tensor_parallel) * plan.context_parallel *
                         plan.data_parallel * plan.pipeline_parallel;
  if (devices <= kMostDevices) return;
  mistakes.push_back({words.front().key_place,
                      fmt::format("the plan needs {} devices, more than {}", format_number(devices),
                                  format_number(kMostDevices)),
                      {}});
}

PlanWord word_at(std::string_view word, std::size_t offset, const Place& place) {
  const auto at = [&](std::size_t more) {
    Place here = place;
    here.column = std::max(place.column, 1) + static_cast<int>(offset + more);
    return here;
  };
  const std::size_t equals = word.find('=');
  if (equals == word.npos) return {std::string(word), std::nullopt, at(0), at(0)};
  return {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1)), at(0),
          at(equals + 1)};
}

}  // namespace

Result<Plan> plan_of_words(std::span<const PlanWord> words) {
  Plan plan;
  Diagnostics mistakes;
  std::set<const Field*> seen;
  for (const PlanWord& word : words) {
    const Field* field = find_field(word.key);
    if (field == nullptr) {
      mistakes.push_back({word.key_place, fmt::format("unknown word {}", in_quotes(word.key)),
                          hint_for_word(word.key)});
    } else if (!seen.insert(field).second) {
      mistakes.push_back(
          {word.key_place, fmt::format("{} is given twice", in_quotes(word.key)), {}});
    } else {
      read_word(plan, word, *field, mistakes);
    }
  }
  if (mistakes.empty() && !words.empty()) check_devices(plan, words, mistakes);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return plan;
}

std::vector<PlanWord> words_of_text(std::string_view text, const Place& place) {
  std::vector<PlanWord> parsed;
  for (const std::string_view word : words(text)) {
    parsed.push_back(word_at(word, static_cast<std::size_t>(word.data() - text.data()), place));
  }
  return parsed;
}

Result<Plan> parse_plan(std::string_view text, const Place& place) {
  if (text.size() > kLongestText) {
    return failure(place, fmt::format("the plan is longer than {} bytes", kLongestText));
  }
  return plan_of_words(words_of_text(text, place));
}

std::vector<std::pair<std::string, std::string>> all_words_of_plan(const Plan& plan) {
  std::vector<std::pair<std::string, std::string>> words;
  words.reserve(kFields.size());
  for (const Field& field : kFields)
    words.emplace_back(field.name, field.write(plan));
  return words;
}

std::vector<std::pair<std::string, std::string>> words_of_plan(const Plan& plan) {
  std::vector<std::pair<std::string, std::string>> words;
  const Plan standard;
  for (const Field& field : kFields) {
    std::string value = field.write(plan);
    if (value != field.write(standard)) words.emplace_back(field.name, std::move(value));
  }
  return words;
}

std::string write_plan(const Plan& plan) {
  std::string text;
  for (const auto& [key, value] : words_of_plan(plan)) {
    if (!text.empty()) text += ' ';
    text += key;
    if (key != "sp") text += "=" + value;
  }
  return text;
}

}  // namespace fastpath
