/// Log-normal factors of task times, from a seed.
#pragma once

#include <array>
#include <cstdint>

namespace fastpath {

/// One of 4,096 equally likely values of a log-normal distribution with mean 1: a draw is a
/// look-up. Streams with different keys are independent of each other and of the order of their
/// use.
class Jitter {
 public:
  /// `sigma`: standard deviation of the logarithm, at least 0.
  explicit Jitter(double sigma);

  void start(std::uint64_t seed, std::uint64_t replica, std::uint64_t rank, std::uint64_t slot);
  double next();

 private:
  static constexpr int kBits = 12;
  std::array<double, 1 << kBits> values_{};
  std::uint64_t state_ = 0;
  std::uint64_t bits_ = 0;
  int left_ = 0;
};

/// Uniform 64 bits that depend on all bits of `value` (splitmix64: Steele, Lea, Flood, OOPSLA
/// 2014).
std::uint64_t mixed(std::uint64_t value);

}  // namespace fastpath
