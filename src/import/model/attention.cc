/// Softmax attention in its forms: grouped, latent, with an index, compressed.
#include <algorithm>
#include <array>

#include "import/model/parts.h"
#include "ir/semantics.h"

namespace fastpath::parts {
namespace {

/// Per row of queries, keys and values.
struct HeadDims {
  DimId heads = 0;
  DimId kv_heads = 0;
  DimId head_dim = 0;
  DimId value_dim = 0;
};

HeadDims head_dims(const Frame& frame, const MixerSpec& mixer) {
  HeadDims dims;
  dims.heads = frame.dim("heads", DimKind::heads, mixer.heads);
  dims.kv_heads = frame.dim("kv_heads", DimKind::kv_heads, mixer.kv_heads);
  dims.head_dim = frame.dim("head_dim", DimKind::head_dim, mixer.head_dim);
  dims.value_dim = mixer.value_dim == 0 || mixer.value_dim == mixer.head_dim
                       ? dims.head_dim
                       : frame.dim("value_dim", DimKind::head_dim, mixer.value_dim);
  return dims;
}

/// x[batch seq hidden] -> name[batch seq heads size], with a bias if asked.
TensorId project(const Frame& frame, BlockBuilder& block, const std::string& name, TensorId x,
                 const std::array<DimId, 2>& to) {
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const TensorId w = block.weight("w" + name, {frame.hidden, to[0], to[1]}, format);
  return block.matmul(name + "_proj", {x, w},
                      {name, axes({frame.batch, frame.seq, to[0], to[1]}), frame.activation()});
}

TensorId project_with_bias(const Frame& frame, BlockBuilder& block, const std::string& name,
                           TensorId x, const std::array<DimId, 2>& to) {
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const TensorId w = block.weight("w" + name, {frame.hidden, to[0], to[1]}, format);
  const TensorId b = block.weight("b" + name, {to[0], to[1]}, frame.activation());
  return block.matmul(name + "_proj", {x, w, b},
                      {name, axes({frame.batch, frame.seq, to[0], to[1]}), frame.activation()});
}

TensorId normalise(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId x) {
  const Tensor& tensor = block.at(x);
  const DimId heads = tensor.axes[2].dim;
  const DimId size = tensor.axes[3].dim;
  const std::string name = tensor.name + "_norm";
  switch (mixer.qk_norm) {
    case QkNorm::none: return x;
    case QkNorm::per_head: return add_rms_norm(block, name, x, {size}, size);
    case QkNorm::per_layer: return add_rms_norm(block, name, x, {heads, size}, size);
    case QkNorm::unweighted: {
      OpAttributes attributes;
      attributes.over = size;
      attributes.work_per_element = 3;
      return block.op(name, OpKind::rms_norm, {x}, block.like(x, name), attributes);
    }
  }
  (void)frame;
  return x;
}

TensorId output_projection(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                           TensorId o) {
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const DimId heads = block.at(o).axes[2].dim;
  const DimId size = block.at(o).axes[3].dim;
  std::vector<TensorId> inputs = {o, block.weight("wo", {heads, size, frame.hidden}, format)};
  if (mixer.output_bias) inputs.push_back(block.weight("bo", {frame.hidden}, frame.activation()));
  return block.matmul(
      "o_proj", inputs,
      {"attention_out", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()});
}

NumberFormat attention_input(const Frame& frame) {
  return frame.inputs_for(frame.spec.formats.attention);
}

TensorId grouped_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                           TensorId n) {
  const HeadDims dims = head_dims(frame, mixer);
  const auto add = [&](const std::string& name, DimId heads, DimId size) {
    return mixer.qkv_bias ? project_with_bias(frame, block, name, n, {heads, size})
                          : project(frame, block, name, n, {heads, size});
  };
  TensorId q = add("q", dims.heads, dims.head_dim);
  TensorId k = add("k", dims.kv_heads, dims.head_dim);
  const TensorId v = add("v", dims.kv_heads, dims.value_dim);
  TensorId gate = 0;
  if (mixer.output_gate) gate = add("gate", dims.heads, dims.value_dim);
  q = normalise(frame, block, mixer, q);
  k = normalise(frame, block, mixer, k);
  if (mixer.rope_dim > 0) {
    q = add_rope(block, "rope_q", q);
    k = add_rope(block, "rope_k", k);
  }
  std::vector<TensorId> inputs = {q, add_keys(frame, block, "k", k, mixer.window),
                                  add_keys(frame, block, "v", v, mixer.window)};
  if (mixer.sinks) inputs.push_back(block.weight("sinks", {dims.heads}, frame.activation()));
  OpAttributes attributes;
  attributes.causal = frame.causal();
  attributes.window = mixer.window;
  attributes.dropout = frame.drops();
  const NumberFormat format = gate != 0 ? frame.activation() : attention_input(frame);
  TensorId o = block.op("attention", OpKind::attention, inputs,
                        {"o", axes({frame.batch, frame.seq, dims.heads, dims.value_dim}), format},
                        attributes);
  if (gate != 0) {
    Out out = block.like(o, "o_gated");
    out.format = attention_input(frame);
    o = block.map("sigmoid_mul", {o, gate}, out, 4);
  }
  return output_projection(frame, block, mixer, o);
}

/// Queries of a low rank: the normed latent [batch seq q_lora].
TensorId query_latent(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId n) {
  const DimId rank = frame.dim("q_lora", DimKind::other, mixer.q_lora);
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const TensorId w = block.weight("wq_a", {frame.hidden, rank}, format);
  const TensorId c = block.matmul(
      "q_a_proj", {n, w}, {"q_latent", axes({frame.batch, frame.seq, rank}), frame.activation()});
  return add_rms_norm(block, "q_a_norm", c, {rank}, rank);
}

/// from[... rank] times a weight [rank heads size] -> [rows... heads size].
TensorId up_project(const Frame& frame, BlockBuilder& block, const std::string& name, TensorId from,
                    const std::array<DimId, 2>& to) {
  const std::vector<Axis> in = block.at(from).axes;
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const TensorId w = block.weight("w" + name, {in.back().dim, to[0], to[1]}, format);
  const std::vector<Axis> out = axes({in[0].dim, in[1].dim, to[0], to[1]});
  return block.matmul(name + "_proj", {from, w}, {name, out, frame.activation()});
}

/// The lightning indexer (arXiv 2512.02556, section 2.1): scores of all keys per query by small
/// heads, of which the best `index_top_k` are kept. `keys` are [batch keys index_head_dim].
TensorId select_keys(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                     const std::array<TensorId, 3>& inputs) {
  const auto [n, query, keys] = inputs;
  // Kind other: engines replicate the indexer over tensor-parallel ranks.
  const DimId heads = frame.dim("index_heads", DimKind::other, mixer.index_heads);
  const DimId size = frame.dim("index_head_dim", DimKind::other, mixer.index_head_dim);
  const DimId context = block.at(keys).axes[1].dim;
  TensorId q = up_project(frame, block, "index_q", query, {heads, size});
  q = add_rope(block, "rope_index_q", q);
  const TensorId w = block.weight("w_index_weights", {frame.hidden, heads}, frame.activation());
  const TensorId share =
      block.matmul("index_weights", {n, w},
                   {"index_share", axes({frame.batch, frame.seq, heads}), NumberFormat::fp32});
  q = block.map("index_scale", {q, share}, block.like(q, "index_q_scaled"), 1);
  const TensorId scores =
      block.matmul("index_scores", {q, keys},
                   {"index_score", axes({frame.batch, frame.seq, context}), NumberFormat::fp32});
  const std::int64_t kept = std::min(mixer.index_top_k, frame.workload.dims[context].size);
  const DimId top = frame.dim("index_top_k", DimKind::other, kept);
  OpAttributes attributes;
  attributes.over = context;
  return block.op("index_top_k", OpKind::top_k, {scores},
                  {"selected", axes({frame.batch, frame.seq, top}), NumberFormat::int32},
                  attributes);
}

/// Key of the indexer from the hidden state: [batch context index_head_dim].
TensorId index_keys(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId n) {
  const DimId size = frame.dim("index_head_dim", DimKind::other, mixer.index_head_dim);
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const TensorId w = block.weight("w_index_k", {frame.hidden, size}, format);
  TensorId k = block.matmul("index_k_proj", {n, w},
                            {"index_k", axes({frame.batch, frame.seq, size}), frame.activation()});
  OpAttributes attributes;
  attributes.over = size;
  attributes.work_per_element = 7;
  const TensorId scale = block.weight("w_index_k_norm", {size}, frame.activation());
  const TensorId bias = block.weight("b_index_k_norm", {size}, frame.activation());
  k = block.op("index_k_norm", OpKind::layer_norm, {k, scale, bias}, block.like(k, "index_k_norm"),
               attributes);
  k = add_rope(block, "rope_index_k", k);
  return add_keys(frame, block, "index_k", k, 0);
}

/// What latent attention reads: the cached latent and its rotary key, and the query's source.
struct Latent {
  TensorId query = 0;  ///< [batch seq q_lora], or n[batch seq hidden]
  TensorId keys = 0;   ///< [batch context kv_lora]
  TensorId rope = 0;   ///< [batch context rope_dim]
  std::vector<TensorId> selected;
};

/// Keys and values expanded to heads: for many queries.
TensorId expanded_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                            const Latent& latent) {
  const DimId heads = frame.dim("heads", DimKind::heads, mixer.heads);
  const DimId size = frame.dim("head_dim", DimKind::head_dim, mixer.head_dim);
  const DimId plain = frame.dim("nope_dim", DimKind::head_dim, mixer.head_dim - mixer.rope_dim);
  const DimId value = frame.dim("value_dim", DimKind::head_dim, mixer.value_dim);
  TensorId q = up_project(frame, block, "q_b", latent.query, {heads, size});
  q = add_rope(block, "rope_q", q);
  const TensorId k = up_project(frame, block, "k_b", latent.keys, {heads, plain});
  const TensorId v = up_project(frame, block, "v_b", latent.keys, {heads, value});
  OpAttributes attributes;
  attributes.causal = frame.spec.causal;
  attributes.sparse_keys = mixer.index_top_k;
  std::vector<TensorId> inputs = {q, k, v, latent.rope};
  inputs.insert(inputs.end(), latent.selected.begin(), latent.selected.end());
  return block.op("attention", OpKind::attention, inputs,
                  {"o", axes({frame.batch, frame.seq, heads, value}), attention_input(frame)},
                  attributes);
}

