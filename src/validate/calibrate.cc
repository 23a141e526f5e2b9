#include "validate/calibrate.h"

#include <algorithm>
#include <cmath>

#include "validate/robust_fit.h"

namespace fastpath {
namespace {

/// Spread of log residuals within a well-fitted group: repeat noise and library choice.
constexpr double kNoise = 0.06;
/// Share of a parameter's prior spread that remains from one level to the next.
constexpr std::array<double, 5> kLevelSpread = {1, 1, 1, 0.5, 0.3};
/// The widest groups say roughly the same from a part of their rows.
constexpr std::size_t kMostRows = 300;

KernelParameters parameters_of(std::span<const double> logs) {
  KernelParameters parameters;
  for (std::size_t i = 0; i < kKernelParameters; ++i)
    parameters.values[i] = std::exp(logs[i]);
  return parameters;
}

std::vector<FitParameter> parameters_around(const KernelParameters& prior, double spread_share) {
  std::vector<FitParameter> parameters;
  for (std::size_t i = 0; i < kKernelParameters; ++i) {
    const KernelParameterInfo& one = info(static_cast<KernelParameter>(i));
    parameters.push_back({one.low, one.high, prior.values[i], one.spread * spread_share});
  }
  return parameters;
}

/// At most kMostRows of them, evenly.
std::vector<CalibrationRow> sample(const std::vector<CalibrationRow>& rows) {
  if (rows.size() <= kMostRows) return rows;
  std::vector<CalibrationRow> some;
  for (std::size_t i = 0; i < kMostRows; ++i)
    some.push_back(rows[i * rows.size() / kMostRows]);
  return some;
}

CalibrationNode fit_node(const std::vector<CalibrationRow>& all, const KernelParameters& prior,
                         double spread) {
  const std::vector<CalibrationRow> rows = sample(all);
  const FitResult fit =
      robust_fit(parameters_around(prior, spread), kNoise, [&](std::span<const double> logs) {
        const KernelParameters parameters = parameters_of(logs);
        std::vector<double> residuals;
        residuals.reserve(rows.size());
        for (const CalibrationRow& row : rows)
          residuals.push_back(std::log(predicted_time(row, parameters) / row.measurement->time));
        return residuals;
      });
  CalibrationNode node;
  std::copy(fit.values.begin(), fit.values.end(), node.parameters.values.begin());
  node.spread = median_size(fit.residuals);
  node.rows = static_cast<std::uint32_t>(all.size());
  return node;
}

}  // namespace

std::array<std::string, 5> group_names(const CalibrationRow& row, Libraries libraries) {
  const Measurement& m = *row.measurement;
  std::array<std::string, 5> names;
  names[0] = name_of(m.kernel_class);
  names[1] = names[0] + '/' + m.format;
  names[2] = names[1] + "/any";
  if (libraries == Libraries::apart) {
    names[2] = names[1] + '/' + m.library;
    // Classes of several kinds of kernel: a map of one input is not one of two.
    const bool several = m.kernel_class == KernelClass::elementwise ||
                         m.kernel_class == KernelClass::convolution ||
                         m.kernel_class == KernelClass::recurrent;
    if (several) names[2] += ':' + m.kind;
  }
  names[3] = names[2] + '/' + row.device->family;
  names[4] = names[3] + '/' + row.device->id;
  return names;
}

Seconds predicted_time(const CalibrationRow& row, const KernelParameters& parameters) {
  Seconds time{parameters[KernelParameter::launch]};
  for (const OpShape& part : row.measurement->parts)
    time += kernel_time(row.device->rates, parameters, part).busy;
  return time;
}

Seconds naive_roofline(const CalibrationRow& row) {
  Seconds time;
  for (const OpShape& part : row.measurement->parts) {
    const DeviceRates& rates = row.device->rates;
    time += std::max(part.work / rates.peak(part.compute_format),
                     (part.read + part.write) / rates.bandwidth);
  }
  return time;
}

Calibration::Calibration(std::span<const CalibrationRow> rows, Libraries libraries)
    : libraries_(libraries) {
  std::array<std::map<std::string, std::vector<CalibrationRow>>, 5> levels;
  std::map<std::string, std::string> parents;
  for (const CalibrationRow& row : rows) {
    const std::array<std::string, 5> names = group_names(row, libraries_);
    for (std::size_t level = 0; level < names.size(); ++level) {
      levels[level][names[level]].push_back(row);
      if (level > 0) parents[names[level]] = names[level - 1];
    }
  }
  for (std::size_t level = 0; level < levels.size(); ++level) {
    for (const auto& [name, members] : levels[level]) {
      const KernelParameters prior =
          level == 0 ? default_kernel_parameters() : nodes_.at(parents.at(name)).parameters;
      nodes_[name] = fit_node(members, prior, kLevelSpread[level]);
    }
  }
}

const KernelParameters& Calibration::parameters(const CalibrationRow& row) const {
  static const KernelParameters standard = default_kernel_parameters();
  const std::array<std::string, 5> names = group_names(row, libraries_);
  for (std::size_t level = names.size(); level-- > 0;) {
    const auto found = nodes_.find(names[level]);
    if (found != nodes_.end()) return found->second.parameters;
  }
  return standard;
}

}  // namespace fastpath
