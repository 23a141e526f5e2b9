// Plans, spaces, records and quantities take any text; what is read is written and read back to the
// same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/units.h"
#include "ir/plan_text.h"
#include "require.h"
#include "search/space.h"
#include "search/tally.h"

namespace {

template <class Q>
void check_quantity(std::string_view text) {
  const auto value = fastpath::parse_quantity<Q>(text, {});
  if (value) require(fastpath::parse_quantity<Q>(fastpath::write_quantity(*value), {}) == *value);
  if (value) require(!fastpath::format_quantity(*value).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto plan = fastpath::parse_plan(text, {});
  if (plan) require(fastpath::parse_plan(fastpath::write_plan(*plan), {}) == *plan);
  const auto space = fastpath::Space::parse(text, 8, {});
  if (space) {
    const auto again = fastpath::Space::parse(space->text(), 8, {});
    require(again.has_value() && again->text() == space->text());
    require(space->at(space->size() - 1).plan.tensor_parallel >= 1);
  }
  const auto record = fastpath::read_record(text, {});
  if (record) {
    const std::string written = fastpath::write_record(*record);
    const auto again = fastpath::read_record(written, {});
    require(again.has_value() && fastpath::write_record(*again) == written);
  }
  check_quantity<fastpath::Bytes>(text);
  check_quantity<fastpath::BytesPerSecond>(text);
  check_quantity<fastpath::FlopsPerSecond>(text);
  check_quantity<fastpath::Seconds>(text);
  check_quantity<fastpath::DollarsPerSecond>(text);
  check_quantity<fastpath::Joules>(text);
  return 0;
}
