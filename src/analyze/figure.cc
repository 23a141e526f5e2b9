#include "analyze/figure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "fastpath/framework.h"

#include "analyze/sources.h"
#include "base/text.h"
#include "base/units.h"
#include "ir/names.h"
#include "model/device_model.h"

namespace fastpath {
namespace {

using Terms = std::vector<ExplainedTerm>;

constexpr std::string_view kMemoryNames[] = {"weights", "gradients", "optimizer", "activations",
                                             "cache",   "workspace", "overhead"};

template <class Q>
ExplainedTerm input(std::string name, const Figure<Q>& figure, Unit unit, int depth = 1) {
  return {std::move(name), figure.value.base(), unit, "", "", figure.source, depth};
}

ExplainedTerm achieved(std::string name, const Fitted& fitted, int depth) {
  return {std::move(name), fitted.value, Unit::ratio, "", "", fitted.source, depth};
}

ExplainedTerm derived(std::string name, double value, Unit unit, std::string formula, int depth) {
  return {std::move(name), value, unit, std::move(formula), "", {}, depth};
}

ExplainedTerm given(std::string name, double value, Unit unit, std::string from, int depth) {
  return {std::move(name), value, unit, "", std::move(from), {}, depth};
}

void add_framework(Terms& terms, const Framework& framework) {
  std::string from =
      fmt::format("fitted to {} published steps of {}", framework.rows,
                  framework.id.empty() ? std::string("all frameworks") : framework.id);
  const std::pair<std::string_view, const Fitted*> factors[] = {
      {"factor on contractions", &framework.contraction},
      {"factor on norms and maps", &framework.memory},
      {"factor on collectives", &framework.network},
      {"factor on routed experts", &framework.experts}};
  for (const auto& [name, factor] : factors) {
    terms.push_back(given(std::string(name), factor->value, Unit::none, from, 1));
    from = "the same fit";
  }
  terms.push_back(
      given("host time of a step", framework.step.value.base(), Unit::seconds, from, 1));
}

Terms explain_step(const PredictedCase& c) {
  Terms terms{derived("step", c.prediction.step.value.base(), Unit::seconds,
                      "sum over bounds, on the path of the slowest rank", 0)};
  for (int i = 0; i < kBounds; ++i) {
    const double time = c.prediction.by_bound[static_cast<std::size_t>(i)].base();
    if (!(time > 0)) continue;
    terms.push_back(derived("bound." + std::string(name_of(static_cast<Bound>(i))), time,
                            Unit::seconds, "sum over operators and waits that this limits", 1));
  }
  const bool framework = c.prediction.phase == Phase::training && c.system.framework != nullptr;
  const std::string_view rule = framework
                                    ? "of published steps that the framework's fit had not seen"
                                    : "of operators and collectives: those with one bound together";
  terms.push_back(derived("step low", c.prediction.step.low.base(), Unit::seconds,
                          fmt::format("lower end of the 90 % interval, from residuals {}", rule),
                          1));
  terms.push_back(derived("step high", c.prediction.step.high.base(), Unit::seconds,
                          "upper end of the same", 1));
  if (framework) add_framework(terms, *c.system.framework);
  return terms;
}

/// The peak that mfu refers to, recovered from its definition: which format it is of depends on
/// the operators.
Terms explain_mfu(const PredictedCase& c) {
  const Prediction& p = c.prediction;
  const double denominator = p.mfu * p.step.value.base() * static_cast<double>(p.devices);
  const double peak = denominator > 0 ? p.model_work.base() / denominator : 0;
  Terms terms{derived("mfu", p.mfu, Unit::ratio, "model work / (step x devices x dense peak)", 0),
              derived("model work", p.model_work.base(), Unit::flops,
                      "work of all operators, forward and backward, recomputation not counted", 1),
              derived("step", p.step.value.base(), Unit::seconds, "see --figure step", 1),
              given("devices", static_cast<double>(p.devices), Unit::count, "plan", 1)};
  std::string formats;  // several formats may share a rate
  const Peak* match = nullptr;
  for (const Peak& candidate : c.system.device.peaks) {
    if (!(peak > 0) || std::abs(candidate.rate.value.base() / peak - 1) > 1e-3) continue;
    if (match == nullptr) match = &candidate;
    formats += (formats.empty() ? "" : "/") + std::string(name_of(candidate.format));
  }
  if (match != nullptr) {
    terms.push_back(input("dense peak, " + formats, match->rate, Unit::flops_per_second));
    return terms;
  }
  terms.push_back(
      derived("dense peak", peak, Unit::flops_per_second, "mean over the formats computed in", 1));
  return terms;
}

Terms explain_energy(const PredictedCase& c) {
  const Prediction& p = c.prediction;
  Terms terms{derived("energy", p.energy->base(), Unit::joules,
                      "(power of devices + power of hosts) x power overhead x step", 0),
              derived("step", p.step.value.base(), Unit::seconds, "see --figure step", 1),
              given("devices", static_cast<double>(p.devices), Unit::count, "plan", 1)};
  if (c.system.device.power) {
    terms.push_back(input("power of a device", *c.system.device.power, Unit::watts));
  }
  if (c.system.host.power) {
    terms.push_back(input("power of a host", *c.system.host.power, Unit::watts));
  }
  terms.push_back(given("power overhead", c.system.power_overhead, Unit::none,
                        "the system's power_overhead (1 = none)", 1));
  return terms;
}

Terms explain_cost(const PredictedCase& c) {
  const Prediction& p = c.prediction;
  Terms terms{
      derived("cost", p.cost->base(), Unit::dollars, "rate of a device x devices x step", 0),
      derived("step", p.step.value.base(), Unit::seconds, "see --figure step", 1),
      given("devices", static_cast<double>(p.devices), Unit::count, "plan", 1)};
  const auto& rent = c.system.rent ? c.system.rent : c.system.device.rent;
  if (rent) {
    terms.push_back(input("rent of a device", *rent, Unit::dollars_per_second));
  } else if (c.system.device.price) {
    terms.push_back(input("price of a device", *c.system.device.price, Unit::dollars));
  }
  return terms;
}

Bytes class_of(const MemoryByClass& memory, std::string_view name) {
  if (name == "weights") return memory.weights;
  if (name == "gradients") return memory.gradients;
  if (name == "optimizer") return memory.optimizer;
  if (name == "activations") return memory.activations;
  if (name == "cache") return memory.cache;
  if (name == "overhead") return memory.overhead;
  return memory.workspace;
}

std::string_view formula_of_class(std::string_view name) {
  if (name == "weights") return "parameters on the rank x bytes of their format";
  if (name == "gradients") return "parameters on the rank x bytes of the gradient format";
  if (name == "optimizer") {
    return "parameters on the rank x bytes of the optimizer's states, over dp from zero=1";
  }
  if (name == "activations") {
    return "tensors kept for the backward x micro-batches in flight (inference: live tensors)";
  }
  if (name == "cache") return "keys and values (or states) of all tokens x layers on the rank";
  if (name == "overhead") {
    return "contexts of the driver and of collectives, and fragments of activations and workspace";
  }
  return "largest set of tensors alive while one operator runs, gathered weights included";
}

Terms explain_memory(const PredictedCase& c, std::string_view name) {
  Terms terms;
  double largest = 0;
  const auto& ranks = c.prediction.memory;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const double bytes = class_of(ranks[i], name).base();
    largest = std::max(largest, bytes);
    terms.push_back({fmt::format("pipeline rank {}", i),
                     bytes,
                     Unit::bytes,
                     std::string(formula_of_class(name)),
                     "",
                     {},
                     1});
  }
  terms.insert(terms.begin(), derived("memory." + std::string(name), largest, Unit::bytes,
                                      "largest over pipeline ranks", 0));
  terms.push_back(given("splits", static_cast<double>(c.plan.device_count()), Unit::count,
                        "plan: " + c.plan_text, 1));
  return terms;
}

Terms explain_bound(const PredictedCase& c, Bound bound) {
  Terms terms{derived("bound." + std::string(name_of(bound)),
                      c.prediction.by_bound[static_cast<std::size_t>(bound)].base(), Unit::seconds,
                      "time of the step's path that this limits; the operators below may be hidden "
                      "behind others",
                      0)};
  for (const OperatorRow& row : c.prediction.operators) {
    if (row.bound != bound || terms.size() > 20) continue;
    terms.push_back(derived(row.block + "/" + row.op + ", " + std::string(name_of(row.pass)),
                            row.time.base(), Unit::seconds,
                            "see --figure operator:" + row.block + "/" + row.op, 1));
  }
  return terms;
}

/// The parameters of the operator's kernels that the catalog has, else the shares of the device.
void add_kernel(Terms& terms, const Device& device, const OperatorRow& row) {
  const KernelEntry* const entry = kernel_entry(device, row.kernel, row.compute_format);
  const std::string kernels = fmt::format("{} kernels", name_of(row.kernel));
  if (entry == nullptr) {
    const bool contracts = row.bound == Bound::compute;
    terms.push_back(achieved("share of peak reached by " + kernels,
                             contracts ? device.achieved.matmul : device.achieved.vector, 2));
    terms.push_back(achieved("share of bandwidth reached", device.achieved.memory, 2));
    return;
  }
  std::string from = fmt::format(
      "fitted to {} rows of {} of {}; 90 % of unseen ones took {:.2f} to {:.2f} of their "
      "prediction",
      entry->rows, kernels,
      entry->format.empty()   ? "any format"
      : entry->format == "16" ? "16 bits"
                              : entry->format,
      entry->low, entry->high);
  const auto add = [&](std::string_view name, KernelParameter parameter, Unit unit) {
    terms.push_back(given(std::string(name), entry->parameters[parameter], unit, from, 2));
    from = "the same fit";
  };
  add("share of peak inside a large tile", KernelParameter::compute, Unit::ratio);
  add("share of bandwidth", KernelParameter::memory, Unit::ratio);
  add("filling and draining a tile", KernelParameter::prologue, Unit::seconds);
  add("launch of a kernel", KernelParameter::launch, Unit::seconds);
}

/// The rates that an operator's kernels draw on, each with its source.
void add_rates(Terms& terms, const PredictedCase& c, const OperatorRow& row) {
  const Device& device = c.system.device;
  if (row.work.base() > 0) {
    terms.push_back(
        derived("work", row.work.base(), Unit::flops, "of all executions on this rank", 2));
    for (const Peak& peak : device.peaks) {
      if (peak.format != row.compute_format) continue;
      terms.push_back(input("peak, " + std::string(name_of(peak.format)), peak.rate,
                            Unit::flops_per_second, 2));
    }
  }
  if (row.traffic.base() > 0) {
    terms.push_back(derived("traffic", row.traffic.base(), Unit::bytes,
                            "each tensor read or written once, all executions", 2));
    if (!device.memories.empty() && device.memories.front().bandwidth) {
      terms.push_back(input("bandwidth of " + device.memories.front().name,
                            *device.memories.front().bandwidth, Unit::bytes_per_second, 2));
    }
  }
  add_kernel(terms, device, row);
  if (c.plan.execution == Execution::eager) {
    terms.push_back(
        input("launch of a kernel by the host", device.achieved.launch, Unit::seconds, 2));
  }
}

void add_links(Terms& terms, const PredictedCase& c, const OperatorRow& row) {
  terms.push_back(
      derived("sent", row.traffic.base(), Unit::bytes, "by this rank, all executions", 2));
  for (const Level& level : c.system.levels) {
    if (level.count < 2) continue;
    terms.push_back(input("bandwidth of " + level.name + ", " + level.link_name, level.bandwidth,
                          Unit::bytes_per_second, 2));
    terms.push_back(input("latency of " + level.name, level.latency, Unit::seconds, 2));
  }
  terms.push_back(achieved("share of link bandwidth reached", c.system.device.achieved.link, 2));
}

Terms explain_operator(const PredictedCase& c, std::string_view name) {
  Terms terms;
  double total = 0;
  for (const OperatorRow& row : c.prediction.operators) {
    if (row.block + "/" + row.op != name) continue;
    total += row.time.base();
    const bool collective = row.collective != Collective::none;
    terms.push_back(
        {fmt::format("{}{}{} x {}", name_of(row.pass), collective ? ", " : "",
                     collective ? name_of(row.collective) : "", row.count),
         row.time.base(),
         Unit::seconds,
         collective ? "latency x rounds + sent / (bandwidth x share reached)"
                    : "launch + (compute^p + memory^p)^(1/p) over the kernel's tiles and waves, "
                      "limited by " +
                          std::string(name_of(row.bound)),
         "",
         {},
         1});
    if (collective) {
      add_links(terms, c, row);
    } else {
      add_rates(terms, c, row);
    }
  }
  if (terms.empty()) return terms;
  terms.insert(terms.begin(), derived("operator:" + std::string(name), total, Unit::seconds,
                                      "sum over passes, hidden or not", 0));
  return terms;
}

std::string missing_reason(std::string_view figure) {
  if (figure == "energy") return "the device's power is not known";
  return "neither rent nor price of the device is known";
}

template <class Q>
std::string text_in(double value) {
  return format_quantity(Q{value});
}

std::string value_text(double value, Unit unit) {
  switch (unit) {
    case Unit::seconds: return text_in<Seconds>(value);
    case Unit::bytes: return text_in<Bytes>(value);
    case Unit::flops: return text_in<Flops>(value);
    case Unit::joules: return text_in<Joules>(value);
    case Unit::dollars: return text_in<Dollars>(value);
    case Unit::bytes_per_second: return text_in<BytesPerSecond>(value);
    case Unit::flops_per_second: return text_in<FlopsPerSecond>(value);
    case Unit::watts: return text_in<Watts>(value);
    case Unit::dollars_per_second: return text_in<DollarsPerSecond>(value);
    case Unit::per_second: return format_number(value) + " /s";
    case Unit::ratio: return format_number(100 * value, 3) + " %";
    case Unit::none:
    case Unit::count: return format_number(value);
  }
  return "";
}

std::string_view unit_name(Unit unit) {
  constexpr std::array<std::string_view, 13> kNames{
      "", "s", "B", "FLOP", "J", "USD", "B/s", "FLOP/s", "W", "USD/s", "1/s", "", ""};
  return kNames[static_cast<std::size_t>(unit)];
}

}  // namespace

