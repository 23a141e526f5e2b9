// Any text is a runtime's profile or a list of mistakes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "import/runtime_profile/read.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto events = fastpath::read_runtime_profile(text, "fuzz.json");
  require(events.has_value() || !events.error().empty());
  if (!events) return 0;
  for (const fastpath::RuntimeEvent& event : events->value)
    require(std::isfinite(event.duration.base()) && event.duration.base() > 0);
  return 0;
}
