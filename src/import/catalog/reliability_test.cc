#include "import/catalog/reliability.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(reliability, of_the_catalog_is_about_fifty_thousand_hours_a_device) {
  const auto runs = embedded_reliability();
  ASSERT_TRUE(runs.has_value());
  ASSERT_FALSE(runs->empty());
  // arXiv 2407.21783, table 5: 16,384 devices x 54 days / 419.
  EXPECT_NEAR(runs->front().device_mtbf.value.base() / 3600, 16'384.0 * 54 * 24 / 419, 1);
  EXPECT_FALSE(runs->front().device_mtbf.source.cite.empty());
}

TEST(reliability, a_run_without_interruptions_is_refused) {
  const auto runs = read_reliability(
      "id,name,devices,duration [h],interruptions [count],hardware_share,confidence,source,"
      "locator,date,notes\na,A,8,10,0,0.5,vendor,s,l,2026-01-01,\n",
      "f.csv");
  ASSERT_FALSE(runs.has_value());
  EXPECT_EQ(runs.error().front().place.line, 2);
}

}  // namespace
}  // namespace fastpath
