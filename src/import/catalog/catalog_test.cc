#include "import/catalog/catalog.h"

#include <cmath>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "import/catalog/embedded.h"
#include "import/yaml/no_parts.h"
#include "ir/system.h"

namespace fastpath {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Catalog& catalog() {
  static const Catalog built_in = [] {
    auto loaded = load_catalog({});
    for (const Diagnostic& mistake : loaded ? Diagnostics{} : loaded.error())
      ADD_FAILURE() << format_diagnostic(mistake, "error");
    return std::move(loaded).value();
  }();
  return built_in;
}

std::string messages(const Diagnostics& mistakes) {
  std::string text;
  for (const Diagnostic& mistake : mistakes)
    text += format_diagnostic(mistake, "error") + "\n";
  return text;
}

template <class T>
std::string messages(const Result<T>& result) {
  return result ? "" : messages(result.error());
}

Device device(std::string_view id) {
  auto found = catalog().device(id);
  EXPECT_TRUE(found.has_value()) << messages(found);
  return std::move(found).value();
}

std::vector<Device> all_devices() {
  std::vector<Device> devices;
  for (const std::string& id : catalog().ids(EntryKind::device))
    devices.push_back(device(id));
  return devices;
}

const Figure<FlopsPerSecond>* peak(const Device& device, NumberFormat format) {
  for (const Peak& peak : device.peaks) {
    if (peak.format == format) return &peak.rate;
  }
  return nullptr;
}

bool complete(const Source& source) {
  return !source.cite.empty() && source.date.size() == 10 && !source.confidence.empty();
}

TEST(Catalog, every_system_can_be_read) {
  const auto ids = catalog().ids(EntryKind::system);
  EXPECT_GE(ids.size(), 60U);
  for (const std::string& id : ids) {
    const auto system = catalog().system(id);
    ASSERT_TRUE(system.has_value()) << messages(system);
    EXPECT_EQ(system->id, id);
    EXPECT_TRUE(system->device.has_data_sheet()) << id;
    EXPECT_THAT(mistakes_in(*system), SizeIs(0)) << id;
  }
}

TEST(Catalog, every_device_can_be_read_and_is_valid) {
  const auto devices = all_devices();
  EXPECT_GE(devices.size(), 456U);
  for (const Device& device : devices)
    EXPECT_THAT(mistakes_in(device), SizeIs(0)) << device.id;
}

TEST(Catalog, every_link_and_storage_can_be_read) {
  for (const std::string& id : catalog().ids(EntryKind::link)) {
    const auto link = catalog().link(id);
    ASSERT_TRUE(link.has_value()) << messages(link);
    EXPECT_TRUE(complete(link->bandwidth.source)) << id;
    EXPECT_GT(link->latency.value.base(), 0) << id;
  }
  for (const std::string& id : catalog().ids(EntryKind::storage)) {
    const auto storage = catalog().storage(id);
    ASSERT_TRUE(storage.has_value()) << messages(storage);
  }
}

TEST(Catalog, every_figure_has_source_date_and_confidence) {
  for (const Device& device : all_devices()) {
    for (const Peak& peak : device.peaks)
      EXPECT_TRUE(complete(peak.rate.source)) << device.id;
    for (const Memory& memory : device.memories) {
      if (memory.bandwidth) {
        EXPECT_TRUE(complete(memory.bandwidth->source)) << device.id;
      }
      if (memory.capacity) {
        EXPECT_TRUE(complete(memory.capacity->source)) << device.id;
      }
    }
    EXPECT_FALSE(device.achieved.matmul.source.cite.empty()) << device.id;
    EXPECT_FALSE(device.achieved.launch.source.cite.empty()) << device.id;
  }
}

TEST(Catalog, a_yaml_file_states_its_source_and_is_named_after_its_id) {
  for (const EmbeddedFile& file : embedded_catalog()) {
    const bool mine = file.path.starts_with("systems/") || file.path.starts_with("devices/");
    if (!mine || !file.path.ends_with(".yaml")) continue;
    for (const std::string_view key : {"source: ", "date: 20", "confidence: "})
      EXPECT_THAT(std::string(file.text), HasSubstr("\n" + std::string(key))) << file.path;
    std::string stem(file.path.substr(file.path.find('/') + 1));
    stem.resize(stem.size() - 5);
    EXPECT_THAT(std::string(file.text), HasSubstr(": " + stem + "\n")) << file.path;
  }
}

TEST(Catalog, every_system_written_out_reads_back_the_same) {
  NoParts parts;
  for (const std::string& id : catalog().ids(EntryKind::system)) {
    const std::string once = write_system_yaml(*catalog().system(id));
    const auto again = read_system_yaml(once, id, parts);
    ASSERT_TRUE(again.has_value()) << messages(again) << once;
    EXPECT_EQ(write_system_yaml(*again), once) << id;
  }
}

TEST(Catalog, every_alias_names_something) {
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (!file.path.ends_with("aliases.csv")) continue;
    for (const std::string_view line : split(trim(file.text), '\n')) {
      if (line.starts_with("alias,")) continue;
      const auto found = catalog().system(line.substr(0, line.find(',')));
      EXPECT_TRUE(found.has_value()) << messages(found);
    }
  }
}

