#include "import/measurements/edge.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(EdgeRuns, tell_how_their_software_was_made) {
  const auto runs = read_edge_runs(
      "id,device,entry,num_threads,powersave,model,min_ms,recorded,clock_ghz,built_for\n"
      "a,board,1,4,0,net,12.5,2022-04-24,2.9,avx2 fma\n"
      "b,board,1,4,0,net,12.5,,,\n"
      "c,board,1,4,0,net,12.5,2022,,\n",
      "edge.csv");
  ASSERT_TRUE(runs);
  EXPECT_DOUBLE_EQ(runs->at(0).recorded, 2022.25);
  EXPECT_EQ(runs->at(0).clock, Hertz{2.9e9});
  EXPECT_EQ(runs->at(0).built_for, "avx2 fma");
  EXPECT_EQ(runs->at(1).recorded, 0);
  EXPECT_FALSE(runs->at(1).clock.has_value());
  EXPECT_EQ(runs->at(2).recorded, 0);
}

}  // namespace
}  // namespace fastpath
