// The YAML readers take any bytes; a workload that is read is written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "import/yaml/load.h"
#include "import/yaml/plan.h"
#include "import/yaml/workload.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto workload = fastpath::read_workload(text, "fuzz");
  if (workload) {
    const std::string written = fastpath::write_workload(workload->value);
    const auto again = fastpath::read_workload(written, "written");
    require(again.has_value());
    require(fastpath::write_workload(again->value) == written);
  }
  const auto plan = fastpath::read_plan(text, "fuzz");
  if (plan) require(fastpath::read_plan(fastpath::write_plan_yaml(*plan), "written") == *plan);
  const auto words = fastpath::read_plan_words(text, "fuzz");
  require(words.has_value() || !words.error().empty());
  const auto load = fastpath::read_load(text, "fuzz");
  require(load.has_value() || !load.error().empty());
  if (load) {
    for (const fastpath::ServiceClass& one : load->classes) {
      require(one.share > 0 && one.share <= 1);
      require(!one.input || (one.input->least >= 1 && one.input->least <= one.input->most));
    }
  }
  return 0;
}
