#include "ir/cpu_cores.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(CoreClusters, are_read_as_the_catalog_writes_them) {
  const auto clusters = core_clusters("4xCortex-A73@2.2GHz|2xCortex-A53@1.8GHz");
  ASSERT_EQ(clusters.size(), 2u);
  EXPECT_EQ(clusters[0].cores, 4);
  EXPECT_EQ(clusters[0].core, "Cortex-A73");
  EXPECT_DOUBLE_EQ(clusters[1].clock.base(), 1.8e9);
}

TEST(CoreClusters, what_is_of_another_form_is_left_out) {
  EXPECT_TRUE(core_clusters("132 SMs").empty());
  EXPECT_TRUE(core_clusters("0xA@1GHz|4x@GHz|x@|-1xB@2GHz").empty());
  EXPECT_TRUE(core_clusters("").empty());
}

}  // namespace
}  // namespace fastpath
