/// Measurements of collectives as CSV: one row each, or packed into runs as the catalog has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/collective_row.h"

namespace fastpath {

/// Also as libraries and logs spell them: alltoall, allreduce, bcast.
std::optional<Collective> parse_collective(std::string_view name);

/// Columns of both forms: device, hardware, source, location, n_devices, gpus_per_node,
/// interconnect_intra, interconnect_inter, collective (all_reduce, all_gather, reduce_scatter,
/// alltoall, broadcast, reduce, send_recv), notes. One row each: id, bytes, time_us. Packed:
/// first_id and points, each `id+:bytes:time` in B and us, the id as a number added to first_id.
/// Only n_devices, collective and the measurement are required; gpus_per_node is n_devices unless
/// stated. Columns of other names are left alone. Rows of 0 bytes or 0 time are warned about and
/// left out. Errors: parse_csv's, a missing column, a value that is not a number in range, an
/// unknown collective.
Result<Imported<std::vector<CollectiveRow>>> read_collective_rows(std::string_view text,
                                                                  const std::string& file);

}  // namespace fastpath