/// The key and value up-projections moved to query and output, so that the latent is attended to
/// as one shared head: for few queries, and where the keys differ by query.
TensorId absorbed_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                            const Latent& latent) {
  const DimId heads = frame.dim("heads", DimKind::heads, mixer.heads);
  const DimId plain = frame.dim("nope_dim", DimKind::head_dim, mixer.head_dim - mixer.rope_dim);
  const DimId rope = frame.dim("rope_dim", DimKind::head_dim, mixer.rope_dim);
  const DimId rank = frame.dim("kv_lora", DimKind::other, mixer.kv_lora);
  const DimId value = frame.dim("value_dim", DimKind::head_dim, mixer.value_dim);
  const DimId whole = frame.dim("latent_dim", DimKind::head_dim, mixer.kv_lora + mixer.rope_dim);
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const auto rows = [&](DimId last) { return axes({frame.batch, frame.seq, heads, last}); };
  const TensorId q_plain = up_project(frame, block, "q_b_nope", latent.query, {heads, plain});
  TensorId q_rope = up_project(frame, block, "q_b_rope", latent.query, {heads, rope});
  q_rope = add_rope(block, "rope_q", q_rope);
  const TensorId w_uk = block.weight("wk_b", {heads, plain, rank}, format);
  const TensorId q_latent =
      block.matmul("absorb_k", {q_plain, w_uk}, {"q_absorbed", rows(rank), frame.activation()});
  const TensorId q = block.op("concat_q", OpKind::copy, {q_latent, q_rope},
                              {"q", rows(whole), frame.activation()});
  OpAttributes attributes;
  attributes.causal = frame.spec.causal;
  attributes.sparse_keys = mixer.index_top_k;
  std::vector<TensorId> inputs = {q, latent.keys, latent.keys, latent.rope};
  inputs.insert(inputs.end(), latent.selected.begin(), latent.selected.end());
  const TensorId o = block.op("attention", OpKind::attention, inputs,
                              {"o_latent", rows(rank), frame.activation()}, attributes);
  const TensorId w_uv = block.weight("wv_b", {heads, rank, value}, format);
  return block.matmul("absorb_v", {o, w_uv}, {"o", rows(value), attention_input(frame)});
}

