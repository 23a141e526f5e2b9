/// Streams of requests from a description: open and closed loops, conversations.
#pragma once

#include <cstdint>

#include "ir/serving.h"

namespace fastpath {

/// Lengths are uniform in [least, most]; equal bounds are a fixed length.
struct Lengths {
  std::int64_t least = 1;
  std::int64_t most = 1;
};

struct Load {
  std::int64_t count = 1;        ///< requests, or conversations where `turns` > 1
  double rate = 0;               ///< arrivals a second, of an open loop; above 0 there
  double variation = 1;          ///< of the gaps between arrivals: 1 = Poisson, else Gamma
  std::int64_t concurrency = 0;  ///< of a closed loop; 0 = open
  Lengths input;                 ///< of a prompt, or of what a turn adds to it
  Lengths output;
  std::int64_t turns = 1;  ///< of a conversation, each behind all before it
  Seconds think;           ///< from an answer to the next turn
  std::uint64_t seed = 1;
};

/// The n-th request draws the same lengths and the same share of the mean gap at any rate, so that
/// streams of two rates differ in their rate alone. Gaps: Gamma of mean 1 / rate and coefficient of
/// variation `variation` (Marsaglia and Tsang, ACM TOMS 26(3), 2000).
RequestStream stream_of(const Load& load);

/// Deals classes out to the requests of a stream by their shares, evenly spread; a turn of a
/// conversation is of the class of the one before.
RequestStream with_classes(RequestStream stream, std::vector<ServiceClass> classes);

/// The same requests at `factor` times the rate.
RequestStream at_rate(RequestStream stream, double factor);

}  // namespace fastpath
