/// What a collective of a framework or of Chakra is here.
#pragma once

#include <optional>
#include <string_view>

#include "fastpath/program.h"

namespace fastpath {

struct RecordedCollective {
  Collective kind = Collective::none;
  bool barrier = false;  ///< an all-reduce of one element
};

/// "allreduce", "_allgather_base", "nccl:all_to_all", "c10d::broadcast_". Nothing for others,
/// gather and scatter among them.
std::optional<RecordedCollective> collective_of_name(std::string_view name);

/// By Chakra's number of it.
std::optional<RecordedCollective> collective_of_chakra(std::int64_t type);

}  // namespace fastpath