/// Mean pooled keys that a query of the step sees, at most `limit` (0: all), at least 1: a pooled
/// key is visible when its `ratio` tokens are past.
std::int64_t mean_pooled(const Frame& frame, std::int64_t ratio, std::int64_t limit) {
  const auto group = static_cast<double>(ratio);
  const double tokens =
      mean_keys(static_cast<double>(frame.request.sequence), static_cast<double>(frame.keys()),
                frame.spec.causal, static_cast<double>(limit) * group);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(tokens / group));
}

/// Pools `ratio` tokens into one key by learned gates: [batch pool size]. Windows overlap by one
/// (`widths` = 2) where an index selects among them, so both projections are twice as wide
/// (DeepSeek-V4 technical report, sections 2.3.1 and 2.3.2).
struct Pool {
  std::string name;
  DimId size = 0;
  std::int64_t ratio = 0;
  std::int64_t widths = 1;
};

TensorId add_pool(const Frame& frame, BlockBuilder& block, TensorId n, const Pool& pool) {
  const std::int64_t entries = std::max<std::int64_t>(1, frame.keys() / pool.ratio);
  const DimId context = frame.dim("pooled_context", DimKind::context, entries);
  const DimId widths = frame.dim("overlap", DimKind::other, pool.widths);
  const DimId taps = frame.dim("pool_ratio", DimKind::other, pool.ratio);
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const auto add = [&](const std::string& name) {
    const TensorId w =
        block.weight("w_" + pool.name + name, {frame.hidden, widths, pool.size}, format);
    const Out out = {pool.name + name, axes({frame.batch, frame.seq, widths, pool.size}),
                     frame.activation()};
    return block.matmul(pool.name + name + "_proj", {n, w}, out);
  };
  const TensorId kv = add("_kv");
  const TensorId gate = add("_gate");
  const TensorId bias =
      block.weight("w_" + pool.name + "_position", {taps, widths, pool.size}, frame.activation());
  // Softmax over the window and the weighted sum: add, exp, sum, divide, multiply, add.
  const TensorId pooled = block.map(
      pool.name + "_pool", {kv, gate, bias},
      {pool.name + "_pooled", axes({frame.batch, frame.seq, pool.size}), frame.activation()}, 6);
  TensorId entry = add_rms_norm(block, pool.name + "_norm", pooled, {pool.size}, pool.size);
  entry = add_rope(block, "rope_" + pool.name, entry);
  const TensorRole role = frame.caching() ? TensorRole::cache : TensorRole::activation;
  return block.op(
      "append_" + pool.name, OpKind::cache_append, {entry},
      {pool.name + "_cache", axes({frame.batch, context, pool.size}), frame.cache(), role});
}

