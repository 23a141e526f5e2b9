// The JSON readers take any bytes; what is read is written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ir/json.h"
#include "require.h"

namespace {

template <class Read>
void check(std::string_view text, Read read) {
  const auto value = read(text, "fuzz");
  if (!value) {
    require(!value.error().empty());
    return;
  }
  const std::string written = fastpath::to_json_text(*value);
  const auto again = read(written, "written");
  require(again.has_value());
  require(fastpath::to_json_text(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text, fastpath::program_from_json);
  check(text, fastpath::prediction_from_json);
  check(text, fastpath::timeline_from_json);
  check(text, fastpath::findings_from_json);
  return 0;
}
