// The readers of pasted logs and of measurement tables take any bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "import/catalog/tunings.h"
#include "import/collectives/rows.h"
#include "import/nccl_tests/log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fastpath::read_nccl_tests_log(text, "log");
  (void)fastpath::read_collective_rows(text, "rows.csv");
  (void)fastpath::TuningTable::parse(text, "tunings.csv");
  return 0;
}
