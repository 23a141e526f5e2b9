#include "validate/mlperf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "ir/cpu_cores.h"
#include "validate/robust_fit.h"
#include "validate/score.h"

namespace fastpath {
namespace {

constexpr double kNoise = 0.2;  ///< software of one board and network differs by about so much

/// What a multiply-accumulate takes over its share of the peak: kernels of int8 unpack to 16 bit
/// before they multiply two at a time, and depthwise ones have no reuse. A layer is a call, a table
/// of its shapes, and requantised outputs.
constexpr std::array<FitParameter, 6> kParameters{
    {{.low = 0.5, .high = 50, .prior = 2, .spread = 1},
     {.low = 0.5, .high = 50, .prior = 2, .spread = 1},
     {.low = 0.5, .high = 100, .prior = 4, .spread = 1},
     {.low = 0.5, .high = 50, .prior = 2, .spread = 1},
     {.low = 1, .high = 1e6, .prior = 1000, .spread = 1.5},
     {.low = 0.3, .high = 1.5, .prior = 0.6, .spread = 0.3}}};

TinyRule rule_of(std::span<const double> values) {
  return {values[0], values[1], values[2], values[3], values[4], values[5]};
}

double error_of(Seconds predicted, Seconds measured) { return std::abs(predicted / measured - 1); }

double median(const std::vector<double>& values) {
  return values.empty() ? 0 : quantile(values, 0.5);
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// A prediction and the baseline's, of one run.
struct Scored {
  const TinyRun* run = nullptr;
  double error = 0;
  double naive = 0;
};

using Wanted = std::function<bool(const TinyCase&)>;

std::vector<TinyCase> those(std::span<const TinyCase> cases, const Wanted& wanted) {
  std::vector<TinyCase> some;
  std::copy_if(cases.begin(), cases.end(), std::back_inserter(some), wanted);
  return some;
}

/// The board left out, integers and floats apart. Baseline: the same network's time on the others,
/// by the ratio of peaks.
std::vector<Scored> boards_left_out(std::span<const TinyCase> cases) {
  std::vector<Scored> scored;
  std::set<std::pair<std::string, bool>> left_out;
  for (const TinyCase& one : cases)
    left_out.insert({one.run->device, one.run->in_floats});
  for (const auto& [device, floats] : left_out) {
    const auto train = those(cases, [&, &device = device, floats = floats](const TinyCase& c) {
      return c.run->device != device && c.run->in_floats == floats;
    });
    const TinyRule rule = fit_tiny(train);
    for (const TinyCase& one : cases) {
      if (one.run->device != device || one.run->in_floats != floats) continue;
      std::vector<double> work;
      for (const TinyCase& other : train) {
        if (other.network == one.network)
          work.push_back(other.run->time.base() * other.peak.base());
      }
      const Seconds naive{median(work) / one.peak.base()};
      scored.push_back(
          {one.run, error_of(tiny_time(one, rule), one.run->time), error_of(naive, one.run->time)});
    }
  }
  return scored;
}

/// `one`, by the other networks of its submission on its board; nothing without any.
std::optional<Scored> from_other_networks(const TinyCase& one, std::span<const TinyCase> train,
                                          const TinyRule& rule) {
  std::vector<double> slower;
  std::vector<double> rates;
  for (const TinyCase& other : train) {
    const bool same = other.run->submission == one.run->submission;
    if (!same || other.run->device != one.run->device) continue;
    slower.push_back(other.run->time / tiny_time(other, rule));
    rates.push_back(other.network->macs() / other.run->time.base());
  }
  if (slower.empty()) return std::nullopt;
  const Seconds predicted = median(slower) * tiny_time(one, rule);
  const Seconds naive{one.network->macs() / median(rates)};
  return Scored{one.run, error_of(predicted, one.run->time), error_of(naive, one.run->time)};
}

/// The network left out everywhere; the speed of a submission is the median of its other networks'.
/// Baseline: multiply-accumulates over their median rate.
std::vector<Scored> networks_left_out(std::span<const TinyCase> cases, const MlperfData& data) {
  std::vector<Scored> scored;
  for (const TinyNetwork& network : data.networks) {
    const auto train =
        those(cases, [&](const TinyCase& c) { return c.network != &network && !c.run->in_floats; });
    const TinyRule rule = fit_tiny(train);
    for (const TinyCase& one : cases) {
      if (one.network != &network || one.run->in_floats) continue;
      if (const auto found = from_other_networks(one, train, rule)) scored.push_back(*found);
    }
  }
  return scored;
}

Table error_table(std::string name, std::string title) {
  return {std::move(name),
          std::move(title),
          {{"of"},
           {"rows", Unit::count},
           {"median_error", Unit::ratio},
           {"mean_error", Unit::ratio},
           {"naive_median", Unit::ratio},
           {"naive_mean", Unit::ratio}},
          {}};
}

void add_errors(Table& table, const std::string& name, std::span<const Scored> scored,
                const std::function<bool(const TinyRun&)>& wanted) {
  std::vector<double> errors;
  std::vector<double> naive;
  for (const Scored& one : scored) {
    if (!wanted(*one.run)) continue;
    errors.push_back(one.error);
    naive.push_back(one.naive);
  }
  if (errors.empty()) return;
  table.rows.push_back({name, static_cast<double>(errors.size()), median(errors), mean(errors),
                        median(naive), mean(naive)});
}

Table rule_table(std::span<const TinyCase> cases) {
  const TinyRule rule = fit_tiny(those(cases, [](const TinyCase& c) { return !c.run->in_floats; }));
  Table table{"tiny_rule",
              "The rule of MLPerf Tiny, fitted to int8 on all boards",
              {{"of"}, {"value"}},
              {}};
  const auto text = [](double value) { return fmt::format("{:.3g}", value); };
  table.rows = {{std::string("convolution, over the peak's time"), text(rule.convolution)},
                {std::string("pointwise convolution"), text(rule.pointwise)},
                {std::string("depthwise convolution"), text(rule.depthwise)},
                {std::string("dense"), text(rule.dense)},
                {std::string("cycles of a layer"), text(rule.layer_cycles)},
                {std::string("on cores that issue two a cycle"), text(rule.dual_issue)}};
  return table;
}

/// Single streams with a name.
std::vector<const MobileRun*> mobile_runs(const MlperfData& data) {
  std::vector<const MobileRun*> runs;
  for (const MobileRun& run : data.mobile) {
    if (run.single && !run.benchmark.empty()) runs.push_back(&run);
  }
  return runs;
}

const MobileRun* same_network(std::span<const MobileRun* const> runs, const std::string& device,
                              const std::string& benchmark) {
  for (const MobileRun* run : runs) {
    if (run->device == device && run->benchmark == benchmark) return run;
  }
  return nullptr;
}

/// How much slower `run`'s device is than `other` on the networks that both ran, but its own.
std::optional<double> slower_than(std::span<const MobileRun* const> runs, const MobileRun& run,
                                  const std::string& other) {
  std::vector<double> ratios;
  for (const MobileRun* here : runs) {
    if (here->device != run.device || here->benchmark == run.benchmark) continue;
    const MobileRun* const there = same_network(runs, other, here->benchmark);
    if (there != nullptr) ratios.push_back(here->time / there->time);
  }
  return ratios.empty() ? std::nullopt : std::optional(median(ratios));
}

Cell peak_ratio(const MlperfData& data, const MobileRun& run, const MobileRun& there) {
  const auto a = data.boards.find(run.device);
  const auto b = data.boards.find(there.device);
  if (a == data.boards.end() || b == data.boards.end()) return {};
  if (!a->second.int8 || !b->second.int8) return {};
  return error_of(there.time * (*b->second.int8 / *a->second.int8), run.time);
}

/// A network on a phone that is left out: its time on another one, by how much slower the phone is
/// on all other networks. Baseline: by the ratio of the CPUs' int8 peaks.
Table mobile_table(const MlperfData& data) {
  Table table{"mobile",
              "MLPerf Mobile, single stream, 90th percentile; the network left out on the phone",
              {{"device"},
               {"benchmark"},
               {"from"},
               {"measured", Unit::seconds},
               {"predicted", Unit::seconds},
               {"error", Unit::ratio},
               {"naive_error", Unit::ratio}},
              {}};
  const std::vector<const MobileRun*> runs = mobile_runs(data);
  for (const MobileRun* run : runs) {
    for (const MobileRun* there : runs) {
      if (there->device == run->device || there->benchmark != run->benchmark) continue;
      const auto slower = slower_than(runs, *run, there->device);
      if (!slower) continue;
      const Seconds predicted = *slower * there->time;
      table.rows.push_back({run->device, run->benchmark, there->device, run->time.base(),
                            predicted.base(), error_of(predicted, run->time),
                            peak_ratio(data, *run, *there)});
    }
  }
  return table;
}

Table tiny_table(std::span<const TinyCase> cases, const MlperfData& data,
                 std::span<const Scored> boards) {
  Table table = error_table("tiny", "MLPerf Tiny on microcontrollers");
  add_errors(table, "board left out, int8", boards, [](const TinyRun& r) { return !r.in_floats; });
  add_errors(table, "board left out, fp32", boards, [](const TinyRun& r) { return r.in_floats; });
  add_errors(table, "network left out, int8", networks_left_out(cases, data),
             [](const TinyRun&) { return true; });
  return table;
}

}  // namespace

Seconds tiny_time(const TinyCase& of, const TinyRule& rule) {
  const TinyNetwork& network = *of.network;
  const double work = rule.convolution * network.convolution + rule.pointwise * network.pointwise +
                      rule.depthwise * network.depthwise + rule.dense * network.dense;
  const double time =
      2 * work / of.peak.base() + network.layers * rule.layer_cycles / of.clock.base();
  return Seconds{(of.dual_issue ? rule.dual_issue : 1) * time};
}

TinyRule fit_tiny(std::span<const TinyCase> cases) {
  const FitResult fit = robust_fit(kParameters, kNoise, [&](std::span<const double> logs) {
    std::array<double, kParameters.size()> values{};
    std::transform(logs.begin(), logs.end(), values.begin(), [](double x) { return std::exp(x); });
    const TinyRule rule = rule_of(values);
    std::vector<double> residuals;
    residuals.reserve(cases.size());
    for (const TinyCase& one : cases)
      residuals.push_back(std::log(tiny_time(one, rule) / one.run->time));
    return residuals;
  });
  return rule_of(fit.values);
}

std::vector<TinyCase> tiny_cases(const MlperfData& data) {
  std::vector<TinyCase> cases;
  for (const TinyRun& run : data.tiny) {
    const auto board = data.boards.find(run.device);
    if (board == data.boards.end() || !run.closed || run.accelerated) continue;
    const auto network =
        std::find_if(data.networks.begin(), data.networks.end(),
                     [&](const TinyNetwork& n) { return n.benchmark == run.benchmark; });
    const CpuFacts& cpu = board->second.cpu;
    if (network == data.networks.end() || cpu.clusters.size() != 1) continue;
    const CoreCluster& core = cpu.clusters.front();
    if (!(core.clock > Hertz{})) continue;
    const bool fpu = cpu.instructions.find("fpu") != std::string::npos;
    // A fused multiply-add a cycle: two operations.
    std::optional<FlopsPerSecond> peak = board->second.int8;
    if (run.in_floats)
      peak = fpu ? std::optional(FlopsPerSecond{2 * core.clock.base()}) : std::nullopt;
    if (!peak) continue;
    cases.push_back({&run, &*network, *peak, core.clock, issues_two(core.core)});
  }
  return cases;
}

Findings validate_mlperf(const MlperfData& data) {
  Findings findings;
  const std::vector<TinyCase> cases = tiny_cases(data);
  if (!cases.empty()) {
    const std::vector<Scored> boards = boards_left_out(cases);
    findings.tables.push_back(tiny_table(cases, data, boards));
    Table by_board = error_table("tiny_boards", "MLPerf Tiny by board, left out");
    std::set<std::string> devices;
    for (const TinyCase& one : cases)
      devices.insert(one.run->device);
    for (const std::string& device : devices)
      add_errors(by_board, device, boards, [&](const TinyRun& r) { return r.device == device; });
    findings.tables.push_back(std::move(by_board));
    findings.tables.push_back(rule_table(cases));
    findings.notes.push_back(fmt::format(
        "MLPerf Tiny: {} of {} runs; the others ran on accelerators or other networks, or their "
        "board's entry has no int8 peak. naive: the network's time on other boards by the ratio of "
        "peaks, or multiply-accumulates over the submission's median rate.",
        cases.size(), data.tiny.size()));
  }
  Table mobile = mobile_table(data);
  if (!mobile.rows.empty()) {
    findings.notes.push_back(fmt::format(
        "MLPerf Mobile: {} of {} runs are of a named network, one at a time. No phone's entry has "
        "the rate of the accelerator that ran them: naive takes the CPUs' int8 peaks.",
        mobile_runs(data).size(), data.mobile.size()));
    findings.tables.push_back(std::move(mobile));
  }
  return findings;
}

}  // namespace fastpath
