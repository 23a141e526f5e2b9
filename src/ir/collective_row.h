/// One published or own measurement of a collective.
#pragma once

#include <cstdint>
#include <string>

#include "fastpath/program.h"
#include "fastpath/quantity.h"

namespace fastpath {

/// Fields keep the source's words. `bytes` as Task::payload says, which is nccl-tests' convention.
struct CollectiveRow {
  std::string id;
  std::string device;  ///< id in the catalog; empty = not stated
  std::string source;
  std::string location;
  std::string hardware;
  std::int64_t ranks = 2;
  std::int64_t per_node = 2;  ///< devices of one node
  std::string intra;          ///< interconnect inside a node
  std::string inter;          ///< across nodes; empty or "-" = one domain
  Collective collective = Collective::none;
  Bytes bytes;
  Seconds time;
  std::string notes;  ///< library, version, kernel, element type
};

}  // namespace fastpath
