// Any text is a trace, a table of serving runs, a table of replays, or a list of mistakes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "import/catalog/engines.h"
#include "import/requests/requests.h"
#include "import/serving/mlperf.h"
#include "import/serving/replays.h"
#include "import/serving/rows.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto trace = fastpath::read_requests(text, "fuzz.csv");
  require(trace.has_value() || !trace.error().empty());
  if (trace) {
    for (const fastpath::Request& one : trace->stream.requests)
      require(one.input >= 1 && one.output >= 1);
    require(trace->measured.empty() || trace->measured.size() == trace->stream.requests.size());
  }
  const auto rows = fastpath::read_serving_rows(text, "fuzz.csv");
  require(rows.has_value() || !rows.error().empty());
  const auto replays = fastpath::read_replays(text, "fuzz.csv");
  require(replays.has_value() || !replays.error().empty());
  const auto mlperf = fastpath::read_mlperf(text, "fuzz.csv", text, "fuzz.csv");
  require(mlperf.has_value() || !mlperf.error().empty());
  const auto engines = fastpath::read_engines(text, text);
  require(engines.has_value() || !engines.error().empty());
  return 0;
}
