#include "analyze/prediction_findings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "ir/names.h"

namespace fastpath {
namespace {

struct ClassName {
  std::string_view name;
  Bytes MemoryByClass::*member;
};

constexpr std::array<ClassName, 7> kClasses{{{"weights", &MemoryByClass::weights},
                                             {"gradients", &MemoryByClass::gradients},
                                             {"optimizer", &MemoryByClass::optimizer},
                                             {"activations", &MemoryByClass::activations},
                                             {"cache", &MemoryByClass::cache},
                                             {"workspace", &MemoryByClass::workspace},
                                             {"overhead", &MemoryByClass::overhead}}};

std::string_view meaning_of(Bound bound) {
  switch (bound) {
    case Bound::compute: return "arithmetic units busy";
    case Bound::memory: return "waiting for main memory";
    case Bound::cache: return "waiting for on-chip memory";
    case Bound::network: return "communication that nothing hides";
    case Bound::launch: return "waiting for kernels to start";
    case Bound::bubble: return "waiting for other pipeline ranks";
  }
  return "";
}

std::string_view label_of(Pass pass) {
  switch (pass) {
    case Pass::forward: return "forward";
    case Pass::recompute: return "recompute";
    case Pass::backward_input: return "input grad";
    case Pass::backward_weight: return "weight grad";
    case Pass::update: return "update";
  }
  return "";
}

std::string words_of(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

/// Builds a row by name, so that columns and cells cannot drift apart.
class RowBuilder {
 public:
  RowBuilder(Table& table, bool first) : table_(table), first_(first) {
    table_.rows.emplace_back();
  }

  RowBuilder& add(std::string name, Unit unit, Cell cell) {
    if (first_) table_.columns.push_back({std::move(name), unit});
    table_.rows.back().push_back(std::move(cell));
    return *this;
  }

 private:
  Table& table_;
  bool first_;
};

template <class Q>
Cell optional_cell(const std::optional<Q>& quantity, double factor = 1) {
  return quantity ? Cell{quantity->base() * factor} : Cell{};
}

const MemoryByClass* largest_rank(const Prediction& prediction) {
  if (prediction.memory.empty()) return nullptr;
  return &*std::max_element(
      prediction.memory.begin(), prediction.memory.end(),
      [](const MemoryByClass& a, const MemoryByClass& b) { return a.total() < b.total(); });
}

Cell memory_capacity(const System& system) {
  const auto& memories = system.device.memories;
  if (memories.empty() || !memories.front().capacity) return {};
  return memories.front().capacity->value.base();
}

Cell ratio_cell(double value, double reference) {
  if (!(reference > 0)) return {};
  return value / reference;
}

/// Items (tokens, rows) of one step.
double items_of(const Prediction& prediction) {
  return prediction.items_per_second * prediction.step.value.base();
}

void add_identity(RowBuilder& row, const PredictedCase& c) {
  row.add("model", Unit::none, c.workload.name)
      .add("phase", Unit::none, std::string(name_of(c.prediction.phase)))
      .add("system", Unit::none, c.system.id.empty() ? c.system.name : c.system.id)
      .add("plan", Unit::none, c.plan_text)
      .add("devices", Unit::count, static_cast<double>(c.prediction.devices));
}

void add_speed(RowBuilder& row, const PredictedCase& c) {
  const Prediction& p = c.prediction;
  const double devices = static_cast<double>(std::max<std::int64_t>(1, p.devices));
  row.add("step_time", Unit::seconds, p.step.value.base())
      .add("step_time_low", Unit::seconds, p.step.low.base())
      .add("step_time_high", Unit::seconds, p.step.high.base())
      .add(p.item + "s", Unit::per_second, p.items_per_second)
      .add(p.item + "s_per_device", Unit::per_second, p.items_per_second / devices)
      .add("mfu", Unit::ratio, p.mfu)
      .add("model_work", Unit::flops, p.model_work.base())
      .add("executed_work", Unit::flops, p.executed_work.base())
      .add("exposed_communication", Unit::seconds, p.exposed_communication.base());
}

void add_resources(RowBuilder& row, const PredictedCase& c) {
  const Prediction& p = c.prediction;
  const MemoryByClass* memory = largest_rank(p);
  const double items = items_of(p);
  const double step = p.step.value.base();
  row.add("memory_per_device", Unit::bytes,
          memory == nullptr ? Cell{} : Cell{memory->total().base()})
      .add("memory_capacity", Unit::bytes, memory_capacity(c.system))
      .add("power", Unit::watts, step > 0 ? optional_cell(p.energy, 1 / step) : Cell{})
      .add("energy", Unit::joules, optional_cell(p.energy))
      .add("energy_per_" + p.item, Unit::joules,
           items > 0 ? optional_cell(p.energy, 1 / items) : Cell{})
      .add("cost", Unit::dollars, optional_cell(p.cost))
      .add("cost_per_million_" + p.item + "s", Unit::dollars,
           items > 0 ? optional_cell(p.cost, 1e6 / items) : Cell{});
}

/// One row, which reporters print as a list.
Table single_summary(const PredictedCase& c) {
  Table table{"summary", "Summary", {}, {}};
  RowBuilder row(table, true);
  add_identity(row, c);
  add_speed(row, c);
  add_resources(row, c);
  return table;
}

Table bound_table(const Prediction& prediction) {
  Table table{"time_by_bound",
              "Where the time of " + std::string(words_for(prediction.phase)) + " goes",
              {{"bound", Unit::none},
               {"meaning", Unit::none},
               {"time", Unit::seconds},
               {"share", Unit::ratio}},
              {}};
  const double step = prediction.step.value.base();
  for (int i = 0; i < kBounds; ++i) {
    const auto bound = static_cast<Bound>(i);
    const double time = prediction.by_bound[static_cast<std::size_t>(i)].base();
    table.rows.push_back({std::string(name_of(bound)), std::string(meaning_of(bound)), time,
                          ratio_cell(time, step)});
  }
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
    return std::get<double>(a[2]) > std::get<double>(b[2]);
  });
  return table;
}

std::vector<const OperatorRow*> rows_where(const Prediction& prediction, bool collective) {
  std::vector<const OperatorRow*> rows;
  for (const OperatorRow& row : prediction.operators) {
    if ((row.collective != Collective::none) == collective) rows.push_back(&row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const OperatorRow* a, const OperatorRow* b) { return a->time > b->time; });
  return rows;
}

std::string full_name(const OperatorRow& row) {
  return row.block.empty() ? row.op : row.block + "/" + row.op;
}

Cell rate(double amount, Seconds time) {
  return time.base() > 0 && amount > 0 ? Cell{amount / time.base()} : Cell{};
}

Table operator_table(const Prediction& prediction, std::size_t top) {
  const std::vector<const OperatorRow*> rows = rows_where(prediction, false);
  const std::size_t shown = std::min(top, rows.size());
  Table table{"operators",
              fmt::format("Longest operators ({} of {})", shown, rows.size()),
              {{"operator", Unit::none},
               {"pass", Unit::none},
               {"bound", Unit::none},
               {"count", Unit::count},
               {"work_rate", Unit::flops_per_second},
               {"traffic_rate", Unit::bytes_per_second},
               {"time", Unit::seconds},
               {"share", Unit::ratio}},
              {}};
  for (std::size_t i = 0; i < shown; ++i) {
    const OperatorRow& row = *rows[i];
    table.rows.push_back(
        {full_name(row), std::string(label_of(row.pass)), std::string(name_of(row.bound)),
         row.count, rate(row.work.base(), row.time), rate(row.traffic.base(), row.time),
         row.time.base(), ratio_cell(row.time.base(), prediction.step.value.base())});
  }
  return table;
}

Table collective_table(const Prediction& prediction, std::size_t top) {
  const std::vector<const OperatorRow*> rows = rows_where(prediction, true);
  const std::size_t shown = std::min(top, rows.size());
  Table table{"collectives",
              fmt::format("Longest collectives ({} of {}), hidden or not", shown, rows.size()),
              {{"operator", Unit::none},
               {"collective", Unit::none},
               {"pass", Unit::none},
               {"count", Unit::count},
               {"sent", Unit::bytes},
               {"sent_rate", Unit::bytes_per_second},
               {"time", Unit::seconds},
               {"share", Unit::ratio}},
              {}};
  for (std::size_t i = 0; i < shown; ++i) {
    const OperatorRow& row = *rows[i];
    table.rows.push_back({full_name(row), words_of(name_of(row.collective)),
                          std::string(label_of(row.pass)), row.count, row.traffic.base(),
                          rate(row.traffic.base(), row.time), row.time.base(),
                          ratio_cell(row.time.base(), prediction.step.value.base())});
  }
  return table;
}

bool same_memory(const MemoryByClass& a, const MemoryByClass& b) {
  return std::all_of(kClasses.begin(), kClasses.end(),
                     [&](const ClassName& item) { return a.*item.member == b.*item.member; });
}

/// A row per run of equal ranks; classes that are empty everywhere are left out.
Table memory_table(const Prediction& prediction) {
  Table table{"memory", "Memory per device", {{"pipeline_rank", Unit::none}}, {}};
  std::vector<const ClassName*> used;
  for (const ClassName& item : kClasses) {
    const bool any =
        std::any_of(prediction.memory.begin(), prediction.memory.end(),
                    [&](const MemoryByClass& m) { return (m.*item.member).base() > 0; });
    if (!any) continue;
    used.push_back(&item);
    table.columns.push_back({std::string(item.name), Unit::bytes});
  }
  table.columns.push_back({"total", Unit::bytes});
  const std::vector<MemoryByClass>& ranks = prediction.memory;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t end = i + 1;
    while (end < ranks.size() && same_memory(ranks[i], ranks[end]))
      ++end;
    std::vector<Cell> row{end - i == 1 ? fmt::format("{}", i)
                                       : fmt::format("{} to {}", i, end - 1)};
    for (const ClassName* item : used)
      row.emplace_back((ranks[i].*item->member).base());
    row.emplace_back(ranks[i].total().base());
    table.rows.push_back(std::move(row));
    i = end;
  }
  return table;
}

