#include "validate/edge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <Eigen/QR>
#include <fmt/format.h>

#include "validate/folds.h"
#include "validate/intervals.h"

namespace fastpath {
namespace {

/// Timings that a user would take first: a large, a depthwise and a quantised network.
constexpr std::array<std::string_view, 3> kThree{"resnet50", "mobilenet_v2", "squeezenet_int8"};
/// Share of what three timings tell of one setting that holds for the device's others.
constexpr double kShared = 0.8;

constexpr std::string_view kInt8 = "_int8";

std::string family_of(const std::string& network) {
  return network.ends_with(kInt8) ? network.substr(0, network.size() - kInt8.size()) : network;
}

struct Run {
  const EdgeRun* run = nullptr;
  const CpuWork* work = nullptr;
  double log_time = 0;
};

bool is_of_three(const Run& run) {
  return std::find(kThree.begin(), kThree.end(), run.run->network) != kThree.end();
}

/// The runs of an entry of the source with one number of threads on one set of cores.
struct BoardSetting {
  CpuSetting cpu;
  std::vector<Run> runs;
};

class Validator {
 public:
  explicit Validator(const EdgeData& data) : data_(data) {
    count_work();
    group_runs();
  }

  EdgeValidation run(EdgeFolds folds, const std::function<void(std::size_t, std::size_t)>& tell);

 private:
  using Corrections = std::map<std::string, double>;

  void count_work();
  void group_runs();
  void leave_network_out(const std::string& family);
  void leave_device_out(const std::string& device, EdgeFolds folds);
  bool is_left_out(const BoardSetting& setting, const std::string& device, EdgeFolds folds) const;
  Corrections network_corrections(const std::vector<std::vector<Timing>>& timings,
                                  const TypicalTimes& typical,
                                  const std::vector<UnitTimes>& times) const;
  UnitTimes after_three(const BoardSetting& setting, const TypicalTimes& typical,
                        const UnitPrior& prior, const Corrections& corrections);
  const BoardSetting& probed(const std::vector<const BoardSetting*>& settings) const;
  void add(const BoardSetting& setting, const Run& run, double log_time);
  void add_all(const BoardSetting& setting, const TypicalTimes& typical, const UnitTimes& times,
               const Corrections& corrections, bool without_three);
  void set_intervals(EdgeFolds folds);

