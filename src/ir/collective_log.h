/// What a run of nccl-tests or rccl-tests printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/quantity.h"

namespace fastpath {

/// One size; out-of-place figures.
struct CollectiveLogRow {
  Bytes bytes;
  std::string type;  ///< "float", "half", "int8", ...
  Seconds time;
  BytesPerSecond algbw;
  BytesPerSecond busbw;
  std::int64_t wrong = 0;  ///< wrong elements; 0 where not checked
  int line = 0;
};

struct CollectiveLog {
  std::optional<Collective> collective;  ///< where the log says
  std::int64_t ranks = 0;                ///< 0 = not known
  std::int64_t hosts = 0;                ///< 0 = not known
  std::vector<std::string> devices;      ///< distinct names
  std::vector<CollectiveLogRow> rows;
};

}  // namespace fastpath
