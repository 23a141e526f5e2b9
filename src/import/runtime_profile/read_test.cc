#include "import/runtime_profile/read.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

constexpr std::string_view kProfile = R"([
{"cat":"Session","name":"model_loading_array","ph":"X","ts":1,"dur":900,"args":{}},
{"cat":"Node","name":"early_kernel_time","ph":"X","ts":500,"dur":10,"args":{"op_name":"Add"}},
{"cat":"Node","name":"c1_nchwc_kernel_time","ph":"X","ts":1010,"dur":20,
 "args":{"op_name":"Conv","input_type_shape":[{"float":[1,3,8,8]},{"float":[4,3,3,3]}],
         "output_type_shape":[{"float":[1,4,6,6]}]}},
{"cat":"Node","name":"c1_nchwc_fence_before","ph":"X","ts":1010,"dur":1,"args":{"op_name":"Conv"}},
{"cat":"Node","name":"relu_kernel_time","ph":"X","ts":1032,"dur":0,
 "args":{"op_name":"Relu","input_type_shape":[{"float":[]}]}},
{"cat":"Session","name":"model_run","ph":"X","ts":1000,"dur":50,"args":{}},
{"cat":"Node","name":"c1_nchwc_kernel_time","ph":"X","ts":2010,"dur":22,"args":{"op_name":"Conv"}},
{"cat":"Session","name":"model_run","ph":"X","ts":2000,"dur":50,"args":{}}
])";

TEST(runtime_profile, has_the_operators_of_each_execution) {
  const auto events = read_runtime_profile(kProfile, "profile.json");
  ASSERT_TRUE(events.has_value());
  ASSERT_EQ(events->value.size(), 3u);
  const RuntimeEvent& conv = events->value[0];
  EXPECT_EQ(conv.name, "c1_nchwc");
  EXPECT_EQ(conv.op_type, "Conv");
  EXPECT_EQ(conv.shapes, "1x3x8x8, 4x3x3x3 -> 1x4x6x6");
  EXPECT_DOUBLE_EQ(conv.duration.base(), 20.5e-6);
  EXPECT_EQ(events->value[1].shapes, "scalar -> ");
  EXPECT_EQ(events->value[2].run, 1u);
  ASSERT_EQ(events->warnings.size(), 1u);
  EXPECT_EQ(events->warnings[0].what, "1 operators outside of executions were left out");
}

TEST(runtime_profile, refuses_what_is_none) {
  for (const std::string_view text : {"", "{}", "[]", "[{\"cat\":\"Node\"}", "[1, null, \"x\"]"}) {
    const auto events = read_runtime_profile(text, "profile.json");
    ASSERT_FALSE(events.has_value()) << text;
    EXPECT_EQ(events.error()[0].place.file, "profile.json");
  }
}

}  // namespace
}  // namespace fastpath