Table elasticity_table(const Prediction& prediction) {
  Table table{"elasticities",
              "What would help most",
              {{"resource", Unit::none},
               {"elasticity", Unit::none},
               {"if_10_percent_better", Unit::seconds},
               {"change", Unit::ratio}},
              {}};
  const double step = prediction.step.value.base();
  for (const Elasticity& elasticity : prediction.elasticities) {
    const double factor = std::pow(1.1, elasticity.value);
    table.rows.push_back({elasticity.resource, elasticity.value, step * factor, factor - 1});
  }
  return table;
}

Table shortage_table(const PredictedCase& c) {
  const OutOfMemory& oom = *c.prediction.out_of_memory;
  Table table{"memory_shortage",
              "Does not fit into memory",
              {{"pipeline_rank", Unit::count},
               {"needed", Unit::bytes},
               {"available", Unit::bytes},
               {"missing", Unit::bytes}},
              {}};
  table.rows.push_back({static_cast<double>(oom.role), oom.needed.base(), oom.available.base(),
                        (oom.needed - oom.available).base()});
  return table;
}

Table remedy_table(const PredictedCase& c) {
  Table table{"remedies",
              "Single changes with which it fits",
              {{"change", Unit::none}, {"needed", Unit::bytes}, {"step", Unit::seconds}},
              {}};
  for (const Remedy& remedy : c.prediction.out_of_memory->remedies)
    table.rows.push_back({remedy.change, remedy.needed.base(), remedy.step.base()});
  return table;
}

