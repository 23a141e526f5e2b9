/// Work of devices in traces whose events have no categories of Kineto: XLA's and FastPath's own.
#pragma once

#include "import/trace/text_table.h"
#include "ir/trace.h"

namespace fastpath {

/// Gives events of kind `other` the kind that the names of their process and thread imply:
/// XLA (JAX, TensorFlow): in processes "/device:GPU:0", threads "Stream #..." hold the work and all
/// others repeat it by module, step or framework operator; where there are no streams (TPU), "XLA
/// Ops" and "Async XLA Ops" do. Other processes are the host: calls of the driver launch.
/// FastPath: threads "operators" and "network" hold the work, "passes" repeat it.
/// Sets the lanes' devices and streams.
void classify_by_lines(Trace& trace, const TextTable& texts);

}  // namespace fastpath