// Physics. A narrower format is never slower where both are printed, with room for rounding.
TEST(CatalogPhysics, narrower_formats_are_not_slower) {
  using F = NumberFormat;
  const std::vector<std::pair<F, F>> pairs = {
      {F::fp64, F::fp32}, {F::fp32, F::tf32}, {F::fp32, F::fp16}, {F::fp32, F::bf16},
      {F::tf32, F::bf16}, {F::bf16, F::fp8},  {F::fp8, F::fp4},   {F::int8, F::int4}};
  for (const Device& device : all_devices()) {
    for (const auto& [wide, narrow] : pairs) {
      const auto* slow = peak(device, wide);
      const auto* fast = peak(device, narrow);
      if (slow == nullptr || fast == nullptr) continue;
      EXPECT_GE(fast->value.base(), 0.99 * slow->value.base())
          << device.id << " " << name_of(narrow);
    }
  }
}

TEST(CatalogPhysics, figures_are_of_this_world) {
  for (const Device& device : all_devices()) {
    for (const Peak& peak : device.peaks) {
      EXPECT_GE(peak.rate.value.base(), 1e8) << device.id;
      EXPECT_LE(peak.rate.value.base(), 1.3e17) << device.id;  // a whole wafer
      EXPECT_LE(peak.rate.high / peak.rate.low, 50) << device.id;
    }
    if (device.power) {
      EXPECT_GE(device.power->value.base(), 0.1) << device.id;
      EXPECT_LE(device.power->value.base(), 30e3) << device.id;
    }
    if (!device.memories.front().bandwidth) continue;
    const double bandwidth = device.memories.front().bandwidth->value.base();
    EXPECT_GE(bandwidth, 0.9e9) << device.id;
    EXPECT_LE(bandwidth, 2.2e16) << device.id;
  }
}

TEST(CatalogPhysics, operations_per_byte_of_gpus_are_plausible) {
  for (const Device& device : all_devices()) {
    const auto* rate = peak(device, NumberFormat::fp32);
    if (device.kind != "gpu" || rate == nullptr || !device.memories.front().bandwidth) continue;
    const double intensity = rate->value.base() / device.memories.front().bandwidth->value.base();
    EXPECT_GE(intensity, 0.5) << device.id;
    EXPECT_LE(intensity, 150) << device.id;
  }
}

TEST(CatalogPhysics, known_devices_have_their_known_figures) {
  const Device h100 = device("nvidia-h100-sxm-80gb");
  EXPECT_DOUBLE_EQ(peak(h100, NumberFormat::bf16)->value.base(), 989e12);
  EXPECT_DOUBLE_EQ(h100.memories.front().bandwidth->value.base(), 3350e9);
  EXPECT_DOUBLE_EQ(h100.memories.front().capacity->value.base(), 80e9);
  EXPECT_DOUBLE_EQ(h100.link->value.base(), 450e9);
  EXPECT_DOUBLE_EQ(h100.power->value.base(), 700);
}

TEST(CatalogFigures, keep_both_sources_where_they_disagree) {
  const auto int8 = *peak(device("b300"), NumberFormat::int8);
  EXPECT_DOUBLE_EQ(int8.value.base(), 153.5e12);
  EXPECT_DOUBLE_EQ(int8.low.base(), 153.5e12);
  EXPECT_DOUBLE_EQ(int8.high.base(), 4500e12);
  const auto rk3588 = *device("rockchip-rk3588").memories.front().bandwidth;
  EXPECT_NEAR(rk3588.value.base(), std::sqrt(34.1e9 * 44e9), 1);
}

