/// Goodput: what a whole training run is asked and what it takes.
#pragma once

#include <cstdint>
#include <optional>

#include "fastpath/quantity.h"

namespace fastpath {

struct RunOptions {
  double items = 0;     ///< tokens (or rows) to train on; above 0
  Seconds device_mtbf;  ///< one device's time over its interruptions, software's included
  BytesPerSecond checkpoint_bandwidth;  ///< to storage, of all devices together
  Bytes checkpoint_size;                ///< 0 = weights and optimizer states
  Seconds restart;            ///< from an interruption until the last checkpoint is loaded
  Seconds interval;           ///< work between checkpoints; 0 = the best one
  double hardware_share = 1;  ///< of interruptions, after which a node is replaced; within [0, 1]
  std::int64_t spare_nodes = 0;
  Seconds repair;  ///< of a node; 0 = a node is always there
};

/// Interruptions are a Poisson process; work since the last checkpoint is lost with each.
struct Goodput {
  Seconds step;      ///< as predicted
  Seconds step_low;  ///< 90 % interval
  Seconds step_high;
  double steps = 0;
  Seconds mtbf;              ///< of the whole job
  double interruptions = 0;  ///< expected in the run
  Bytes checkpoint;
  Seconds checkpoint_time;  ///< in which training stands still
  Seconds interval;         ///< of work between checkpoints
  Seconds young;            ///< approximations of the best one
  Seconds daly;
  Seconds restart;               ///< the wait for a node included
  double goodput = 0;            ///< useful steps' time over the run's
  double checkpointing = 0;      ///< shares of the run's time: writing checkpoints,
  double lost = 0;               ///< work done again, and writes that were interrupted,
  double restarting = 0;         ///< restarts
  Seconds run;                   ///< expected
  std::optional<Joules> energy;  ///< all of the run at a step's power
  std::optional<Dollars> cost;   ///< with spare nodes
};

}  // namespace fastpath