  const EdgeData& data_;
  std::map<std::string, CpuWork> work_;
  std::map<std::string, double> macs_;
  std::vector<BoardSetting> settings_;
  EdgeValidation result_;
  std::vector<std::string> groups_;  ///< by row: what was left out
};

void Validator::count_work() {
  std::map<std::string, std::vector<EdgeLayer>> layers;
  for (const EdgeLayer& layer : data_.layers)
    layers[layer.network].push_back(layer);
  for (const EdgeNetwork& network : data_.networks) {
    if (network.macs <= 0) continue;
    work_[network.network] =
        cpu_work(layers[network.network], network, network.network.ends_with(kInt8));
    macs_[network.network] = network.macs;
  }
}

void Validator::group_runs() {
  using Key = std::array<int, 3>;
  std::map<std::pair<std::string, Key>, std::vector<const EdgeRun*>> groups;
  for (const EdgeRun& run : data_.runs)
    groups[{run.device, {run.entry, run.threads, run.powersave}}].push_back(&run);
  for (const auto& [key, runs] : groups) {
    const auto cpu = data_.cpus.find(key.first);
    if (cpu == data_.cpus.end()) continue;
    auto setting = cpu_setting(cpu->second, key.second[1], key.second[2]);
    if (!setting) continue;
    const EdgeRun& any = *runs.front();
    setting->recorded = any.recorded;
    setting->kernels = cpu_kernels(cpu->second.instructions, {any.recorded, any.built_for});
    if (any.clock) setting->clock = *any.clock;
    if (const auto width = data_.flops_per_cycle.find(setting->core);
        width != data_.flops_per_cycle.end()) {
      setting->flops_per_cycle = width->second;
    }
    BoardSetting group{std::move(*setting), {}};
    for (const EdgeRun* run : runs) {
      const auto work = work_.find(run->network);
      if (work == work_.end()) continue;
      group.runs.push_back({run, &work->second, std::log(run->time.base())});
    }
    if (!group.runs.empty()) settings_.push_back(std::move(group));
  }
}

std::vector<Timing> timings_of(const BoardSetting& setting, const std::string& without_family) {
  std::vector<Timing> timings;
  for (const Run& run : setting.runs) {
    if (family_of(run.run->network) != without_family) timings.push_back({run.work, run.log_time});
  }
  return timings;
}

void Validator::add(const BoardSetting& setting, const Run& run, double log_time) {
  ScoredRow& row = result_.rows.emplace_back();
  row.id = run.run->id;
  row.kind = run.run->network.ends_with(kInt8) ? "int8" : "fp32";
  row.format = run.run->network;
  row.device = run.run->device;
  row.source = run.run->source;
  row.measured = run.run->time;
  row.predicted = Seconds{std::exp(log_time)};
  std::vector<double> rates;
  for (const Run& other : setting.runs) {
    if (family_of(other.run->network) == family_of(run.run->network)) continue;
    rates.push_back(macs_.at(other.run->network) / other.run->time.base());
  }
  if (!rates.empty()) row.pooled = Seconds{macs_.at(row.format) / quantile(rates, 0.5)};
  result_.settings.push_back(fmt::format("{} threads on {} {} of {} cores", setting.cpu.threads,
                                         setting.cpu.used, setting.cpu.core, setting.cpu.allowed));
  result_.has_sheet.push_back(setting.cpu.cpu->has_peak);
}

void Validator::leave_network_out(const std::string& family) {
  std::vector<std::vector<Timing>> timings;
  timings.reserve(settings_.size());
  for (const BoardSetting& setting : settings_)
    timings.push_back(timings_of(setting, family));
  const TypicalTimes typical = fit_typical(timings);
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    if (timings[i].empty()) continue;
    const UnitTimes times = fit_setting(timings[i], typical, wide_prior(typical));
    for (const Run& run : settings_[i].runs) {
      if (family_of(run.run->network) != family) continue;
      add(settings_[i], run, log_time(*run.work, typical, times));
      groups_.push_back(family);
    }
  }
}

/// What networks take beyond their work, from other devices: few measurements count less.
Validator::Corrections Validator::network_corrections(
    const std::vector<std::vector<Timing>>& timings, const TypicalTimes& typical,
    const std::vector<UnitTimes>& times) const {
  constexpr double kFew = 3;
  std::map<std::string, std::pair<double, double>> sums;
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    if (timings[i].empty()) continue;
    for (const Run& run : settings_[i].runs) {
      auto& [sum, count] = sums[run.run->network];
      sum += run.log_time - log_time(*run.work, typical, times[i]);
      ++count;
    }
  }
  Corrections corrections;
  for (const auto& [network, sum] : sums)
    corrections[network] = sum.first / (sum.second + kFew);
  return corrections;
}

/// The setting with most of the three networks, then most threads.
const BoardSetting& Validator::probed(const std::vector<const BoardSetting*>& settings) const {
  const auto worth = [](const BoardSetting* setting) {
    int found = 0;
    for (const Run& run : setting->runs)
      found += is_of_three(run) ? 1 : 0;
    return std::pair(found, setting->cpu.threads);
  };
  return **std::max_element(settings.begin(), settings.end(),
                            [&](const auto* a, const auto* b) { return worth(a) < worth(b); });
}

UnitTimes Validator::after_three(const BoardSetting& setting, const TypicalTimes& typical,
                                 const UnitPrior& prior, const Corrections& corrections) {
  std::vector<Timing> timings;
  for (const Run& run : setting.runs) {
    if (!is_of_three(run)) continue;
    const auto correction = corrections.find(run.run->network);
    timings.push_back(
        {run.work, run.log_time - (correction == corrections.end() ? 0 : correction->second)});
  }
  return fit_setting(timings, typical, prior);
}