std::vector<std::string> figure_names(const Prediction& prediction) {
  std::vector<std::string> names{"step", "mfu", "energy", "cost"};
  for (const std::string& bound : all_names<Bound>())
    names.push_back("bound." + bound);
  for (const std::string_view name : kMemoryNames)
    names.push_back("memory." + std::string(name));
  for (const OperatorRow& row : prediction.operators) {
    std::string name = "operator:" + row.block + "/" + row.op;
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  }
  return names;
}

Result<std::vector<ExplainedTerm>> explain_figure(const PredictedCase& predicted,
                                                  std::string_view figure) {
  const Place place{.file = "figure"};
  const std::vector<std::string> known = figure_names(predicted.prediction);
  if (std::find(known.begin(), known.end(), figure) == known.end()) {
    return failure(place, fmt::format("unknown figure '{}'", figure), did_you_mean(figure, known));
  }
  if (figure == "step") return explain_step(predicted);
  if (figure == "mfu") return explain_mfu(predicted);
  if (figure.starts_with("operator:")) return explain_operator(predicted, figure.substr(9));
  if (figure.starts_with("memory.")) return explain_memory(predicted, figure.substr(7));
  if (figure.starts_with("bound.")) {
    return explain_bound(predicted, *parse_name<Bound>(figure.substr(6)));
  }
  const bool there = figure == "energy" ? predicted.prediction.energy.has_value()
                                        : predicted.prediction.cost.has_value();
  if (!there) {
    return failure(place, fmt::format("there is no {}: {}", figure, missing_reason(figure)),
                   "a YAML file with 'base:' can add it to the system");
  }
  return figure == "energy" ? explain_energy(predicted) : explain_cost(predicted);
}

