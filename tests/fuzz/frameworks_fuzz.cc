// Files of training frameworks take any text; a plan that is read is written, and its text read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "import/frameworks/frameworks.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& name : fastpath::framework_names()) {
    const auto job = fastpath::read_framework(text, "fuzz", name);
    if (!job) {
      require(!job.error().empty());
      continue;
    }
    const auto written = fastpath::write_framework(job->value.plan, name);
    require(written.has_value());
    require(fastpath::read_framework(written->value, "fuzz", name).has_value());
  }
  return 0;
}
