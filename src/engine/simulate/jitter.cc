#include "engine/simulate/jitter.h"

#include <cmath>
#include <numeric>

namespace fastpath {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

/// Inverse of the standard normal distribution by bisection; `p` within (0, 1).
double normal_quantile(double p) {
  double low = -10;
  double high = 10;
  constexpr int kBisections = 60;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

std::uint64_t mixed(std::uint64_t value) {
  value += kGolden;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111eb;
  return value ^ (value >> 31U);
}

Jitter::Jitter(double sigma) {
  const auto count = static_cast<double>(values_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i] =
        sigma > 0 ? std::exp(sigma * normal_quantile((static_cast<double>(i) + 0.5) / count)) : 1;
  }
  const double mean = std::accumulate(values_.begin(), values_.end(), 0.0) / count;
  for (double& value : values_)
    value /= mean;
}

void Jitter::start(std::uint64_t seed, std::uint64_t replica, std::uint64_t rank,
                   std::uint64_t slot) {
  state_ = mixed(mixed(mixed(mixed(seed) ^ replica) ^ rank) ^ slot);
  left_ = 0;
}

double Jitter::next() {
  if (left_ == 0) {
    state_ += kGolden;
    bits_ = mixed(state_);
    left_ = 64 / kBits;
  }
  const std::uint64_t index = bits_ & ((1U << kBits) - 1);
  bits_ >>= kBits;
  --left_;
  return values_[index];
}

}  // namespace fastpath
