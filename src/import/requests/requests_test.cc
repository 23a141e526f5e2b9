#include "import/requests/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastpath {
namespace {

TEST(requests, names_of_blocks_are_runs) {
  const auto trace = read_requests(
      "arrival_ms,input_tokens,output_tokens,prefix_block_ids\n0,6758,500,0-2\n1500,10,0,0 14-15\n",
      "trace.csv");
  ASSERT_TRUE(trace.has_value());
  ASSERT_EQ(trace->stream.requests.size(), 2u);
  const Request& second = trace->stream.requests[1];
  EXPECT_DOUBLE_EQ(second.arrival.base(), 1.5);
  EXPECT_EQ(second.output, 1);
  EXPECT_THAT(trace->stream.requests[0].prefix, testing::ElementsAre(0u, 1u, 2u));
  EXPECT_THAT(second.prefix, testing::ElementsAre(0u, 14u, 15u));
}

TEST(requests, all_mistakes_are_told_with_their_places) {
  const auto trace =
      read_requests("arrival_s,input_tokens,output_tokens\n5,1.5,2\n4,x,2\n", "trace.csv");
  ASSERT_FALSE(trace.has_value());
  ASSERT_EQ(trace.error().size(), 3u);
  EXPECT_EQ(trace.error()[0].what, "tokens are whole numbers");
  EXPECT_EQ(trace.error()[1].place.line, 3);
  EXPECT_EQ(trace.error()[2].what, "arrives before the request above it");
}

TEST(requests, a_trace_needs_its_columns) {
  const auto trace = read_requests("arrival,tokens\n1,2\n", "trace.csv");
  ASSERT_FALSE(trace.has_value());
  EXPECT_EQ(trace.error().size(), 3u);
}

}  // namespace
}  // namespace fastpath
