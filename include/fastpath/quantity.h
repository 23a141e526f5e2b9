/// Quantities with their dimension in the type, held in base units (s, B, FLOP, J, USD).
#pragma once

#include <compare>
#include <cstdint>

namespace fastpath {

/// Exponents of the base dimensions: second, byte, operation, joule, US dollar.
struct Dimension {
  int time = 0;
  int data = 0;
  int work = 0;
  int energy = 0;
  int money = 0;

  friend constexpr bool operator==(Dimension, Dimension) = default;
};

constexpr Dimension operator+(Dimension a, Dimension b) {
  return {a.time + b.time, a.data + b.data, a.work + b.work, a.energy + b.energy,
          a.money + b.money};
}

constexpr Dimension operator-(Dimension a) {
  return {-a.time, -a.data, -a.work, -a.energy, -a.money};
}

/// A number with a dimension. Only quantities of one dimension add, compare or divide to a number.
template <Dimension D>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double base) : base_(base) {}

  /// The number in base units.
  constexpr double base() const { return base_; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity{a.base_ + b.base_};
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity{a.base_ - b.base_};
  }
  friend constexpr Quantity operator-(Quantity a) { return Quantity{-a.base_}; }
  friend constexpr Quantity operator*(double k, Quantity q) { return Quantity{k * q.base_}; }
  friend constexpr Quantity operator*(Quantity q, double k) { return Quantity{k * q.base_}; }
  friend constexpr Quantity operator/(Quantity q, double k) { return Quantity{q.base_ / k}; }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.base_ / b.base_; }
  constexpr Quantity& operator+=(Quantity b) {
    base_ += b.base_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity b) {
    base_ -= b.base_;
    return *this;
  }
  constexpr Quantity& operator*=(double k) {
    base_ *= k;
    return *this;
  }

 private:
  double base_ = 0;
};

/// Quotient of two dimensions; equal dimensions give a plain number (the friend above).
template <Dimension A, Dimension B>
constexpr auto operator/(Quantity<A> a, Quantity<B> b) {
  return Quantity<A + (-B)>{a.base() / b.base()};
}

/// Product of two dimensions, for example a power and a time.
template <Dimension A, Dimension B>
constexpr auto operator*(Quantity<A> a, Quantity<B> b) {
  return Quantity<A + B>{a.base() * b.base()};
}

using Seconds = Quantity<Dimension{.time = 1}>;
using Bytes = Quantity<Dimension{.data = 1}>;
using Flops = Quantity<Dimension{.work = 1}>;  ///< a count of operations, never a rate
using Joules = Quantity<Dimension{.energy = 1}>;
using Dollars = Quantity<Dimension{.money = 1}>;
using BytesPerSecond = Quantity<Dimension{.time = -1, .data = 1}>;
using FlopsPerSecond = Quantity<Dimension{.time = -1, .work = 1}>;
using Watts = Quantity<Dimension{.time = -1, .energy = 1}>;
using DollarsPerSecond = Quantity<Dimension{.time = -1, .money = 1}>;
using Hertz = Quantity<Dimension{.time = -1}>;

inline namespace literals {
constexpr Seconds operator""_s(long double x) { return Seconds{static_cast<double>(x)}; }
constexpr Seconds operator""_ms(long double x) { return Seconds{static_cast<double>(x) * 1e-3}; }
constexpr Seconds operator""_us(long double x) { return Seconds{static_cast<double>(x) * 1e-6}; }
constexpr Bytes operator""_B(long double x) { return Bytes{static_cast<double>(x)}; }
constexpr Bytes operator""_GB(long double x) { return Bytes{static_cast<double>(x) * 1e9}; }
constexpr Bytes operator""_GiB(long double x) { return Bytes{static_cast<double>(x) * 0x1p30}; }
constexpr BytesPerSecond operator""_GBps(long double x) {
  return BytesPerSecond{static_cast<double>(x) * 1e9};
}
constexpr FlopsPerSecond operator""_TFLOPps(long double x) {
  return FlopsPerSecond{static_cast<double>(x) * 1e12};
}
}  // namespace literals

/// Time of an event: picoseconds since its timeline's base (range 106 days).
using Picoseconds = std::int64_t;

}  // namespace fastpath
