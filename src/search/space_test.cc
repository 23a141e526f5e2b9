#include "search/space.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/plan_text.h"

namespace fastpath {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Space space_of(std::string_view text, std::int64_t devices = 8) {
  const Result<Space> space = Space::parse(text, devices, {.file = "space"});
  EXPECT_TRUE(space.has_value()) << text;
  return space.value_or(Space());
}

std::string first_mistake(std::string_view text) {
  const Result<Space> space = Space::parse(text, 8, {.file = "space"});
  return space ? "none" : space.error().front().what;
}

std::vector<std::string> values_of(const Space& space, std::string_view word) {
  for (const SpaceAxis& axis : space.axes()) {
    if (axis.word == word) return axis.values;
  }
  return {};
}

TEST(Space, ranges_count_or_multiply) {
  const Space space = space_of("micro_batch=1..4 tp=1..8*2 zero=0,3");
  EXPECT_THAT(values_of(space, "micro_batch"), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(values_of(space, "tp"), ElementsAre("1", "2", "4", "8"));
  EXPECT_EQ(space.size(), 4 * 4 * 2);
}

TEST(Space, the_order_of_words_does_not_change_the_numbering) {
  EXPECT_EQ(space_of("zero=0,1 tp=1,2 pp=1,2").text(), space_of("pp=1,2 zero=0,1 tp=1,2").text());
}

TEST(Space, its_text_is_the_space_again) {
  const Space space = space_of(
      "tp=1,2 order=tp,cp,ep,dp,pp|dp,tp,cp,ep,pp schedule=1f1b,interleaved:2 "
      "offload=none|activations,optimizer");
  EXPECT_EQ(space_of(space.text(), 99).text(), space.text());
  EXPECT_EQ(space.size(), 2 * 2 * 2 * 2);
}

TEST(Space, numbers_and_digits_are_inverse) {
  const Space space = space_of("tp=1,2,4 micro_batch=1..5 zero=0,1");
  for (std::int64_t i = 0; i < space.size(); ++i)
    EXPECT_EQ(space.index_of(space.digits(i)), i);
}

TEST(Space, data_ranks_follow_from_the_devices) {
  const Space space = space_of("tp=1,2,3 pp=1,2", 12);
  for (std::int64_t i = 0; i < space.size(); ++i) {
    const Point point = space.at(i);
    ASSERT_EQ(point.kind, PointKind::plan);
    EXPECT_EQ(point.plan.device_count(), 12);
  }
  EXPECT_EQ(space_of("tp=5", 12).at(0).kind, PointKind::indivisible);
}

TEST(Space, a_plan_that_is_not_redundant_appears_once) {
  const Space space = space_of(
      "tp=1,2 pp=1,2 sp=false,true zero=0..3 shard=0,2 prefetch=0,1 schedule=1f1b,gpipe "
      "overlap=false,true order=tp,cp,ep,dp,pp|pp,tp,cp,ep,dp|tp,pp,cp,ep,dp",
      4);
  std::set<std::string> seen;
  std::int64_t redundant = 0;
  for (std::int64_t i = 0; i < space.size(); ++i) {
    const Point point = space.at(i);
    if (point.kind == PointKind::redundant) {
      ++redundant;
    } else {
      EXPECT_TRUE(seen.insert(write_plan(point.plan)).second) << write_plan(point.plan);
    }
  }
  EXPECT_GT(redundant, 0);
}

TEST(Space, mistakes_have_reasons) {
  EXPECT_THAT(first_mistake("tpp=1"), HasSubstr("unknown word 'tpp'"));
  EXPECT_THAT(first_mistake("tp=1,x"), HasSubstr("'x' is not a whole number"));
  EXPECT_THAT(first_mistake("tp=4..2"), HasSubstr("'4..2' is not a range"));
  EXPECT_THAT(first_mistake("tp=1..8*1"), HasSubstr("is not a range"));
  EXPECT_THAT(first_mistake("tp=1,1"), HasSubstr("given twice"));
  EXPECT_THAT(first_mistake("tp=1 tp=2"), HasSubstr("given twice"));
  EXPECT_THAT(first_mistake("tp"), HasSubstr("has no value"));
  EXPECT_THAT(first_mistake("dp=2 devices=4"), HasSubstr("exclude each other"));
  EXPECT_THAT(first_mistake("devices=none"), HasSubstr("not a number of devices"));
  EXPECT_THAT(first_mistake("tp=1..100000"), HasSubstr("more than"));
  EXPECT_THAT(first_mistake("tp=1..4000 pp=1..4000 cp=1..4000 dp=1..4000"), HasSubstr("points"));
}

TEST(Space, all_mistakes_are_told_at_once) {
  const Result<Space> space = Space::parse("tpp=1 zero=9 pp=x", 8, {.file = "space"});
  ASSERT_FALSE(space.has_value());
  EXPECT_EQ(space.error().size(), 3U);
}

}  // namespace
}  // namespace fastpath