/// o[batch seq heads ...] -> [batch seq hidden] through a low rank per group of heads.
TensorId grouped_output(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                        TensorId o) {
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const DimId groups = block.at(o).axes[2].dim;
  const DimId members = block.at(o).axes[3].dim;
  const DimId size = block.at(o).axes[4].dim;
  const DimId rank = frame.dim("output_lora", DimKind::other, mixer.output_lora);
  const TensorId wa = block.weight("wo_a", {groups, members, size, rank}, format);
  const TensorId low =
      block.matmul("o_a_proj", {o, wa},
                   {"o_low", axes({frame.batch, frame.seq, groups, rank}), attention_input(frame)});
  const TensorId wb = block.weight("wo_b", {groups, rank, frame.hidden}, format);
  return block.matmul(
      "o_b_proj", {low, wb},
      {"attention_out", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()});
}

/// What queries of compressed attention see besides their window.
TensorId pooled_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                          const std::array<TensorId, 3>& inputs) {
  const auto [n, latent, q] = inputs;
  const bool indexed = mixer.index_top_k > 0;
  const DimId size = block.at(q).axes.back().dim;
  const std::int64_t widths = indexed ? 2 : 1;
  const TensorId pool = add_pool(frame, block, n, {"pool", size, mixer.compress_ratio, widths});
  std::vector<TensorId> read = {q, pool, pool};
  // The mask is in the limits: a pooled context is not aligned with the queries.
  OpAttributes attributes;
  if (indexed) {
    const DimId index_size = frame.dim("index_head_dim", DimKind::other, mixer.index_head_dim);
    const TensorId keys =
        add_pool(frame, block, n, {"index", index_size, mixer.compress_ratio, widths});
    read.push_back(select_keys(frame, block, mixer, {n, latent, keys}));
    attributes.sparse_keys = mean_pooled(frame, mixer.compress_ratio, mixer.index_top_k);
  } else {
    attributes.window = mean_pooled(frame, mixer.compress_ratio, 0);
  }
  return block.op("attention_pool", OpKind::attention, read, block.like(q, "o_pool"), attributes);
}

}  // namespace

