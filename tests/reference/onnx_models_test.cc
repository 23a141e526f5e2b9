/// Published ONNX models: totals of well-known networks, and every model of the ONNX backend test
/// suite imports or says why not.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/onnx/read.h"
#include "ir/semantics.h"
#include "shared.h"

namespace fastpath {
namespace {

using ::testing::IsEmpty;

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

/// Products (GMAC) of convolutions and matmuls for one image, and parameters in millions. 0 = no
/// published figure for this variant. Torchvision's table of pre-trained models (read 2026-11-24)
/// for the variants that it has; else the makers' papers.
struct Published {
  const char* file;
  double gmac;
  double parameters;
  const char* source;
};

constexpr Published kPublished[] = {
    {"light_resnet50", 4.09, 25.557, "torchvision resnet50"},
    {"light_vgg19", 19.63, 143.667, "torchvision vgg19"},
    {"light_densenet121", 2.83, 0, "torchvision densenet121; batch norms are doubled here"},
    {"light_squeezenet", 0.35, 1.2355, "torchvision squeezenet1_1"},
    {"light_bvlc_alexnet", 0, 60.965, "Caffe's bvlc_alexnet, grouped convolutions"},
    {"light_inception_v1", 0, 6.999, "Caffe's bvlc_googlenet without auxiliary classifiers"},
};

std::filesystem::path folder() { return shared_path("models/onnx"); }

double products(const Workload& workload) {
  double flops = 0;
  const DimSizes sizes = whole_sizes(workload);
  for (const Segment& segment : workload.segments) {
    const Block& block = workload.blocks[segment.block];
    for (const Op& op : block.ops) {
      if (op.kind != OpKind::convolution && op.kind != OpKind::matmul) continue;
      flops += static_cast<double>(segment.repeat) *
               forward_counts(workload, block, op, sizes).work.base();
    }
  }
  return flops / 2e9;
}

TEST(OnnxModels, totals_of_well_known_networks_are_the_published_ones) {
  FASTPATH_REFERENCE_OR_SKIP(folder());
  for (const Published& model : kPublished) {
    const std::string file = std::string(model.file) + ".onnx";
    const auto read = read_onnx(bytes_of(folder() / file), file);
    ASSERT_TRUE(read.has_value()) << file << ": " << read.error()[0].what;
    RecordProperty(model.file, fmt::format("{:.3f}|{}|{:.3f}|{}|{}", products(read->value),
                                           model.gmac, count(read->value).parameters / 1e6,
                                           model.parameters, model.source));
    if (model.gmac > 0) {
      EXPECT_NEAR(products(read->value) / model.gmac, 1, 0.015) << model.source;
    }
    if (model.parameters > 0) {
      EXPECT_NEAR(count(read->value).parameters / 1e6 / model.parameters, 1, 0.001) << model.source;
    }
  }
}

TEST(OnnxModels, all_light_graphs_import_without_warnings_and_can_be_cut_for_pipelines) {
  FASTPATH_REFERENCE_OR_SKIP(folder());
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    const auto read = read_onnx(bytes_of(entry.path()), entry.path().string());
    ASSERT_TRUE(read.has_value()) << entry.path();
    EXPECT_THAT(read->warnings, IsEmpty()) << entry.path();
    EXPECT_GE(read->value.segments.size(), 8U) << entry.path();
    EXPECT_EQ(read->value.dims[0].kind, DimKind::batch) << entry.path();
  }
}

/// Debian's libonnx-testdata 1.12.0-2.
const std::filesystem::path kTestData = "/usr/share/libonnx-testdata/data";
constexpr int kModels = 1072;
/// Imported when this was written (2026-11-24); the others work on strings, sequences, maps or
/// optionals, need a size, or compute nothing (a lone Reshape or Shape).
constexpr int kImported = 952;

/// A mistake without the names in it.
std::string reason(std::string what) {
  for (std::size_t begin = what.find('\''); begin != std::string::npos;
       begin = what.find('\'', begin + 3)) {
    const std::size_t end = what.find('\'', begin + 1);
    if (end == std::string::npos) break;
    what.replace(begin, end - begin + 1, "'_'");
  }
  return what;
}

TEST(OnnxModels, each_model_of_the_backend_tests_imports_or_says_why_not) {
  if (!std::filesystem::exists(kTestData)) GTEST_SKIP() << "libonnx-testdata is not installed";
  int models = 0;
  int imported = 0;
  std::map<std::string, int> reasons;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kTestData)) {
    if (entry.path().extension() != ".onnx") continue;
    ++models;
    const auto read = read_onnx(bytes_of(entry.path()), entry.path().string());
    if (read) {
      ++imported;
      EXPECT_THAT(mistakes_in(read->value), IsEmpty()) << entry.path();
      continue;
    }
    ASSERT_FALSE(read.error().empty()) << entry.path();
    for (const Diagnostic& mistake : read.error()) {
      EXPECT_FALSE(mistake.what.empty()) << entry.path();
      EXPECT_FALSE(mistake.hint.empty()) << entry.path();
    }
    ++reasons[reason(read.error()[0].what)];
  }
  fmt::print("{} of {} models import; the others:\n", imported, models);
  RecordProperty("models", models);
  RecordProperty("imported", imported);
  for (const auto& [why, times] : reasons) {
    fmt::print("{:5} {}\n", times, why);
    RecordProperty(fmt::format("reason {}", why), times);
  }
  EXPECT_EQ(models, kModels);
  EXPECT_GE(imported, kImported);
}

}  // namespace
}  // namespace fastpath