/// The runs of the device; where its core designs are left out, also those of other devices on
/// them.
bool Validator::is_left_out(const BoardSetting& setting, const std::string& device,
                            EdgeFolds folds) const {
  if (setting.cpu.cpu->device == device) return true;
  if (folds != EdgeFolds::cores) return false;
  const std::vector<CoreCluster>& own = data_.cpus.at(device).clusters;
  const auto has = [&](const std::string& core) {
    return std::any_of(own.begin(), own.end(), [&](const auto& one) { return one.core == core; });
  };
  if (!setting.cpu.mixed) return has(setting.cpu.core);
  const std::vector<CoreCluster>& clusters = setting.cpu.cpu->clusters;
  return std::any_of(clusters.begin(), clusters.end(),
                     [&](const CoreCluster& cluster) { return has(cluster.core); });
}

void Validator::leave_device_out(const std::string& device, EdgeFolds folds) {
  const bool three = folds == EdgeFolds::three;
  std::vector<std::vector<Timing>> timings;
  std::vector<const BoardSetting*> tested;
  for (const BoardSetting& setting : settings_) {
    const bool out = is_left_out(setting, device, folds);
    timings.push_back(out ? std::vector<Timing>{} : timings_of(setting, ""));
    if (setting.cpu.cpu->device == device) tested.push_back(&setting);
  }
  const TypicalTimes typical = fit_typical(timings);
  std::vector<UnitTimes> times;
  times.reserve(settings_.size());
  for (const std::vector<Timing>& known : timings)
    times.push_back(fit_setting(known, typical, wide_prior(typical)));
  std::vector<const CpuSetting*> settings;
  std::vector<const UnitTimes*> known;
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    if (timings[i].empty()) continue;
    settings.push_back(&settings_[i].cpu);
    known.push_back(&times[i]);
  }
  const EdgePrior regression(settings, known, typical);
  const Corrections corrections = network_corrections(timings, typical, times);
  const BoardSetting& probe = probed(tested);
  const UnitPrior probe_prior = regression.prior(probe.cpu);
  const UnitTimes probe_times =
      three ? after_three(probe, typical, probe_prior, corrections) : UnitTimes{};
  for (const BoardSetting* setting : tested) {
    const UnitPrior prior = regression.prior(setting->cpu);
    const bool probed_itself = three && setting == &probe;
    UnitTimes guess{prior.speed, 0, prior.departures, {}};
    if (three) {
      const double share = probed_itself ? 1 : kShared;
      guess.speed += share * (probe_times.speed - probe_prior.speed);
      guess.departures += share * (probe_times.departures - probe_prior.departures);
    }
    add_all(*setting, typical, guess, corrections, probed_itself);
  }
}

/// Scores all runs of a device's setting, or those that were not its three timings.
void Validator::add_all(const BoardSetting& setting, const TypicalTimes& typical,
                        const UnitTimes& times, const Corrections& corrections,
                        bool without_three) {
  for (const Run& run : setting.runs) {
    if (without_three && is_of_three(run)) continue;
    const auto correction = corrections.find(run.run->network);
    const double extra = correction == corrections.end() ? 0 : correction->second;
    add(setting, run, log_time(*run.work, typical, times) + extra);
    groups_.push_back(run.run->device);
  }
}

