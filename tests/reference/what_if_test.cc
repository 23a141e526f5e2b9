// Swapping the device of published traces: the same models were traced on H100 and on MI300X.
#include "whatif/what_if.h"

#include <cmath>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "fastpath/fastpath.h"

#include "import/catalog/catalog.h"
#include "import/trace/trace.h"
#include "shared.h"

namespace fastpath {
namespace {

constexpr const char* kModels[] = {"falconsai_nsfw_image_detection",
                                   "gaunernst_bert-small-uncased"};
const std::pair<std::string, std::string> kDevices[] = {{"h100", "nvidia-h100-sxm-80gb"},
                                                        {"mi300", "amd-mi300x"}};

Picoseconds busy_of(const Trace& trace) {
  const auto unchanged = what_if(index_trace(trace), Edits{}, {});
  return unchanged ? unchanged->busy_before : 0;
}

TEST(what_if, another_device_predicts_its_measured_busy_time) {
  FASTPATH_REFERENCE_OR_SKIP(shared_path("traces"));
  const auto catalog = load_catalog({});
  ASSERT_TRUE(catalog.has_value());
  for (const std::string model : kModels) {
    for (const std::size_t from : {0U, 1U}) {
      const auto read_of = [&](std::size_t side) {
        return read_trace(
            shared_path("traces/tl_" + kDevices[side].first + "_" + model + ".json.gz").string(),
            {.functions = false});
      };
      const auto here = read_of(from);
      const auto there = read_of(1 - from);
      ASSERT_TRUE(here && there);
      const auto old_system = catalog->system(kDevices[from].second);
      const auto new_system = catalog->system(kDevices[1 - from].second);
      ASSERT_TRUE(old_system && new_system);
      Edits edits;
      edits.device = kDevices[1 - from].second;
      const auto swapped =
          what_if(index_trace(here->value), edits, {&old_system->device, &new_system->device});
      ASSERT_TRUE(swapped.has_value());
      const auto measured = static_cast<double>(busy_of(there->value));
      const double ratio = static_cast<double>(swapped->busy_after) / measured;
      std::printf(
          "%s to %s, %s: predicted %.0f us (90 %%: %.0f to %.0f), measured %.0f us, %+.1f %%\n",
          kDevices[from].first.c_str(), kDevices[1 - from].first.c_str(), model.c_str(),
          static_cast<double>(swapped->busy_after) * 1e-6, swapped->busy_low * 1e-6,
          swapped->busy_high * 1e-6, measured * 1e-6, 100 * (ratio - 1));
      // The bar of 25 % is missed by three of the four (docs/validation.md); they must not get
      // worse.
      EXPECT_LT(std::abs(std::log(ratio)), std::log(1.7)) << model;
    }
  }
}

}  // namespace
}  // namespace fastpath
