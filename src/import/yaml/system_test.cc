#include "import/yaml/system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fastpath/framework.h"

#include "base/text.h"
#include "import/yaml/no_parts.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kBox = R"(system: box
source: my bench
date: 2026-11-24
device:
  id: chip
  kind: gpu
  peaks: {bf16: 100 TFLOP/s, fp8: {value: 200 TFLOP/s, low: 150 TFLOP/s, high: 210 TFLOP/s}}
  memory: {name: HBM, capacity: 80 GB, bandwidth: 3 TB/s}
  caches: [{name: L2, capacity: 50 MB}]
  link: {name: x, bandwidth: 450 GB/s}
  power: 700 W
  achieved: {matmul: 0.8, launch: 5 us, peaks: {fp8: {value: 0.6, spread: 0.1}}}
levels:
  - {name: node, count: 8, topology: mesh, bandwidth: 450 GB/s, latency: 1 us}
  - {name: pod, count: 4, topology: torus, torus: [2, 2], bandwidth: 50 GB/s, latency: 4 us}
host: {cpu: some cpu, sockets: 2, memory: 1 TB}
storage:
  - {name: nvme, capacity: 4 TB, read: 6 GB/s}
rent: 3 USD/h
power_overhead: 1.3
)";

Result<System> read(std::string_view text) {
  NoParts parts;
  return read_system_yaml(text, "box.yaml", parts);
}

std::string messages(std::string_view text) {
  const auto system = read(text);
  std::string result;
  for (const Diagnostic& mistake : system ? Diagnostics{} : system.error())
    result += format_diagnostic(mistake, "error") + "\n";
  return result;
}

TEST(SystemYaml, reads_what_is_written) {
  const auto box = read(kBox);
  ASSERT_TRUE(box.has_value()) << messages(kBox);
  EXPECT_EQ(box->device_count(), 32);
  EXPECT_EQ(box->device.peaks.size(), 2U);
  EXPECT_DOUBLE_EQ(box->device.peaks[1].rate.low.base(), 150e12);
  EXPECT_DOUBLE_EQ(box->device.peaks[1].achieved->value, 0.6);
  EXPECT_EQ(box->device.power->source.cite, "my bench");
  EXPECT_EQ(box->levels[1].torus, (std::vector<std::int64_t>{2, 2}));
  EXPECT_DOUBLE_EQ(box->power_overhead, 1.3);
  EXPECT_EQ(box->storage[0].name, "nvme");
}

TEST(SystemYaml, a_runtime_is_read_as_it_is_written) {
  const std::string runtime =
      "runtime:\n  id: onnxruntime\n  version: \"1.28.2\"\n  threads: 2\n  node: 250 ns\n"
      "  points:\n    - {kernel: window, m: 49, n: 64, k: 576, time: 12.5 us}\n";
  const auto box = read(std::string(kBox) + runtime);
  ASSERT_TRUE(box.has_value()) << messages(std::string(kBox) + runtime);
  ASSERT_TRUE(box->framework && box->framework->runtime);
  EXPECT_EQ(box->framework->runtime->threads, 2);
  EXPECT_DOUBLE_EQ(box->framework->runtime->points.at(0).time.base(), 12.5e-6);
  const auto again = read(write_system_yaml(*box));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(write_system_yaml(*again), write_system_yaml(*box));
  EXPECT_THAT(messages(std::string(kBox) + "runtime: {id: x, points: [{kernel: y, time: 0 us}]}\n"),
              HasSubstr("unknown kernel 'y'"));
}

TEST(SystemYaml, written_and_read_again_is_the_same_text) {
  const auto box = read(kBox);
  ASSERT_TRUE(box.has_value());
  const std::string once = write_system_yaml(*box);
  const auto again = read(once);
  ASSERT_TRUE(again.has_value()) << messages(once) << once;
  EXPECT_EQ(write_system_yaml(*again), once);
}

TEST(SystemYaml, a_user_need_not_name_a_source) {
  const auto system = read("system: x\ndevice: {id: d, power: 5 W}\n");
  ASSERT_TRUE(system.has_value());
  EXPECT_EQ(system->device.power->source.cite, "box.yaml");
  EXPECT_EQ(system->device.power->source.confidence, "user");
}

TEST(SystemYaml, a_device_file_is_a_system_of_one) {
  const auto system = read("device: d\npower: 5 W\n");
  ASSERT_TRUE(system.has_value());
  EXPECT_EQ(system->id, "d");
  EXPECT_EQ(system->device_count(), 1);
}

TEST(SystemYaml, tells_all_mistakes_at_once) {
  const std::string text = messages(R"(system: Big Box
devcie: h100
device: {id: d, power: 700, clock: 2 GB}
levels:
  - {name: node, count: 0, topology: star, link: nope}
rent: 3 USD
)");
  for (const std::string_view part :
       {"box.yaml:1:9: error: 'Big Box' is not an id",
        "box.yaml:2:1: error: a system has no key 'devcie'",
        "box.yaml:3:24: error:", "box.yaml:3:36: error:", "box.yaml:5:25: error:",
        "box.yaml:5:38: error:", "unknown link 'nope'", "box.yaml:6:7: error:"})
    EXPECT_THAT(text, HasSubstr(std::string(part)));
}

TEST(SystemYaml, a_number_without_a_unit_is_an_error) {
  EXPECT_THAT(messages("system: x\ndevice: {id: d, power: 700}\n"), HasSubstr("unit"));
}

TEST(SystemYaml, physical_nonsense_is_an_error) {
  EXPECT_THAT(messages("system: x\ndevice: {id: d}\nlevels:\n  - {name: a, count: 6, topology: "
                       "torus, torus: [2, 2], bandwidth: 1 GB/s, latency: 1 us}\n"),
              HasSubstr("multiply to the count"));
  EXPECT_THAT(messages("system: x\ndevice: {id: d, power: {value: 5 W, low: 6 W, high: 7 W}}\n"),
              HasSubstr("between its low and high"));
}

}  // namespace
}  // namespace fastpath