const MemoryByClass& short_rank(const Prediction& prediction) {
  const auto role = static_cast<std::size_t>(std::max(0, prediction.out_of_memory->role));
  return role < prediction.memory.size() ? prediction.memory[role] : prediction.memory.front();
}

void add_notes(Findings& findings, const PredictedCase& c) {
  const Prediction& p = c.prediction;
  if (p.out_of_memory && p.out_of_memory->remedies.empty() && !p.memory.empty()) {
    for (std::string& way : ways_to_save_memory(short_rank(p), c.plan, p.phase))
      findings.notes.push_back("To make it fit: " + std::move(way) + ".");
  }
  if (c.system.device_count() > p.devices) {
    findings.notes.push_back(
        fmt::format("The plan uses {} of the system's {} devices; the others are not counted.",
                    p.devices, c.system.device_count()));
  }
  if (p.extrapolated > 0.1) {
    findings.notes.push_back(
        fmt::format("{:.0f} % of the time is in operators or collectives unlike any measured ones: "
                    "the interval "
                    "is wide there.",
                    100 * p.extrapolated));
  }
  if (!p.energy) findings.notes.emplace_back("No energy: the device's power is not known.");
  if (!p.cost)
    findings.notes.emplace_back("No cost: neither rent nor price of the device is known.");
  if (!p.elasticities.empty()) {
    findings.notes.emplace_back(
        "An elasticity of -0.5 means that 1 % more of the resource takes 0.5 % off the step time; "
        "it holds for small changes.");
  }
}

