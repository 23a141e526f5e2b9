// Laws of arithmetic with units.
#include "fastpath/quantity.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace fastpath {
namespace {

static_assert(std::is_same_v<decltype(Bytes{} / Seconds{}), BytesPerSecond>);
static_assert(std::is_same_v<decltype(Flops{} / FlopsPerSecond{}), Seconds>);
static_assert(std::is_same_v<decltype(Watts{} * Seconds{}), Joules>);
static_assert(std::is_same_v<decltype(Seconds{} / Seconds{}), double>);

/// Whole numbers of a thousandth: sums of them are exact enough to compare closely.
double any_number() { return *rc::gen::inRange<int>(-1'000'000, 1'000'000) / 1000.0; }

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-12 * std::max(std::abs(a), std::abs(b));
}

RC_GTEST_PROP(quantity, sums_commute, ()) {
  const Bytes a{any_number()};
  const Bytes b{any_number()};
  RC_ASSERT(a + b == b + a);
  RC_ASSERT(a - b == -(b - a));
}

RC_GTEST_PROP(quantity, a_rate_times_the_time_is_the_amount_again, ()) {
  const Bytes amount{any_number()};
  const Seconds time{std::abs(any_number()) + 1e-3};
  RC_ASSERT(close((amount / time * time).base(), amount.base()));
}

RC_GTEST_PROP(quantity, order_is_that_of_the_numbers, ()) {
  const double a = any_number();
  const double b = any_number();
  RC_ASSERT((Seconds{a} < Seconds{b}) == (a < b));
}

}  // namespace
}  // namespace fastpath
