/// Collectives as libraries run them: algorithm, protocol, and the constants of a library on a
/// link.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/quantity.h"
#include "fastpath/system.h"

namespace fastpath {

enum class CollectiveAlgorithm : std::uint8_t {
  none,
  ring,
  tree,       ///< double binary tree across nodes, chains inside
  nvls,       ///< reduced and copied in the switch
  nvls_tree,  ///< in-switch inside the domain, tree across
  collnet,    ///< reduced in the switches of the fabric
  pat,        ///< parallel aggregated trees, one rank a node
  pairwise,   ///< every rank with every other: all-to-all, and one message
  one_shot,   ///< every rank reads all the buffers
  two_shot,   ///< direct reduce-scatter, then direct all-gather
  doubling,   ///< recursive doubling: log2 p messages of the whole buffer
  halving,    ///< recursive halving, then doubling (Rabenseifner)
};

/// How a message's arrival is signalled: with each 8 B (LL), each 128 B (LL128), or a flag
/// (simple).
enum class CollectiveProtocol : std::uint8_t { simple, ll128, ll };

/// One way to run a collective, as a library reaches it on a link:
/// time = base + hops x hop + bytes through one rank's link / (share x bandwidth).
struct CollectiveLine {
  Seconds base;
  Seconds hop;
  double share = 0;  ///< of the data-sheet bandwidth; 0 = the library does not have it

  friend bool operator==(const CollectiveLine&, const CollectiveLine&) = default;
};

/// log(measured / modelled) at the powers of two of the message size, from `first_octave` on.
struct CollectiveCorrection {
  Collective collective = Collective::none;
  std::int64_t ranks = 2;
  int first_octave = 0;  ///< 2^first_octave bytes
  std::vector<float> log_ratio;
};

/// Factors on a predicted time between which 90 % of comparable measurements lie.
struct CollectiveBand {
  double low = 0.5;
  double high = 2;
};

/// What a library reaches on one kind of link, inside one domain of it.
struct CollectiveTuning {
  std::string library;                     ///< "nccl", "vllm eager", "sglang graph", ...
  std::string link;                        ///< id in catalog/links
  std::array<CollectiveLine, 3> ring;      ///< by CollectiveProtocol
  std::array<CollectiveLine, 3> pairwise;  ///< by CollectiveProtocol
  CollectiveLine nvls;
  CollectiveLine one_shot;
  CollectiveLine two_shot;
  double few_ranks = 0;         ///< a ring of p ranks reaches share / (1 + few_ranks / p^2)
  std::int64_t nvls_ranks = 0;  ///< NVLS from so many ranks on; 0 = never
  Bytes handover;               ///< all-reduces from here on go to NCCL; 0 = never
  Seconds host;                 ///< the host's time a call: no call is shorter
  double copy = 0;      ///< the buffer is staged first, at this share of the bandwidth; 0 = not
  double spread = 0.2;  ///< median absolute log residual of the rows it was fitted on
  std::size_t rows = 0;
  Source source;
  std::vector<std::string> systems;  ///< measured ones
  /// Below and from 1 MiB on; of systems and sizes that were measured, and of other systems.
  std::array<CollectiveBand, 2> seen;
  std::array<CollectiveBand, 2> unseen;
  std::vector<CollectiveCorrection> corrections;
};

}  // namespace fastpath