using Ways = std::vector<std::string>;

void save_weights(const Plan& plan, bool training, Ways& ways) {
  ways.emplace_back("split weights further (a larger tp or pp)");
  if (training && plan.data_parallel > 1 && plan.zero_stage < 3) {
    ways.emplace_back("shard weights over data-parallel ranks (zero=3)");
  }
  if (!training) ways.emplace_back("store weights in a smaller format (weights=fp8)");
}

void save_gradients(const Plan& plan, Ways& ways) {
  if (plan.data_parallel > 1 && plan.zero_stage < 2) ways.emplace_back("shard gradients (zero=2)");
  if (plan.gradient_format == NumberFormat::fp32) ways.emplace_back("keep gradients in bf16");
}

void save_activations(const Plan& plan, bool training, Ways& ways) {
  if (training && plan.recompute != Recompute::full) {
    ways.emplace_back("recompute activations (recompute=full)");
  }
  if (plan.tensor_parallel > 1 && !plan.sequence_parallel) {
    ways.emplace_back("split activations over the sequence (sequence_parallel)");
  }
  const int rows = plan.micro_batch == 0 && training ? 1 : plan.micro_batch;
  if (rows != 1) ways.emplace_back("take smaller micro-batches (micro_batch=1)");
  ways.emplace_back("use shorter sequences or split them (a larger cp)");
}

/// Savings by class: each is a flag of the plan that is not at its strongest yet.
Ways savings_for(std::string_view memory_class, const Plan& plan, Phase phase) {
  const bool training = phase == Phase::training;
  Ways ways;
  if (memory_class == "weights") {
    save_weights(plan, training, ways);
  } else if (memory_class == "gradients") {
    save_gradients(plan, ways);
  } else if (memory_class == "optimizer") {
    if (plan.zero_stage < 1) ways.emplace_back("shard optimizer states (zero=1 and a larger dp)");
  } else if (memory_class == "activations" || memory_class == "workspace") {
    save_activations(plan, training, ways);
  } else if (memory_class == "cache") {
    ways.emplace_back("serve fewer sequences or a shorter context at once");
    ways.emplace_back("store keys and values in a smaller format (cache=fp8)");
  }
  return ways;
}

/// A labelled row with ratios to the first case.
void add_compared(Table& table, const PredictedCase& c, const std::string& label,
                  const PredictedCase& first) {
  const bool is_first = table.rows.empty();
  RowBuilder row(table, is_first);
  row.add("case", Unit::none, label);
  add_identity(row, c);
  const Prediction& p = c.prediction;
  const Prediction& q = first.prediction;
  const MemoryByClass* memory = largest_rank(p);
  row.add("fits", Unit::none, std::string(p.out_of_memory ? "no" : "yes"))
      .add("step_time", Unit::seconds, p.step.value.base())
      .add("step_time_low", Unit::seconds, p.step.low.base())
      .add("step_time_high", Unit::seconds, p.step.high.base())
      .add("step_time_to_first", Unit::none, ratio_cell(p.step.value.base(), q.step.value.base()))
      .add(p.item + "s", Unit::per_second, p.items_per_second)
      .add(p.item + "s_to_first", Unit::none, ratio_cell(p.items_per_second, q.items_per_second))
      .add("mfu", Unit::ratio, p.mfu)
      .add("memory_per_device", Unit::bytes,
           memory == nullptr ? Cell{} : Cell{memory->total().base()})
      .add("memory_capacity", Unit::bytes, memory_capacity(c.system))
      .add("energy", Unit::joules, optional_cell(p.energy))
      .add("energy_to_first", Unit::none,
           p.energy && q.energy ? ratio_cell(p.energy->base(), q.energy->base()) : Cell{})
      .add("cost", Unit::dollars, optional_cell(p.cost))
      .add("cost_to_first", Unit::none,
           p.cost && q.cost ? ratio_cell(p.cost->base(), q.cost->base()) : Cell{});
}

