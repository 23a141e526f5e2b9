#include "model/goodput.h"

#include <algorithm>
#include <cmath>

namespace fastpath {

double goodput(const FailureModel& model, Seconds interval) {
  const double restart = model.restart / model.mtbf;
  const double segment = (interval + model.checkpoint) / model.mtbf;
  return interval / model.mtbf / (std::exp(restart) * std::expm1(segment));
}

Seconds best_interval(const FailureModel& model) {
  const double write = model.checkpoint / model.mtbf;
  // Left of the best interval t/M is below 1 - e^(-(t + C)/M), right of it above; it is below M.
  double low = 0;
  double high = 1;
  constexpr int kBisections = 100;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (middle < -std::expm1(-(middle + write)) ? low : high) = middle;
  }
  return high * model.mtbf;
}

Seconds young_interval(const FailureModel& model) {
  return std::sqrt(2 * (model.checkpoint / model.mtbf)) * model.mtbf;
}

Seconds daly_interval(const FailureModel& model) {
  const double half = model.checkpoint / (2 * model.mtbf);
  if (half >= 1) return model.mtbf;
  return (1 + std::sqrt(half) / 3 + half / 9) * young_interval(model) - model.checkpoint;
}

Seconds wait_for_node(double rate, Seconds repair, std::int64_t spares) {
  const double mean = rate * repair.base();
  if (mean <= 0) return Seconds{};
  double below = 0;  // probability that fewer than `spares` nodes are in repair
  for (std::int64_t n = 0; n < spares; ++n) {
    const auto count = static_cast<double>(n);
    below += std::exp(count * std::log(mean) - mean - std::lgamma(count + 1));
  }
  return std::max(0.0, 1 - below) / static_cast<double>(spares + 1) * repair;
}

}  // namespace fastpath
