#include "import/hf/config.h"

#include <algorithm>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/hf/older_test_models.h"
#include "import/model/spec_yaml.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kLlama = R"({
  "model_type": "llama",
  "hidden_size": 64,
  "num_hidden_layers": 2,
  "num_attention_heads": 4,
  "num_key_value_heads": 2,
  "intermediate_size": 128,
  "vocab_size": 100
})";

std::string with(std::string from, std::string to) {
  std::string text(kLlama);
  text.replace(text.find(from), from.size(), to);
  return text;
}

Diagnostic first_error(const std::string& text) {
  const auto spec = read_hf_config(text, "config.json");
  return spec ? Diagnostic{} : spec.error().front();
}

TEST(HfConfig, published_totals_are_met_from_the_keys_of_many_makers) {
  for (const PublishedModel& model : kPublishedModels) {
    const auto spec = read_hf_config(model.config, model.name);
    ASSERT_TRUE(spec.has_value()) << model.name << ": " << spec.error()[0].what;
    ModelRequest request;
    request.phase = Phase::forward;
    request.sequence = 128;
    const Workload workload = build_decoder(spec->value, request);
    EXPECT_THAT(mistakes_in(workload), IsEmpty()) << model.name;
    const double billions = count(workload).parameters / 1e9;
    // Some sizes are published to a tenth of a billion only.
    EXPECT_NEAR(billions, model.billions,
                std::max(0.01 * model.billions, 0.05 * (model.billions > 1)))
        << model.name;
  }
}

TEST(HfConfig, specs_of_encoders_and_images_read_back_from_yaml) {
  for (const PublishedModel& model : kPublishedModels) {
    auto spec = read_hf_config(model.config, model.name);
    ASSERT_TRUE(spec.has_value()) << model.name;
    spec->value.source = "config.json";
    spec->value.date = "2026-01-01";
    const auto again = read_model_yaml(write_model_yaml(spec->value), "written");
    ASSERT_TRUE(again.has_value()) << model.name << ": " << again.error()[0].what;
    EXPECT_EQ(again->value, spec->value) << model.name;
  }
}

TEST(HfConfig, a_decode_step_keeps_the_encoder_and_reads_what_the_prefill_kept) {
  const auto t5 = std::find_if(std::begin(kPublishedModels), std::end(kPublishedModels),
                               [](const PublishedModel& model) { return model.name == "t5-base"; });
  const auto spec = read_hf_config(t5->config, "t5");
  ASSERT_TRUE(spec.has_value());
  const Workload prefill = build_decoder(spec->value, {.phase = Phase::prefill, .sequence = 512});
  const Workload decode =
      build_decoder(spec->value, {.phase = Phase::decode, .sequence = 1, .past = 512});
  EXPECT_THAT(mistakes_in(decode), IsEmpty());
  EXPECT_EQ(count(decode).parameters, count(prefill).parameters);
  EXPECT_LT(count(decode).forward_work, 0.1 * count(prefill).forward_work);
}

TEST(HfConfig, a_missing_key_is_named) {
  const Diagnostic error = first_error(with("\"vocab_size\": 100", "\"vocab\": 100"));
  EXPECT_THAT(error.what, HasSubstr("\"vocab_size\" is missing"));
}

TEST(HfConfig, a_wrong_value_has_its_line) {
  const Diagnostic error = first_error(with("\"hidden_size\": 64", "\"hidden_size\": \"wide\""));
  EXPECT_EQ(error.place.line, 3);
  EXPECT_THAT(error.what, HasSubstr("not a whole number"));
}

TEST(HfConfig, all_mistakes_are_reported_at_once) {
  std::string text = with("\"hidden_size\": 64", "\"hidden_size\": -1");
  text.replace(text.find("\"intermediate_size\": 128"), 24, "\"intermediate_size\": {}  ");
  const auto spec = read_hf_config(text, "config.json");
  ASSERT_FALSE(spec.has_value());
  EXPECT_GE(spec.error().size(), 2U);
}

TEST(HfConfig, absurd_sizes_are_errors) {
  for (const char* size : {"1e18", "1000000000000", "-5", "2.5", "1e400", "[]", "true"}) {
    const Diagnostic error = first_error(
        with("\"num_hidden_layers\": 2", std::string("\"num_hidden_layers\": ") + size));
    EXPECT_THAT(error.what, ::testing::Not(IsEmpty())) << size;
  }
}

TEST(HfConfig, broken_json_has_its_place) {
  const Diagnostic error = first_error("{\n  \"hidden_size\": 64,\n  \"model_type\" \"llama\"\n}");
  EXPECT_EQ(error.place.line, 3);
  EXPECT_THAT(first_error("{\"a\": ").what, HasSubstr("ends too early"));
  EXPECT_THAT(first_error("[1, 2]").what, HasSubstr("object"));
}

TEST(HfConfig, python_literals_are_read) {
  const auto spec =
      read_hf_config(with("\"vocab_size\": 100",
                          "\"vocab_size\": 100, \"limit\": [0.0, Infinity, -Infinity, NaN]"),
                     "config.json");
  EXPECT_TRUE(spec.has_value());
}

TEST(HfConfig, an_unknown_decoder_is_read_with_a_warning_that_names_the_assumption) {
  const auto spec =
      read_hf_config(with("\"llama\"", "\"somethingnew\", \"odd_key\": 1"), "config.json");
  ASSERT_TRUE(spec.has_value());
  ASSERT_FALSE(spec->warnings.empty());
  EXPECT_THAT(spec->warnings[0].what, HasSubstr("Llama-like"));
  EXPECT_THAT(spec->warnings[0].what, HasSubstr("odd_key"));
}

TEST(HfConfig, an_unknown_model_without_the_usual_keys_is_an_error_that_lists_its_keys) {
  const Diagnostic error = first_error(R"({"model_type": "lama", "widths": [1, 2], "depth": 3})");
  EXPECT_THAT(error.what, HasSubstr("depth, widths"));
  EXPECT_THAT(error.hint, HasSubstr("llama"));
}

TEST(HfConfig, quantised_classes_follow_the_exclusions) {
  const auto spec =
      read_hf_config(with("\"vocab_size\": 100",
                          R"("vocab_size": 100, "torch_dtype": "bfloat16", "quantization_config":
              {"quant_method": "fp8", "modules_to_not_convert": ["model.layers.0.self_attn"]})"),
                     "config.json");
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(spec->value.formats.attention, NumberFormat::bf16);
  EXPECT_EQ(spec->value.formats.mlp, NumberFormat::fp8);
  EXPECT_EQ(spec->value.formats.inputs, NumberFormat::fp8);
  EXPECT_EQ(spec->value.formats.head, NumberFormat::bf16);
}

TEST(HfConfig, training_is_in_the_activations_format) {
  const auto spec =
      read_hf_config(with("\"vocab_size\": 100",
                          R"("vocab_size": 100, "quantization_config": {"quant_method": "fp8"})"),
                     "config.json");
  ASSERT_TRUE(spec.has_value());
  ModelRequest request;
  request.phase = Phase::training;
  for (const Block& block : build_decoder(spec->value, request).blocks) {
    for (const Tensor& tensor : block.tensors) {
      if (tensor.role != TensorRole::weight) continue;
      EXPECT_EQ(tensor.format, NumberFormat::bf16);
    }
  }
}

}  // namespace
}  // namespace fastpath