TensorId add_keys(const Frame& frame, BlockBuilder& block, std::string name, TensorId fresh,
                  std::int64_t window) {
  const std::int64_t all = frame.keys();
  const auto appended = [&](DimId context, TensorRole role) {
    Out out = block.like(fresh, name + (role == TensorRole::cache ? "_cache" : "_keys"));
    for (Axis& axis : out.axes) {
      if (axis.dim == frame.seq) axis.dim = context;
    }
    out.format = frame.cache();
    out.role = role;
    return block.op("append_" + name, OpKind::cache_append, {fresh}, out);
  };
  const TensorRole kept_role = frame.caching() ? TensorRole::cache : TensorRole::activation;
  if (window == 0 || window >= all) return appended(frame.context, kept_role);
  // The queries of the step see together `sequence - 1` keys more than one of them does.
  const std::int64_t seen = std::min(all, window + frame.request.sequence - 1);
  const DimId seen_dim = frame.dim("window_context", DimKind::context, seen);
  if (!frame.caching() || seen == window) return appended(seen_dim, kept_role);
  appended(frame.dim("window_kept", DimKind::context, window), TensorRole::cache);
  return appended(seen_dim, TensorRole::activation);
}

TensorId add_cross_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                             TensorId n) {
  const HeadDims dims = head_dims(frame, mixer);
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const bool decodes = frame.request.phase == Phase::decode;
  const auto project_from = [&](const std::string& name, TensorId x, DimId heads, DimId size) {
    std::vector<TensorId> inputs = {x,
                                    block.weight("w" + name, {frame.hidden, heads, size}, format)};
    if (mixer.qkv_bias)
      inputs.push_back(block.weight("b" + name, {heads, size}, frame.activation()));
    const DimId rows = block.at(x).axes[1].dim;
    return block.matmul(name + "_proj", inputs,
                        {name, axes({frame.batch, rows, heads, size}), frame.activation()});
  };
  const TensorId q = project_from("cross_q", n, dims.heads, dims.head_dim);
  const auto kept = [&](const std::string& name, DimId size) {
    Out out = {name + "_cache", axes({frame.batch, frame.source, dims.kv_heads, size}),
               frame.cache(), TensorRole::cache};
    if (decodes) {
      block.weight("w" + name, {frame.hidden, dims.kv_heads, size}, format);
      return block.tensor(out);
    }
    const TensorId memory = block.tensor(
        {"memory_" + name, axes({frame.batch, frame.source, frame.hidden}), frame.activation()});
    const TensorId fresh = project_from(name, memory, dims.kv_heads, size);
    return frame.caching() ? block.op("keep_" + name, OpKind::cache_append, {fresh}, out) : fresh;
  };
  const TensorId k = kept("cross_k", dims.head_dim);
  const TensorId v = kept("cross_v", dims.value_dim);
  const TensorId o =
      block.op("cross_attention", OpKind::attention, {q, k, v},
               {"cross_o", axes({frame.batch, frame.seq, dims.heads, dims.value_dim}),
                attention_input(frame)});
  std::vector<TensorId> inputs = {
      o, block.weight("w_cross_o", {dims.heads, dims.value_dim, frame.hidden}, format)};
  if (mixer.output_bias)
    inputs.push_back(block.weight("b_cross_o", {frame.hidden}, frame.activation()));
  return block.matmul(
      "cross_o_proj", inputs,
      {"cross_out", axes({frame.batch, frame.seq, frame.hidden}), frame.activation()});
}

