#include "validate/baseline.h"

#include <cmath>
#include <limits>
#include <vector>

namespace fastpath {
namespace {

// The grids span all published rows: no launch to 130 us, 1 % to the whole of the roofline.
constexpr int kLaunches = 24;
constexpr int kEfficiencies = 60;
constexpr std::size_t kMostRows = 300;

struct FitPoint {
  Seconds roofline;
  Seconds measured;
};

Seconds launch_at(int step) {
  return step == 0 ? Seconds{} : Seconds{2.5e-7 * std::exp2(0.39 * step)};
}
double efficiency_at(int step) { return std::pow(0.01, static_cast<double>(step) / kEfficiencies); }

double mean_distance(std::span<const FitPoint> points, Seconds launch, double efficiency) {
  double sum = 0;
  for (const FitPoint& point : points)
    sum += std::abs(std::log((launch + point.roofline / efficiency) / point.measured));
  return sum / static_cast<double>(points.size());
}

std::string key_of(const CalibrationRow& row) {
  return row.measurement->kind + '/' + row.measurement->format;
}

}  // namespace

PooledBaseline::PooledBaseline(std::span<const CalibrationRow> rows) {
  std::map<std::string, std::vector<FitPoint>> groups;
  for (const CalibrationRow& row : rows)
    groups[key_of(row)].push_back({naive_roofline(row), row.measurement->time});
  for (const auto& [key, all] : groups) {
    std::vector<FitPoint> points;
    const std::size_t stride = (all.size() + kMostRows - 1) / kMostRows;
    for (std::size_t i = 0; i < all.size(); i += stride)
      points.push_back(all[i]);
    double least = std::numeric_limits<double>::infinity();
    for (int l = 0; l < kLaunches; ++l) {
      for (int e = 0; e <= kEfficiencies; ++e) {
        const double distance = mean_distance(points, launch_at(l), efficiency_at(e));
        if (!(distance < least)) continue;
        least = distance;
        constants_[key] = {launch_at(l), efficiency_at(e)};
      }
    }
  }
}

Seconds PooledBaseline::predict(const CalibrationRow& row) const {
  const auto found = constants_.find(key_of(row));
  if (found == constants_.end()) return naive_roofline(row);
  return found->second.launch + naive_roofline(row) / found->second.efficiency;
}

}  // namespace fastpath
