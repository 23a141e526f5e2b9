#include "import/onnx/runnable.h"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "import/onnx/graph_for_test.h"
#include "import/onnx/load.h"

namespace fastpath::onnx_import {
namespace {

/// y = Conv(x, w), with w of a ConstantOfShape and b left out of the file.
std::string model_bytes() {
  TestModel model;
  model.graph.input("x", {"batch", 3, 8, 8});
  model.graph.input("mode", {}, ::onnx::TensorProto::INT64);
  model.graph.integers("shape", {4, 3, 3, 3});
  model.graph.weight("b", {4});
  model.graph.node("ConstantOfShape", {"shape"}, {"w"});
  model.graph.node("Conv", {"x", "w", "b"}, {"y"});
  model.graph.output("y");
  return model.bytes();
}

std::vector<float> floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST(runnable, weights_that_are_missing_or_constant_are_random) {
  const auto made = make_runnable(model_bytes(), "m.onnx", {.dims = {{"batch", 2}}});
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->filled_weights, 2u);
  const auto model = parse_model(made->model, "m.onnx");
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->graph().node_size(), 1);
  EXPECT_EQ(model->graph().node(0).name(), "y");
  double squares = 0;
  for (const auto& tensor : model->graph().initializer()) {
    if (tensor.name() != "w") continue;
    for (const float value : floats(tensor.raw_data()))
      squares += value * value;
  }
  // 108 values with a variance of 1 over a fan-in of 27.
  EXPECT_NEAR(squares, 108.0 / 27, 1.0);
}

TEST(runnable, inputs_have_given_sizes_and_values) {
  const RunnableOptions options{.dims = {{"batch", 2}}, .values = {{"mode", 7}}};
  const auto made = make_runnable(model_bytes(), "m.onnx", options);
  ASSERT_TRUE(made.has_value());
  ASSERT_EQ(made->inputs.size(), 2u);
  EXPECT_EQ(made->inputs[0].shape, (std::vector<std::int64_t>{2, 3, 8, 8}));
  for (const float value : floats(made->inputs[0].bytes))
    EXPECT_LE(std::abs(value), 1);
  std::int64_t mode = 0;
  std::memcpy(&mode, made->inputs[1].bytes.data(), sizeof mode);
  EXPECT_EQ(mode, 7);
}

TEST(runnable, the_same_seed_gives_the_same_bytes) {
  RunnableOptions options{.dims = {{"batch", 1}}};
  const auto first = make_runnable(model_bytes(), "m.onnx", options);
  const auto again = make_runnable(model_bytes(), "m.onnx", options);
  options.seed = 2;
  const auto other = make_runnable(model_bytes(), "m.onnx", options);
  ASSERT_TRUE(first && again && other);
  EXPECT_EQ(first->inputs[0].bytes, again->inputs[0].bytes);
  EXPECT_NE(first->inputs[0].bytes, other->inputs[0].bytes);
}

TEST(runnable, all_that_is_missing_is_told) {
  const auto made = make_runnable(model_bytes(), "m.onnx", {.values = {{"mod", 7}}});
  ASSERT_FALSE(made.has_value());
  ASSERT_EQ(made.error().size(), 2u);
  EXPECT_EQ(made.error()[0].hint, "set it: --dim batch=SIZE");
  EXPECT_EQ(made.error()[1].what, "the model has no input 'mod'");
}

}  // namespace
}  // namespace fastpath::onnx_import