Findings findings_of(std::string_view figure, const std::vector<ExplainedTerm>& terms) {
  Findings findings;
  findings.title = fmt::format("What is behind {}", figure);
  Table table{"terms",
              "Terms, each with the inputs of its formula below it",
              {{"term", Unit::none}, {"shown", Unit::none}, {"from", Unit::none}},
              {}};
  Table exact{"values",
              "The same, exact",
              {{"term", Unit::none},
               {"depth", Unit::count},
               {"value", Unit::none},
               {"unit", Unit::none},
               {"formula", Unit::none},
               {"from", Unit::none}},
              {}};
  SourceList sources;
  for (const ExplainedTerm& term : terms) {
    const std::string indent(static_cast<std::size_t>(2 * term.depth), ' ');
    const std::string reference = sources.reference(term.source);
    const std::string from = term.from.empty() ? reference : term.from;
    table.rows.push_back({indent + term.name, value_text(term.value, term.unit),
                          term.formula.empty() ? from : "= " + term.formula});
    exact.rows.push_back({term.name, static_cast<double>(term.depth), term.value,
                          std::string(unit_name(term.unit)), term.formula, from});
  }
  findings.tables = {std::move(table), std::move(exact)};
  if (!sources.table().rows.empty()) findings.tables.push_back(sources.table());
  return findings;
}

}  // namespace fastpath
