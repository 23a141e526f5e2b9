/// Streams of requests from a description: open and closed loops, conversations.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/serving.h"

namespace fastpath {

/// The n-th request draws the same lengths and the same share of the mean gap at any rate, so that
/// streams of two rates differ in their rate alone. Gaps: Gamma of mean 1 / rate and coefficient of
/// variation `variation` (Marsaglia and Tsang, ACM TOMS 26(3), 2000).
/// Requests of a class with lengths of its own draw those.
RequestStream stream_of(const Load& load, std::vector<ServiceClass> classes = {});

/// Deals classes out to the requests of a stream by their shares, evenly spread; a turn of a
/// conversation is of the class of the one before.
RequestStream with_classes(RequestStream stream, std::vector<ServiceClass> classes);

/// Each request asks for one of `count` adapters, drawn with weights 1 / (k + 1)^skew (Zipf; 0 =
/// all alike); a turn of a conversation asks for that of the one before.
RequestStream with_adapters(RequestStream stream, std::int64_t count, double skew,
                            std::uint64_t seed);

/// The same requests at `factor` times the rate.
RequestStream at_rate(RequestStream stream, double factor);

}  // namespace fastpath
