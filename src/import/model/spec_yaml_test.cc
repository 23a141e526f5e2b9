#include "import/model/spec_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/catalog/embedded.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kSmall = R"(model: small
source: a test
date: 2026-11-24
hidden: 64
vocab: 1000
kinds:
  window:
    mixer: {kind: attention, heads: 4, kv_heads: 2, head_dim: 16, window: 32}
    mlp: {kind: dense, ffn: 256}
  full:
    mixer: {kind: attention, heads: 4, kv_heads: 2, head_dim: 16}
    mlp: {kind: moe, ffn: 64, experts: 8, top_k: 2}
layers: 4 x (3 window, 1 full)
)";

TEST(ModelYaml, reads_a_repeated_pattern) {
  const auto spec = read_model_yaml(kSmall, "small.yaml");
  ASSERT_TRUE(spec.has_value()) << spec.error()[0].what;
  EXPECT_EQ(layer_count(spec->value), 16);
  EXPECT_EQ(spec->value.runs.size(), 8U);
}

TEST(ModelYaml, text_of_every_catalog_model_reads_back_to_itself) {
  int models = 0;
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (file.path.rfind("models/", 0) != 0) continue;
    const auto spec = read_model_yaml(file.text, file.path);
    if (!spec) continue;  // workloads have another form
    ++models;
    const std::string text = write_model_yaml(spec->value);
    EXPECT_EQ(text, file.text) << file.path;
    const auto again = read_model_yaml(text, file.path);
    ASSERT_TRUE(again.has_value()) << file.path;
    EXPECT_EQ(spec->value, again->value) << file.path;
  }
  EXPECT_GE(models, 100);
}

/// The first message for the small model with `from` replaced.
std::string message(std::string from, std::string to) {
  std::string text(kSmall);
  text.replace(text.find(from), from.size(), to);
  const auto spec = read_model_yaml(text, "small.yaml");
  if (spec) return "none";
  const Diagnostic& first = spec.error().front();
  return std::to_string(first.place.line) + ": " + first.what + " | " + first.hint;
}

TEST(ModelYaml, mistakes_have_a_line_a_cause_and_a_remedy) {
  EXPECT_THAT(message("kind: dense", "kind: dens"), HasSubstr("9: 'dens' is not a kind | did you"));
  EXPECT_THAT(message("3 window", "3 windo"), HasSubstr("13: no kind of layer is called 'windo'"));
  EXPECT_THAT(message("top_k: 2", "top_k: 20"), HasSubstr("top_k is larger"));
  EXPECT_THAT(message("vocab: 1000", "vocab: -1"), HasSubstr("5: "));
  EXPECT_THAT(message("4 x (", "1e9 x ("), HasSubstr("not a repeated list"));
  EXPECT_THAT(message("hidden: 64\n", ""), HasSubstr("hidden is 0"));
  EXPECT_THAT(message("ffn: 256", "fnn: 256"), HasSubstr("9: "));
}

}  // namespace
}  // namespace fastpath