TEST(CatalogNames, a_short_name_is_an_alias) {
  EXPECT_EQ(device("h100").id, "nvidia-h100-sxm-80gb");
  EXPECT_EQ(catalog().system("4090")->device.id, "nvidia-rtx-4090");
  EXPECT_EQ(catalog().system("orin")->device.id, "nvidia-jetson-agx-orin-gpu");
}

TEST(CatalogNames, an_unknown_one_gets_the_nearest) {
  const auto wrong = catalog().system("dgx-h10");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_THAT(messages(wrong), HasSubstr("unknown system or device 'dgx-h10'"));
  EXPECT_THAT(messages(wrong), HasSubstr("dgx-h100"));
}

TEST(CatalogNames, a_number_scales_the_system) {
  EXPECT_EQ(catalog().system("dgx-h100:16")->device_count(), 16);
  EXPECT_EQ(catalog().system("tpu-v5p-pod:64")->levels[0].torus,
            (std::vector<std::int64_t>{4, 4, 4}));
  EXPECT_THAT(messages(catalog().system("dgx-h100:12")), HasSubstr("nearest counts are 8 and 16"));
}

TEST(CatalogNames, a_chip_has_its_other_parts) {
  const Device cpu = device("qualcomm-sd8-gen3");
  const Device gpu = device("qualcomm-sd8-gen3.gpu");
  const Device npu = device("qualcomm-sd8-gen3.npu");
  EXPECT_DOUBLE_EQ(peak(gpu, NumberFormat::fp32)->value.base(), 2774e9);
  EXPECT_DOUBLE_EQ(peak(npu, NumberFormat::int8)->value.base(), 45e12);
  EXPECT_EQ(gpu.memories.front().bandwidth->value, cpu.memories.front().bandwidth->value);
  EXPECT_EQ(gpu.peaks.size(), 1U);
}

TEST(CatalogNames, a_device_without_figures_is_listed_and_says_so) {
  const auto found = catalog().search({{"rk3326"}, EntryKind::device, {}, {}, {}, {}});
  ASSERT_THAT(found.value, SizeIs(1));
  EXPECT_FALSE(found.value[0].has_data_sheet);
}

TEST(CatalogAchieved, comes_from_the_device_then_its_family_then_its_kind) {
  EXPECT_EQ(device("h100").achieved.matmul.source.confidence, "fitted");
  EXPECT_THAT(device("h100").achieved.matmul.source.locator, HasSubstr("nvidia-h100-sxm-80gb"));
  EXPECT_THAT(device("nvidia-h20").achieved.matmul.source.locator, HasSubstr("family:hopper"));
  EXPECT_THAT(device("nvidia-l4").achieved.memory.source.locator, HasSubstr("kind:gpu"));
  EXPECT_EQ(device("tpu-v4").achieved.matmul.source.confidence, "assumed");
  for (const Peak& peak : device("h100").peaks) {
    if (peak.format == NumberFormat::fp8) {
      EXPECT_LT(peak.achieved->value, 0.7);
    }
  }
}

TEST(CatalogSearch, finds_by_words_kind_vendor_and_year) {
  const auto gpus = catalog().search({{}, EntryKind::device, "gpu", "AMD", 2023, std::nullopt});
  EXPECT_THAT(gpus.warnings, SizeIs(0));
  std::set<std::string> ids;
  for (const CatalogEntry& entry : gpus.value) {
    EXPECT_EQ(entry.vendor, "AMD");
    EXPECT_GE(*entry.year, 2023);
    ids.insert(entry.id);
  }
  EXPECT_THAT(ids, Contains("amd-mi300x"));
  const auto words = catalog().search({{"nvl72", "GB300"}, EntryKind::system, {}, {}, {}, {}});
  ASSERT_THAT(words.value, SizeIs(1));
  EXPECT_EQ(words.value[0].devices, 72);
}

