/// A decoder's specification as a workload.
#pragma once

#include "fastpath/workload.h"

#include "import/model/decoder_spec.h"

namespace fastpath {

/// The workload of one step. Blocks: `embedding`, one per distinct layer, `head`; the residual
/// stream x[batch seq hidden] (x[batch seq streams hidden] with hyper-connections) is what passes
/// between them. Requires a spec and a request without mistakes.
///
/// An encoder-decoder has `source_embedding`, `encoder` and `encoder_end` before them: a prefill
/// reads `asked.sequence` source tokens and makes the first token, a decode step attends to as many
/// source tokens as `asked.past`. An image model has as many tokens as its patches say.
///
/// Assumptions: logits of the last token only in prefill and decode; latent attention is expanded
/// in training and prefill and absorbed in decode and where its index selects keys; chunked
/// attention counts as a window; index scores are counted without the causal mask.
Workload build_decoder(const DecoderSpec& spec, const ModelRequest& asked);

}  // namespace fastpath
