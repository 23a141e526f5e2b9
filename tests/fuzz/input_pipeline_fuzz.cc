// Input pipelines take any text; what is read is written and read back to the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "import/yaml/input_pipeline.h"
#include "require.h"

namespace {

fastpath::Result<fastpath::StoreRates> any_store(std::string_view name,
                                                 const fastpath::Place& place) {
  if (name.size() > 4) return fastpath::failure(place, "unknown store");
  return fastpath::StoreRates{fastpath::BytesPerSecond{1e9}, fastpath::Hertz{1e5}, {}, 1};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto pipeline = fastpath::read_input_pipeline(text, "input.yaml", any_store);
  if (!pipeline) {
    require(!pipeline.error().empty());
    return 0;
  }
  const std::string written = fastpath::write_input_pipeline(*pipeline);
  const auto again = fastpath::read_input_pipeline(written, "again.yaml", any_store);
  require(again.has_value() && *again == *pipeline);
  return 0;
}