/// A folder of the user's with some files, gone at the end.
class UserFolder {
 public:
  explicit UserFolder(const std::string& name)
      : path_(std::filesystem::path(::testing::TempDir()) / ("fastpath_catalog_" + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~UserFolder() { std::filesystem::remove_all(path_); }
  UserFolder(const UserFolder&) = delete;
  UserFolder& operator=(const UserFolder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }
  Result<Catalog> load() const { return load_catalog(std::vector{path_}); }

 private:
  std::filesystem::path path_;
};

TEST(UserCatalog, overrides_and_extends_the_built_in_one) {
  const UserFolder folder("override");
  folder.write("mine.yaml",
               "device: my-h100\nbase: h100\nmemory: {bandwidth: 3 TB/s}\n"
               "peaks: {bf16: 700 TFLOP/s}\n");
  folder.write("dgx.yaml", "system: dgx-h100\nbase: dgx-a100-80gb\ndevice: my-h100\n");
  const auto loaded = folder.load();
  ASSERT_TRUE(loaded.has_value()) << messages(loaded);
  const auto system = loaded->system("dgx-h100");
  ASSERT_TRUE(system.has_value()) << messages(system);
  EXPECT_EQ(system->device.id, "my-h100");
  EXPECT_DOUBLE_EQ(system->device.memories[0].bandwidth->value.base(), 3e12);
  EXPECT_DOUBLE_EQ(system->device.memories[0].capacity->value.base(), 80e9);
  EXPECT_DOUBLE_EQ(peak(system->device, NumberFormat::bf16)->value.base(), 700e12);
  EXPECT_DOUBLE_EQ(peak(system->device, NumberFormat::fp8)->value.base(), 1979e12);
  EXPECT_EQ(system->levels[0].link_name, "nvlink3");
}

TEST(UserCatalog, tables_of_devices_and_links_add_rows) {
  const UserFolder folder("tables");
  folder.write("devices/mine.csv",
               "id,name,kind,fp32 [TFLOP/s],memory,bandwidth [GB/s],source\n"
               "my-chip,My chip,asic,1.5,DDR,50,me\n");
  folder.write("links/mine.csv", "id,name,bandwidth [GB/s],latency [us]\nmy-link,My link,10,2\n");
  const auto file = folder.write("box.yaml",
                                 "system: box\ndevice: my-chip\nlevels:\n"
                                 "  - {name: node, count: 2, topology: bus, link: my-link}\n");
  const auto loaded = folder.load();
  ASSERT_TRUE(loaded.has_value()) << messages(loaded);
  const auto system = loaded->system(file.string());
  ASSERT_TRUE(system.has_value()) << messages(system);
  EXPECT_TRUE(system->device.has_data_sheet());
  EXPECT_DOUBLE_EQ(system->levels[0].bandwidth.value.base(), 10e9);
}

TEST(UserCatalog, a_file_based_on_itself_is_an_error) {
  const UserFolder folder("cycle");
  folder.write("a.yaml", "system: a\nbase: b\n");
  folder.write("b.yaml", "system: b\nbase: a\n");
  const auto loaded = folder.load();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(messages(loaded->system("a")), HasSubstr("is based on itself"));
  const auto all = loaded->search({{}, EntryKind::system, {}, {}, {}, {}});
  EXPECT_THAT(all.warnings, SizeIs(2));
}

TEST(UserCatalog, a_file_can_be_based_on_one_beside_it) {
  const UserFolder folder("beside");
  folder.write("base.yaml", "system: base\ndevice: h100\n");
  const auto file = folder.write("top.yaml", "system: top\nbase: base.yaml\nrent: 2 USD/h\n");
  const auto system = catalog().system(file.string());
  ASSERT_TRUE(system.has_value()) << messages(system);
  EXPECT_EQ(system->device.id, "nvidia-h100-sxm-80gb");
}

TEST(UserCatalog, a_device_of_another_kind_does_not_inherit_peaks) {
  const Device gpu = device("nvidia-jetson-orin-nx-gpu");
  EXPECT_EQ(gpu.peaks.size(), 3U);
  EXPECT_EQ(gpu.kind, "gpu");
  EXPECT_DOUBLE_EQ(gpu.memories[0].bandwidth->value.base(), 102.4e9);
}

TEST(UserCatalog, mistakes_in_tables_come_with_their_places) {
  const UserFolder folder("broken");
  folder.write("devices/bad.csv", "id,nmae\nx,y\n");
  EXPECT_THAT(messages(folder.load()), HasSubstr("bad.csv:1:4: error: unknown column 'nmae'"));
  EXPECT_FALSE(load_catalog(std::vector{std::filesystem::path("/does/not/exist")}).has_value());
}

}  // namespace
}  // namespace fastpath
