#include <bit>
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"
#include "base/units.h"

namespace fastpath {
namespace {

/// Any finite double that is not negative, of all magnitudes.
rc::Gen<double> any_size() {
  const auto of_bits = rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t bits) {
    const double value = std::abs(std::bit_cast<double>(bits));
    return std::isfinite(value) ? value : 0.0;
  });
  const auto decimal = rc::gen::map(rc::gen::inRange<std::int64_t>(0, 100'000'000),
                                    [](std::int64_t n) { return static_cast<double>(n) * 1e4; });
  return rc::gen::oneOf(of_bits, decimal);
}

template <class Q>
void round_trips() {
  const Q value{*any_size()};
  const std::string text = write_quantity(value);
  const auto read = parse_quantity<Q>(text, Place{});
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->base() == value.base());
  RC_ASSERT(write_quantity(*read) == text);
}

RC_GTEST_PROP(Units, what_is_written_reads_back_to_the_same_number, ()) {
  round_trips<Seconds>();
  round_trips<Bytes>();
  round_trips<Flops>();
  round_trips<Joules>();
  round_trips<Dollars>();
  round_trips<BytesPerSecond>();
  round_trips<FlopsPerSecond>();
  round_trips<Watts>();
  round_trips<DollarsPerSecond>();
  round_trips<Hertz>();
}

RC_GTEST_PROP(Units, what_people_see_is_within_half_a_unit_of_the_last_digit, ()) {
  const double size = static_cast<double>(*rc::gen::inRange<std::int64_t>(1, 1'000'000'000)) * 1e-3;
  const auto read = parse_quantity<BytesPerSecond>(format_quantity(BytesPerSecond{size}), Place{});
  RC_ASSERT(read.has_value());
  RC_ASSERT(std::abs(read->base() - size) <= 0.5001e-3 * size);
}

RC_GTEST_PROP(Units, any_text_is_a_quantity_or_an_error_with_a_cause, (const std::string& text)) {
  const auto read = parse_quantity<Bytes>(text, Place{});
  RC_ASSERT(read.has_value() || !read.error()[0].what.empty());
}

RC_GTEST_PROP(Text, distance_is_a_symmetric_zero_only_for_equals, ()) {
  const auto word = rc::gen::container<std::string>(rc::gen::inRange('a', 'd'));
  const std::string a = *word;
  const std::string b = *word;
  RC_ASSERT(edit_distance(a, b) == edit_distance(b, a));
  RC_ASSERT((edit_distance(a, b) == 0) == (a == b));
}

}  // namespace
}  // namespace fastpath
