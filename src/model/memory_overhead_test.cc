#include "model/memory_overhead.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(memory_overhead, is_context_communicators_and_a_share_of_what_comes_and_goes) {
  Device device;
  device.kind = "gpu";
  const MemoryOverhead overhead = memory_overhead(device);
  EXPECT_EQ(overhead.total(0, 0, Bytes{}), Bytes{300e6});
  EXPECT_EQ(overhead.total(1, 0, Bytes{}), Bytes{544e6});
  EXPECT_EQ(overhead.total(0, 1, Bytes{}), Bytes{688e6});
  // 15 % of 100 bytes reserved for 85 bytes of tensors.
  EXPECT_NEAR(overhead.total(0, 0, Bytes{85e9}).base(), 300e6 + 15e9, 1);
}

TEST(memory_overhead, of_other_devices_is_not_known) {
  Device device;
  device.kind = "tpu";
  EXPECT_EQ(memory_overhead(device).total(3, 3, Bytes{1e9}), Bytes{});
}

}  // namespace
}  // namespace fastpath