Table difference_table(const std::vector<PredictedCase>& cases,
                       const std::vector<std::string>& labels) {
  Table table{"difference", "Where the difference comes from", {{"bound", Unit::none}}, {}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    table.columns.push_back({labels[i], Unit::seconds});
    if (i > 0) table.columns.push_back({labels[i] + "_change", Unit::seconds});
  }
  const auto add_row = [&](std::string name, auto time_of) {
    std::vector<Cell> row{std::move(name)};
    const double first = time_of(cases.front().prediction);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const double time = time_of(cases[i].prediction);
      row.emplace_back(time);
      if (i > 0) row.emplace_back(time - first);
    }
    table.rows.push_back(std::move(row));
  };
  for (int b = 0; b < kBounds; ++b) {
    add_row(std::string(name_of(static_cast<Bound>(b))),
            [b](const Prediction& p) { return p.by_bound[static_cast<std::size_t>(b)].base(); });
  }
  add_row("step", [](const Prediction& p) { return p.step.value.base(); });
  return table;
}

}  // namespace

std::string_view words_for(Phase phase) {
  switch (phase) {
    case Phase::training: return "a training step";
    case Phase::prefill: return "a prefill";
    case Phase::decode: return "a decode step";
    case Phase::forward: return "a forward pass";
  }
  return "";
}

std::vector<std::string> ways_to_save_memory(const MemoryByClass& memory, const Plan& plan,
                                             Phase phase) {
  std::array<ClassName, kClasses.size()> classes = kClasses;
  std::stable_sort(classes.begin(), classes.end(), [&](const ClassName& a, const ClassName& b) {
    return memory.*a.member > memory.*b.member;
  });
  std::vector<std::string> ways;
  for (const ClassName& item : classes) {
    if (!((memory.*item.member).base() > 0)) continue;
    for (std::string& way : savings_for(item.name, plan, phase)) {
      if (std::find(ways.begin(), ways.end(), way) == ways.end()) ways.push_back(std::move(way));
    }
  }
  constexpr std::size_t kMostWays = 4;  // the largest classes come first; more is noise
  if (ways.size() > kMostWays) ways.resize(kMostWays);
  return ways;
}

Findings explain_prediction(const PredictedCase& predicted, const ExplainOptions& options) {
  const Prediction& prediction = predicted.prediction;
  Findings findings;
  findings.title =
      fmt::format("{}: {} on {}", predicted.workload.name, words_for(prediction.phase),
                  predicted.system.name.empty() ? predicted.system.id : predicted.system.name);
  if (prediction.out_of_memory) {
    findings.tables.push_back(shortage_table(predicted));
    if (!prediction.out_of_memory->remedies.empty()) {
      findings.tables.push_back(remedy_table(predicted));
    }
  }
  findings.tables.push_back(single_summary(predicted));
  findings.tables.push_back(bound_table(prediction));
  if (!rows_where(prediction, false).empty()) {
    findings.tables.push_back(operator_table(prediction, options.top));
  }
  if (!rows_where(prediction, true).empty()) {
    findings.tables.push_back(collective_table(prediction, options.top));
  }
  if (!prediction.memory.empty()) findings.tables.push_back(memory_table(prediction));
  if (!prediction.elasticities.empty()) findings.tables.push_back(elasticity_table(prediction));
  add_notes(findings, predicted);
  return findings;
}

Table summary_of(const std::vector<PredictedCase>& cases, const std::vector<std::string>& labels) {
  Table table{"summary", "Side by side", {}, {}};
  for (std::size_t i = 0; i < cases.size(); ++i)
    add_compared(table, cases[i], labels[i], cases.front());
  return table;
}

Findings compare_predictions(const std::vector<PredictedCase>& cases,
                             const std::vector<std::string>& labels) {
  Findings findings;
  if (cases.empty()) return findings;
  findings.title = fmt::format("{}: {} compared", cases.front().workload.name,
                               words_for(cases.front().prediction.phase));
  findings.tables.push_back(summary_of(cases, labels));
  findings.tables.push_back(difference_table(cases, labels));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].prediction.out_of_memory) {
      const OutOfMemory& oom = *cases[i].prediction.out_of_memory;
      findings.notes.push_back(fmt::format("{} does not fit: pipeline rank {} lacks {:.1f} GiB.",
                                           labels[i], oom.role,
                                           (oom.needed - oom.available).base() / 0x1p30));
    }
  }
  findings.notes.emplace_back(
      "Ratios are to the first case; changes by bound add up to the change of the step.");
  return findings;
}

}  // namespace fastpath
