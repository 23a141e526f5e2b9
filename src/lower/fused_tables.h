/// Tables of look-ups that are stacked into one.
#pragma once

#include "fastpath/workload.h"

namespace fastpath {

/// Replaces the look-ups of a block that differ in their tables' rows only by one look-up in a
/// table of all their rows, with the tables as a dimension of its ids and vectors (table-batched
/// embeddings, arXiv 2104.05158, section 4.1.1). Parameters, FLOP and bytes stay; kernels and
/// exchanges become one.
void fuse_tables(Workload& workload);

}  // namespace fastpath
