#include "import/model/load.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/semantics.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

ModelLibrary library() {
  ModelLibrary result;
  result.catalog = embedded_catalog();
  return result;
}

TEST(LoadModel, finds_a_name_however_it_is_written) {
  for (const std::string_view name :
       {"llama-3.1-8b", "Llama-3.1-8B", "meta-llama/Meta-Llama-3.1-8B",
        "meta-llama/Llama-3.1-8B-Instruct"}) {
    const auto spec = load_spec(name, library());
    ASSERT_TRUE(spec.has_value()) << name;
    EXPECT_EQ(spec->value.name, "llama-3.1-8b");
  }
}

TEST(LoadModel, an_unknown_name_gets_a_suggestion) {
  const auto spec = load_spec("lama-3.1-8b", library());
  ASSERT_FALSE(spec.has_value());
  EXPECT_THAT(spec.error()[0].hint, HasSubstr("llama-3.1-8b"));
}

TEST(LoadModel, a_missing_file_is_named) {
  const auto spec = load_spec("no/such/config.json", library());
  ASSERT_FALSE(spec.has_value());
  EXPECT_THAT(spec.error()[0].what, HasSubstr("no such file"));
}

TEST(LoadModel, reads_a_folder_with_a_configuration) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "fastpath_load_test" / "tiny-model";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json")
      << R"({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 100,
             "num_attention_heads": 4, "intermediate_size": 128})";
  const auto spec = load_spec(folder.string(), library());
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(spec->value.name, "tiny-model");
  std::filesystem::remove_all(folder.parent_path());
}

TEST(LoadModel, a_users_folder_comes_before_the_catalog) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "fastpath_own_catalog";
  std::filesystem::create_directories(folder / "models");
  std::ofstream(folder / "models" / "llama-3.1-8b.yaml")
      << "model: mine\nsource: me\ndate: 2026-11-24\nhidden: 64\nvocab: 100\nkinds:\n  layer:\n"
         "    mlp: {kind: dense, ffn: 128}\nlayers: 2 layer\n";
  ModelLibrary own = library();
  own.folders.push_back(folder);
  const auto spec = load_spec("llama-3.1-8b", own);
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(spec->value.name, "mine");
  std::filesystem::remove_all(folder);
}

TEST(LoadModel, other_formats_go_to_their_reader) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "fastpath.onnx";
  std::ofstream(path) << "x";
  ModelLibrary with = library();
  with.readers[".onnx"] = [](const std::string&, const ModelRequest&) {
    return Result<Imported<Workload>>(Imported<Workload>{Workload{"read", {}, {}, {}, {}}, {}});
  };
  const auto workload = load_model(path.string(), {}, with);
  ASSERT_TRUE(workload.has_value());
  EXPECT_EQ(workload->value.name, "read");
  std::filesystem::remove(path);
}

TEST(LoadModel, workloads_of_the_catalog_have_the_published_parameters) {
  const auto parameters = [](std::string_view name) {
    EXPECT_TRUE(is_own_workload(name, library())) << name;
    const auto workload = load_model(name, {}, library());
    return workload ? count(workload->value).parameters : 0;
  };
  // Exact where a count is printed: OGB's leaderboard, MLPerf's logs, the counts of DDPM and
  // Whisper.
  EXPECT_EQ(parameters("graphsage-ogbn-products"), 206'895);
  EXPECT_EQ(parameters("ncf-ml20m"), 31'832'577);
  EXPECT_NEAR(parameters("ddpm-unet-cifar10"), 35.7e6, 0.05e6);  // arXiv 2006.11239
  EXPECT_NEAR(parameters("lstm-lm-large"), 66e6, 0.5e6);         // arXiv 1409.2329
  EXPECT_NEAR(parameters("whisper-base"), 74e6, 1.5e6);          // arXiv 2212.04356
  // 187 767 399 rows of 128, and the two perceptrons.
  EXPECT_EQ(parameters("dlrm-mlperf"), 187'767'399.0 * 128 + 2'368'897);
}

TEST(LoadModel, a_workload_of_the_catalog_trains_when_asked) {
  ModelRequest request;
  request.phase = Phase::training;
  const auto workload = load_model("ncf-ml20m", request, library());
  ASSERT_TRUE(workload.has_value());
  EXPECT_EQ(workload->value.phase, Phase::training);
  EXPECT_FALSE(is_own_workload("llama-3.1-8b", library()));
}

TEST(LoadModel, impossible_requests_are_refused) {
  ModelRequest request;
  request.batch = 0;
  EXPECT_FALSE(load_model("llama-3.1-8b", request, library()).has_value());
  request.batch = 1;
  request.sequence = 1'000'000'000'000;
  EXPECT_FALSE(load_model("llama-3.1-8b", request, library()).has_value());
}

}  // namespace
}  // namespace fastpath
