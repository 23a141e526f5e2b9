#include "base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastpath {
namespace {

using ::testing::HasSubstr;

template <class Q>
double base(std::string_view text) {
  const auto quantity = parse_quantity<Q>(text, Place{"test", 1, 1});
  EXPECT_TRUE(quantity) << text << ": " << (quantity ? "" : quantity.error()[0].what);
  return quantity ? quantity->base() : -1;
}

template <class Q>
Diagnostic mistake(std::string_view text) {
  const auto quantity = parse_quantity<Q>(text, Place{"test", 2, 5});
  EXPECT_FALSE(quantity) << text;
  if (quantity) return {};
  EXPECT_EQ(quantity.error().size(), 1u);
  EXPECT_EQ(quantity.error()[0].place.line, 2);
  return quantity.error()[0];
}

TEST(Units, are_read_to_base_units) {
  EXPECT_EQ(base<BytesPerSecond>("450 GB/s"), 450e9);
  EXPECT_EQ(base<BytesPerSecond>("1.5GiB/s"), 1.5 * 0x1p30);
  EXPECT_EQ(base<Bytes>("80GiB"), 80 * 0x1p30);
  EXPECT_EQ(base<Bytes>(" 80 GB "), 80e9);
  EXPECT_EQ(base<Seconds>("3.5 us"), 3.5e-6);
  EXPECT_EQ(base<Seconds>("3.5 \u00b5s"), 3.5e-6);
  EXPECT_EQ(base<Seconds>("2 h"), 7200);
  EXPECT_EQ(base<FlopsPerSecond>("989.4 TFLOP/s"), 989.4e12);
  EXPECT_EQ(base<Flops>("4.1 GFLOP"), 4.1e9);
  EXPECT_EQ(base<Watts>("700 W"), 700);
  EXPECT_EQ(base<Joules>("1 kWh"), 3.6e6);
  EXPECT_EQ(base<Joules>("3.9 pJ"), 3.9e-12);
  EXPECT_EQ(base<Dollars>("25000 USD"), 25000);
  EXPECT_EQ(base<DollarsPerSecond>("3.6 USD/h"), 1e-3);
  EXPECT_EQ(base<Hertz>("1.98 GHz"), 1.98e9);
}

TEST(Units, a_number_rounds_once_so_it_equals_its_decimal_in_base_units) {
  EXPECT_EQ(base<Seconds>("5 ms"), 0.005);
  EXPECT_EQ(base<Seconds>("0.3 ns"), 0.3e-9);
  EXPECT_EQ(base<Flops>("4.1 GFLOP"), 4.1e9);
  EXPECT_EQ(base<Bytes>("1e3 B"), 1e3);
  EXPECT_EQ(base<Bytes>("2 EB"), 2e18);
}

TEST(Units, bits_are_an_eighth_of_a_byte_and_case_tells_them_apart) {
  EXPECT_EQ(base<BytesPerSecond>("400 Gb/s"), 50e9);
  EXPECT_EQ(base<BytesPerSecond>("400 Gbit/s"), 50e9);
  EXPECT_EQ(base<Bytes>("16 Gb"), 2e9);
  EXPECT_THAT(mistake<BytesPerSecond>("400 gb/s").hint,
              HasSubstr("upper and lower case matter: write 'GB/s' or 'Gb/s'"));
}

TEST(Units, integer_operations_count_as_flop) {
  EXPECT_EQ(base<FlopsPerSecond>("275 TOP/s"), 275e12);
  EXPECT_EQ(base<Flops>("2 GOP"), 2e9);
}

TEST(Units, a_number_without_a_unit_is_an_error) {
  const Diagnostic found = mistake<BytesPerSecond>("450");
  EXPECT_EQ(found.what, "'450' has no unit");
  EXPECT_THAT(found.hint, HasSubstr("450 GB/s"));
}

TEST(Units, rates_are_spelled_with_a_slash) {
  EXPECT_THAT(mistake<FlopsPerSecond>("275 TOPS").hint, HasSubstr("write 'TOP/s' for a rate"));
  EXPECT_THAT(mistake<FlopsPerSecond>("989 TFLOPS").hint, HasSubstr("write 'TFLOP/s'"));
  EXPECT_THAT(mistake<FlopsPerSecond>("989 TFLOPs").hint, HasSubstr("write 'TFLOP/s'"));
  EXPECT_THAT(mistake<BytesPerSecond>("400 Gbps").hint, HasSubstr("write 'Gb/s'"));
}

TEST(Units, an_unknown_unit_names_the_nearest_and_what_is_accepted) {
  const Diagnostic found = mistake<DollarsPerSecond>("2 USD/hr");
  EXPECT_EQ(found.what, "unknown unit 'USD/hr'");
  EXPECT_EQ(found.hint, "did you mean 'USD/h'? accepted here: USD/h, USD/s");
  EXPECT_THAT(mistake<Dollars>("12 $").hint, HasSubstr("USD"));
  EXPECT_THAT(mistake<Dollars>("25,000 USD").hint, HasSubstr("thousands"));
}

TEST(Units, a_unit_of_another_dimension_is_an_error) {
  EXPECT_EQ(mistake<BytesPerSecond>("80 GB").what, "'80 GB' is a size, not a bandwidth");
  EXPECT_EQ(mistake<Flops>("80 TFLOP/s").what,
            "'80 TFLOP/s' is a rate of operations, not a count of operations");
  EXPECT_EQ(mistake<Bytes>("3 W/s").what, "'3 W/s' is of another kind, not a size");
}

TEST(Units, numbers_are_finite_and_not_negative) {
  EXPECT_EQ(mistake<Watts>("-3 W").what, "'-3 W' is negative");
  EXPECT_EQ(base<Watts>("-0 W"), 0);
  EXPECT_EQ(mistake<Watts>("1e999 W").what, "'1e999 W' is out of range");
  EXPECT_EQ(mistake<Watts>("1e308 GW").what, "'1e308 GW' is out of range");
  EXPECT_EQ(mistake<Watts>("nan W").what, "'nan W' does not start with a number");
  EXPECT_EQ(mistake<Watts>("").what, "expected a power");
  EXPECT_EQ(mistake<Watts>("W").what, "'W' does not start with a number");
}

TEST(Units, are_written_in_the_unit_people_use) {
  EXPECT_EQ(write_quantity(BytesPerSecond{450e9}), "450 GB/s");
  EXPECT_EQ(write_quantity(BytesPerSecond{3.35e12}), "3.35 TB/s");
  EXPECT_EQ(write_quantity(Bytes{80e9}), "80 GB");
  EXPECT_EQ(write_quantity(Bytes{80 * 0x1p30}), "80 GiB");
  EXPECT_EQ(write_quantity(FlopsPerSecond{989.4e12}), "989.4 TFLOP/s");
  EXPECT_EQ(write_quantity(Watts{700}), "700 W");
  EXPECT_EQ(write_quantity(Hertz{1.98e9}), "1.98 GHz");
  EXPECT_EQ(write_quantity(Dollars{25000}), "25000 USD");
  EXPECT_EQ(write_quantity(DollarsPerSecond{2.1 / 3600}), "2.1 USD/h");
  EXPECT_EQ(write_quantity(Seconds{3.5e-6}), "3.5 us");
  EXPECT_EQ(write_quantity(Seconds{}), "0 s");
}

TEST(Units, are_scaled_and_rounded_for_people) {
  EXPECT_EQ(format_quantity(FlopsPerSecond{1.98e12}), "1.98 TFLOP/s");
  EXPECT_EQ(format_quantity(Seconds{312.44e-6}), "312.4 us");
  EXPECT_EQ(format_quantity(Seconds{999.96e-6}), "1 ms");
  EXPECT_EQ(format_quantity(Seconds{5400}), "1.5 h");
  EXPECT_EQ(format_quantity(Seconds{}), "0 ps");
  EXPECT_EQ(format_quantity(Bytes{79.6 * 0x1p30}), "79.6 GiB");
  EXPECT_EQ(format_quantity(Dollars{1234567}), "1,234,567 USD");
  EXPECT_EQ(format_quantity(DollarsPerSecond{2.1 / 3600}), "2.1 USD/h");
  EXPECT_EQ(format_quantity(Joules{7.2e6}), "2 kWh");
  EXPECT_EQ(format_quantity(Watts{1e-9}, 2), "1e-06 mW");
  EXPECT_EQ(format_number(1234567), "1,234,567");
  EXPECT_EQ(format_number(-1234), "-1,234");
  EXPECT_EQ(format_number(12345.67), "12,350");
  EXPECT_EQ(format_number(0.123456), "0.1235");
}

}  // namespace
}  // namespace fastpath
