/// Useful share of a run's time under failures, checkpoints and restarts.
#pragma once

#include <cstdint>

#include "fastpath/quantity.h"

namespace fastpath {

/// Failures come as a Poisson process, during writes of checkpoints and restarts too; each goes
/// back to the last checkpoint. All times are above 0 but `checkpoint` and `restart`, which may be
/// 0.
struct FailureModel {
  Seconds mtbf;
  Seconds checkpoint;  ///< of one write, in which nothing else happens
  Seconds restart;     ///< until the last checkpoint is loaded
};

/// Expected share of useful work with a checkpoint after each `interval` > 0 of work, within [0,
/// 1]: interval / (M e^(R/M) (e^((interval + C)/M) - 1)), J. Daly, "A higher order estimate of the
/// optimum checkpoint interval for restart dumps", FGCS 22 (2006), eq. 20.
double goodput(const FailureModel& model, Seconds interval);

/// The interval of the largest goodput, exactly: t/M = 1 - e^(-(t + C)/M). For C = 0 there is none:
/// the shortest that still moves a double.
Seconds best_interval(const FailureModel& model);

/// sqrt(2 C M), J. W. Young, CACM 17(9), 1974. Valid for C much below M.
Seconds young_interval(const FailureModel& model);

/// Daly 2006, eq. 37; M where C >= 2 M.
Seconds daly_interval(const FailureModel& model);

/// Expected wait for a node after a failure that takes one: failures at `rate` [1/s] each take one
/// node for `repair` (exponential) and there are `spares`. In repair is a Poisson number of nodes
/// (M/G/inf, seen by arrivals); when all spares are, the first repair of spares + 1 is waited for.
Seconds wait_for_node(double rate, Seconds repair, std::int64_t spares);

}  // namespace fastpath
