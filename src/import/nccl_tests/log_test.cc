#include "import/nccl_tests/log.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

constexpr std::string_view kLog =
    "# Collective test starting: all_reduce_perf\n"
    "#  Rank  0 Group  0 Pid  12 on  node1 device  0 [0x07] NVIDIA H100 80GB HBM3\n"
    "#  Rank  1 Group  0 Pid  13 on  node2 device  0 [0x07] NVIDIA H100 80GB HBM3\n"
    "#       size         count      type   redop    root     time   algbw   busbw #wrong     "
    "time\n"
    "     1048576        262144     float     sum      -1    28.50   36.79   36.79      0    28.1  "
    " "
    "37.3   37.3      0\n"
    "node1:12:12 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[1]\n"
    "0:      2097152        524288     float     sum      -1    40.00   52.43   52.43    N/A\n"
    "# Avg bus bandwidth    : 44\n";

TEST(NcclTestsLog, reads_ranks_hosts_devices_and_rows) {
  const auto log = read_nccl_tests_log(kLog, "a.log");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->value.collective, Collective::all_reduce);
  EXPECT_EQ(log->value.ranks, 2);
  EXPECT_EQ(log->value.hosts, 2);
  ASSERT_EQ(log->value.rows.size(), 2u);
  EXPECT_DOUBLE_EQ(log->value.rows[0].time.base(), 28.5e-6);
  EXPECT_DOUBLE_EQ(log->value.rows[1].bytes.base(), 2097152);
  EXPECT_DOUBLE_EQ(log->value.rows[1].time.base(), 40e-6);
}

TEST(NcclTestsLog, infers_ranks_from_the_ratio_of_bandwidths) {
  const auto log = read_nccl_tests_log("1048576 262144 float sum 25.40 41.28 72.24 0\n", "a.log");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->value.ranks, 8);
  EXPECT_FALSE(log->warnings.empty());
}

TEST(NcclTestsLog, says_where_a_row_is_broken) {
  const auto log = read_nccl_tests_log("\n1048576 262144 float sum -1 oops 1 1 0\n", "a.log");
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().front().place.line, 2);
}

TEST(NcclTestsLog, without_rows_is_an_error) {
  EXPECT_FALSE(read_nccl_tests_log("hello\n", "a.log"));
  EXPECT_FALSE(read_nccl_tests_log("", "a.log"));
}

TEST(NcclTestsLog, warns_of_wrong_elements) {
  const auto log = read_nccl_tests_log("8 2 float sum -1 5.0 0.1 0.1 7 5.0 0.1 0.1 7\n", "a.log");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->value.rows[0].wrong, 7);
}

}  // namespace
}  // namespace fastpath
