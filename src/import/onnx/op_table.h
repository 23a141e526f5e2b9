/// What each ONNX operator is to the workload: its family, its name there and its work.
#pragma once

#include <cstdint>
#include <string_view>

#include "import/onnx/proto.h"

namespace fastpath::onnx_import {

enum class Family : std::uint8_t {
  unknown,
  view,         ///< the same bytes under other axes: no operator
  elementwise,  ///< right-aligned broadcasting
  copy,         ///< axes of equal size at equal places are the same dimension
  transpose,
  gather,  ///< rows of a table, or a copy
  matmul,  ///< contraction.cc says how axes meet, for these and the next three
  einsum,
  conv,
  conv_transpose,
  pool,  ///< windows over the axes after the channels
  reduce,
  softmax,
  layer_norm,    ///< over the axes from `axis` on
  channel_norm,  ///< instance and group norm: over the axes after the channels
  rms_norm,
  batch_norm,
  recurrent,  ///< LSTM, GRU, RNN
  attention,
  packed_attention,
  embed_norm,
  top_k,
  loss,
  opaque,  ///< traffic only
};

struct OpEntry {
  Family family = Family::unknown;
  std::string_view function;  ///< for OpAttributes::function; empty: the operator's own name
  /// FLOP per element. Each addition, product, comparison, division and elementary function (exp,
  /// log, tanh, erf, square root) counts as one.
  double work = 1;
};

/// Family::unknown where the operator is not in the table.
OpEntry entry_of(const ::onnx::NodeProto& node);

}  // namespace fastpath::onnx_import