/// From the residuals of other networks, or devices.
void Validator::set_intervals(EdgeFolds folds) {
  std::vector<std::vector<std::string>> ties;
  for (const std::string& group : groups_)
    ties.push_back({group});
  const std::vector<std::uint32_t> fold = fold_of_rows(ties, 0);
  std::vector<Residual> residuals;
  const bool sheet_alone = folds == EdgeFolds::devices || folds == EdgeFolds::cores;
  for (std::size_t i = 0; i < result_.rows.size(); ++i) {
    const ScoredRow& row = result_.rows[i];
    const bool guessed = sheet_alone && !result_.has_sheet[i];
    const std::string known =
        std::string(name_of(folds)) + " left out" + (guessed ? ", no peak printed" : "");
    residuals.push_back(
        {std::log(row.measured / row.predicted), {row.kind + ", " + known, known}, fold[i]});
  }
  const ResidualIntervals intervals(residuals);
  for (std::size_t i = 0; i < result_.rows.size(); ++i) {
    ScoredRow& row = result_.rows[i];
    const Interval interval = intervals.interval(residuals[i].regimes, fold[i]);
    row.low = interval.low * row.predicted;
    row.high = interval.high * row.predicted;
    row.regime = interval.regime;
  }
}

EdgeValidation Validator::run(EdgeFolds folds,
                              const std::function<void(std::size_t, std::size_t)>& tell) {
  std::set<std::string> left_out;
  for (const BoardSetting& setting : settings_) {
    for (const Run& run : setting.runs) {
      left_out.insert(folds == EdgeFolds::networks ? family_of(run.run->network) : run.run->device);
    }
  }
  std::size_t done = 0;
  for (const std::string& one : left_out) {
    if (folds == EdgeFolds::networks) {
      leave_network_out(one);
    } else {
      leave_device_out(one, folds);
    }
    tell(++done, left_out.size());
  }
  set_intervals(folds);
  return std::move(result_);
}

}  // namespace

std::string_view name_of(EdgeFolds folds) {
  switch (folds) {
    case EdgeFolds::networks: return "networks";
    case EdgeFolds::devices: return "devices";
    case EdgeFolds::cores: return "devices and their cores";
    case EdgeFolds::three: return "devices but three timings";
  }
  return {};
}

namespace {

using Eigen::Index;
using Widths = std::map<std::string, double>;

/// The column of each core design.
std::map<std::string, Index> core_columns(std::span<const CpuFacts> cpus) {
  std::map<std::string, Index> columns;
  for (const CpuFacts& cpu : cpus) {
    for (const CoreCluster& cluster : cpu.clusters)
      columns.emplace(cluster.core, 0);
  }
  Index next = 0;
  for (auto& [core, column] : columns)
    column = next++;
  return columns;
}

}  // namespace

Widths core_widths(std::span<const CpuFacts> cpus, std::span<const FlopsPerSecond> peaks) {
  constexpr double kRank = 1e-6;
  constexpr double kDetermined = 0.99;
  if (cpus.empty()) return {};
  const std::map<std::string, Index> columns = core_columns(cpus);
  // A device's row: sum of cores x clock x width = peak, over its peak.
  const auto rows = static_cast<Index>(cpus.size());
  Eigen::MatrixXd cycles = Eigen::MatrixXd::Zero(rows, static_cast<Index>(columns.size()));
  for (Index row = 0; row < rows; ++row) {
    const auto i = static_cast<std::size_t>(row);
    for (const CoreCluster& cluster : cpus[i].clusters)
      cycles(row, columns.at(cluster.core)) +=
          cluster.cores * (cluster.clock.base() / peaks[i].base());
  }
  Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> factors;
  factors.setThreshold(kRank);
  factors.compute(cycles);
  const Eigen::MatrixXd inverse = factors.pseudoInverse();
  const Eigen::VectorXd found = inverse * Eigen::VectorXd::Ones(rows);
  const Eigen::VectorXd determined = (inverse * cycles).diagonal();
  Widths widths;
  for (const auto& [core, column] : columns) {
    if (determined[column] > kDetermined && found[column] > 0) widths[core] = found[column];
  }
  return widths;
}

EdgeValidation validate_edge(const EdgeData& data, EdgeFolds folds,
                             const std::function<void(std::size_t, std::size_t)>& progress) {
  return Validator(data).run(folds, progress);
}

}  // namespace fastpath
