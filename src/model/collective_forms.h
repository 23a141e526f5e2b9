/// Closed forms of collective algorithms: time = messages x latency + volume x bytes / bandwidth.
#pragma once

#include <optional>

#include "fastpath/collective.h"

namespace fastpath {

/// `messages` one after the other; `volume`: bytes through the link of one rank, over the payload
/// as Task::payload defines it.
struct CollectiveForm {
  double messages = 0;
  double volume = 0;
};

/// For p >= 1 ranks with one link each into a non-blocking switch or full mesh; nothing where the
/// algorithm does not run the collective. The arithmetic of reductions is left out. A tree and a
/// broadcast are pipelined: their volume is that of many chunks. Sources: Thakur, Rabenseifner,
/// Gropp, "Optimization of collective communication operations in MPICH", IJHPCA 19(1), 2005;
/// NVIDIA/nccl-tests@a0b82b22 doc/PERFORMANCE.md; two-shot and one-shot: derived.
std::optional<CollectiveForm> collective_form(CollectiveAlgorithm algorithm, Collective collective,
                                              double ranks);

/// Bytes that each rank must send, over the payload, when no switch reduces.
double least_volume(Collective collective, double ranks);

/// Bus bandwidth over algorithm bandwidth, as nccl-tests counts them.
double bus_factor(Collective collective, double ranks);

}  // namespace fastpath
