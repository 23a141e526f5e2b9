/// Traces of requests from CSV.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/serving.h"

namespace fastpath {

/// What a request was measured to take, where a trace says so.
struct MeasuredRequest {
  Seconds queue;
  Seconds ttft;
  Seconds latency;
};

struct RequestTrace {
  RequestStream stream;
  std::vector<MeasuredRequest> measured;  ///< one a request, or empty
};

/// Columns: arrival_s or arrival_ms, input_tokens, output_tokens; optional prefix_block_ids (names
/// of 512-token blocks, runs as a-b, separated by spaces) and, all or none, queue_s, ttft_s,
/// latency_s. Other columns are ignored. Mistakes: cells that are not such numbers, times that run
/// backwards.
Result<RequestTrace> read_requests(std::string_view text, const std::string& file);

}  // namespace fastpath
