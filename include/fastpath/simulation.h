/// Simulation: what `simulate` is asked and what it returns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/collective.h"
#include "fastpath/prediction.h"
#include "fastpath/timeline.h"

namespace fastpath {

/// A rank (by its place on the system, innermost axis of the plan first) that computes slower.
struct SlowRank {
  std::int64_t rank = 0;
  double factor = 1;  ///< of the time of its operators; above 0
};

/// Links into one level that all have less bandwidth than the system says.
struct SlowLink {
  std::string level;  ///< name of a Level
  double factor = 1;  ///< of the bandwidth; above 0
};

/// Without any of the disturbances, and where no two transfers share a link, `simulate` returns
/// what `predict` does.
struct SimulateOptions {
  std::uint64_t seed = 1;  ///< of jitter, and of which ranks are stragglers
  /// Standard deviation of the logarithm of task times; their mean stays what it is. Within [0, 1].
  double jitter = 0;
  double straggler_share = 0;   ///< of ranks, drawn at random; within [0, 1]
  double straggler_factor = 1;  ///< of the time of their operators; at least 1
  std::vector<SlowRank> slow_ranks = {};
  std::vector<SlowLink> slow_links = {};
  bool share_links = true;           ///< false: transfers never slow each other
  bool timeline = false;             ///< fill Simulation::timeline
  std::int64_t max_spans = 200'000;  ///< of the timeline
};

/// One pipeline rank, in the replica that finishes last.
struct RoleTime {
  std::int64_t pipeline_rank = 0;
  Seconds finish;         ///< from the step's start
  Seconds passes_end;     ///< of its last forward or backward
  Seconds computing;      ///< sum of its operators
  Seconds communicating;  ///< sum of its transfers, hidden or not
  Seconds slowed;         ///< of `communicating`: what sharing links has added
};

/// The links of one level.
struct LevelTraffic {
  std::string level;
  double busy = 0;             ///< share of the step in which the busiest port is, at full rate
  std::int64_t transfers = 0;  ///< of the pipeline ranks that stand for all
  std::int64_t slowed = 0;     ///< of them: took longer than alone
  Seconds added;               ///< sum of what they took longer
};

/// Ranks that behave alike are simulated once.
struct Expansion {
  std::int64_t ranks = 1;      ///< of the plan
  std::int64_t replicas = 1;   ///< groups of ranks that only meet when gradients are reduced
  std::int64_t simulated = 1;  ///< of the replicas: the different ones
  std::string reason;          ///< in words
};

struct Simulation {
  Phase phase = Phase::forward;
  Seconds step;
  Seconds undisturbed;  ///< the step without stragglers, jitter, slow ranks and links
  Seconds alone;        ///< the step if, besides, no transfer slowed another: that of `predict`
  std::int64_t devices = 1;
  std::int64_t tasks = 0;  ///< that were run
  std::vector<RoleTime> roles;
  std::vector<LevelTraffic> levels;
  Expansion expansion;
  std::optional<Timeline> timeline;  ///< on request
};

/// One collective of a set that shares a system's links.
struct CollectiveJob {
  Collective collective = Collective::all_reduce;
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::ring;
  std::vector<std::int64_t> ranks;  ///< places on the system, in the algorithm's order
  Bytes payload;                    ///< as Task::payload says
  Seconds start;
};

struct SimulatedCollective {
  Seconds time;   ///< from its start
  Seconds alone;  ///< closed form, on an idle network where each rank has one link to all others
  std::int64_t messages = 0;
  Bytes sent;  ///< by all ranks together
};

}  // namespace fastpath