TensorId add_latent_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                              TensorId n) {
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  const DimId rank = frame.dim("kv_lora", DimKind::other, mixer.kv_lora);
  const DimId rope = frame.dim("rope_dim", DimKind::head_dim, mixer.rope_dim);
  Latent latent;
  latent.query = mixer.q_lora > 0 ? query_latent(frame, block, mixer, n) : n;
  const TensorId wc = block.weight("wkv_a", {frame.hidden, rank}, format);
  TensorId c =
      block.matmul("kv_a_proj", {n, wc},
                   {"kv_latent", axes({frame.batch, frame.seq, rank}), frame.activation()});
  c = add_rms_norm(block, "kv_a_norm", c, {rank}, rank);
  const TensorId wr = block.weight("wk_rope", {frame.hidden, rope}, format);
  TensorId r = block.matmul("k_rope_proj", {n, wr},
                            {"k_rope", axes({frame.batch, frame.seq, rope}), frame.activation()});
  r = add_rope(block, "rope_k", r);
  latent.keys = add_keys(frame, block, "latent", c, 0);
  latent.rope = add_keys(frame, block, "k_rope", r, 0);
  const bool indexed = mixer.index_top_k > 0;
  if (indexed) {
    const TensorId keys = index_keys(frame, block, mixer, n);
    latent.selected.push_back(select_keys(frame, block, mixer, {n, latent.query, keys}));
  }
  const bool absorb =
      frame.request.phase == Phase::decode || (indexed && frame.keys() > mixer.index_top_k);
  const TensorId o = absorb ? absorbed_attention(frame, block, mixer, latent)
                            : expanded_attention(frame, block, mixer, latent);
  return output_projection(frame, block, mixer, o);
}

TensorId add_compressed_attention(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer,
                                  TensorId n) {
  const NumberFormat format = frame.weights(frame.spec.formats.attention);
  // Heads in the groups of the output projection: the groups are what tensor parallelism splits.
  const DimId groups = frame.dim("heads", DimKind::heads, mixer.output_groups);
  const DimId members = frame.dim("group_heads", DimKind::other, mixer.heads / mixer.output_groups);
  const DimId size = frame.dim("head_dim", DimKind::head_dim, mixer.head_dim);
  const TensorId latent = query_latent(frame, block, mixer, n);
  const DimId rank = block.at(latent).axes.back().dim;
  const TensorId wq = block.weight("wq_b", {rank, groups, members, size}, format);
  TensorId q = block.matmul(
      "q_b_proj", {latent, wq},
      {"q", axes({frame.batch, frame.seq, groups, members, size}), frame.activation()});
  OpAttributes norm;
  norm.over = size;
  norm.work_per_element = 3;
  q = block.op("q_norm", OpKind::rms_norm, {q}, block.like(q, "q_norm"), norm);
  q = add_rope(block, "rope_q", q);
  const TensorId wkv = block.weight("wkv", {frame.hidden, size}, format);
  TensorId kv = block.matmul("kv_proj", {n, wkv},
                             {"kv", axes({frame.batch, frame.seq, size}), frame.activation()});
  kv = add_rms_norm(block, "kv_norm", kv, {size}, size);
  kv = add_rope(block, "rope_kv", kv);
  const TensorId near = add_keys(frame, block, "kv", kv, mixer.window);
  const TensorId sinks = block.weight("sinks", {groups, members}, frame.activation());
  OpAttributes attributes;
  attributes.causal = frame.spec.causal;
  attributes.window = mixer.window;
  TensorId o = block.op("attention", OpKind::attention, {q, near, near, sinks},
                        block.like(q, "o_window"), attributes);
  if (mixer.compress_ratio > 0) {
    const TensorId far = pooled_attention(frame, block, mixer, {n, latent, q});
    // Two softmaxes joined by their log-sum-exp.
    o = block.map("attention_join", {o, far}, block.like(o, "o_joined"), 3);
  }
  // Keys are values too, so their rotation is taken back from the output.
  OpAttributes unrotate;
  unrotate.work_per_element = 3;
  Out out = block.like(o, "o");
  out.format = attention_input(frame);
  o = block.op("rope_o", OpKind::rope, {o}, out, unrotate);
  return grouped_output(frame, block, mixer, o);
}

NumberFormat mixer_input_format(const Frame& frame, const MixerSpec& mixer) {
  (void)mixer;
  return attention_input(frame);
}

TensorId add_mixer(const Frame& frame, BlockBuilder& block, const MixerSpec& mixer, TensorId n) {
  switch (mixer.kind) {
    case MixerKind::none: return n;
    case MixerKind::attention: return grouped_attention(frame, block, mixer, n);
    case MixerKind::mla: return add_latent_attention(frame, block, mixer, n);
    case MixerKind::mamba2: return add_mamba2(frame, block, mixer, n);
    case MixerKind::delta: return add_delta_net(frame, block, mixer, n);
    case MixerKind::compressed: return add_compressed_attention(frame, block, mixer, n);
  }
  return n;
}

}  // namespace fastpath::parts
