#include "import/collectives/rows.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(CollectiveRows, are_read_one_each_or_packed) {
  const auto plain = read_collective_rows(
      "id,n_devices,collective,bytes,time_us\nx,8,alltoall,1024,12.5\n", "a.csv");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->value[0].collective, Collective::all_to_all);
  EXPECT_DOUBLE_EQ(plain->value[0].time.base(), 12.5e-6);
  const auto packed = read_collective_rows(
      "n_devices,collective,first_id,points [id B us]\n8,all_reduce,c-009,0:512:9 2:1024:10\n",
      "b.csv");
  ASSERT_TRUE(packed);
  ASSERT_EQ(packed->value.size(), 2u);
  EXPECT_EQ(packed->value[1].id, "c-011");
}

TEST(CollectiveRows, name_every_mistake_with_its_place) {
  const auto rows = read_collective_rows(
      "n_devices,collective,bytes,time_us\n8,all_redcue,1,1\n0,all_reduce,1,1\n8,all_reduce,x,1\n",
      "a.csv");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().size(), 3u);
  EXPECT_NE(rows.error()[0].hint.find("all_reduce"), std::string::npos);
}

TEST(CollectiveRows, of_nothing_are_left_out_with_a_warning) {
  const auto rows =
      read_collective_rows("n_devices,collective,bytes,time_us\n8,all_reduce,0,15\n", "a.csv");
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->value.empty());
  EXPECT_EQ(rows->warnings.size(), 1u);
}

}  // namespace
}  // namespace fastpath
