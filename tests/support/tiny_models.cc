#include "support/tiny_models.h"

#include <stdexcept>
#include <utility>

namespace fastpath::testing {

DimId BlockBuilder::dim(const std::string& name) const {
  for (DimId id = 0; id < workload_.dims.size(); ++id) {
    if (workload_.dims[id].name == name) return id;
  }
  throw std::invalid_argument("no dimension " + name);
}

TensorId BlockBuilder::tensor(const std::string& name, const std::vector<std::string>& dims,
                              TensorRole role) {
  Tensor tensor;
  tensor.name = name;
  tensor.role = role;
  for (const std::string& text : dims) {
    const bool routed = text.front() == '@';
    tensor.axes.push_back({dim(routed ? text.substr(1) : text), routed});
  }
  block_.tensors.push_back(tensor);
  return static_cast<TensorId>(block_.tensors.size() - 1);
}

Op& BlockBuilder::op(const std::string& name, OpKind kind, std::vector<TensorId> inputs,
                     std::vector<TensorId> outputs) {
  block_.ops.push_back({name, kind, std::move(inputs), std::move(outputs), {}});
  return block_.ops.back();
}

void BlockBuilder::finish(std::int64_t repeat) {
  workload_.blocks.push_back(block_);
  workload_.segments.push_back({static_cast<std::uint32_t>(workload_.blocks.size() - 1), repeat});
}

namespace {

constexpr DimId kHiddenDim = 3;

void add_embedding(Workload& workload) {
  BlockBuilder b(workload, "embedding");
  const TensorId ids = b.tensor("ids", {"batch", "seq"}, TensorRole::input);
  const TensorId table = b.tensor("table", {"vocab", "hidden"}, TensorRole::weight);
  const TensorId x = b.tensor("x", {"batch", "seq", "hidden"});
  b.op("lookup", OpKind::embedding, {ids, table}, {x});
  b.finish(1);
}

TensorId add_norm(BlockBuilder& b, const std::string& name, TensorId x) {
  const TensorId scale = b.tensor(name + "_scale", {"hidden"}, TensorRole::weight);
  const TensorId n = b.tensor(name, {"batch", "seq", "hidden"});
  b.op(name, OpKind::rms_norm, {x, scale}, {n}).attributes.over = kHiddenDim;
  return n;
}

TensorId add_matmul(BlockBuilder& b, const std::string& name, TensorId x,
                    const std::vector<std::string>& weight, const std::vector<std::string>& out) {
  const TensorId w = b.tensor("w_" + name, weight, TensorRole::weight);
  const TensorId y = b.tensor(name, out);
  b.op(name, OpKind::matmul, {x, w}, {y});
  return y;
}

TensorId add_sum(BlockBuilder& b, const std::string& name, TensorId x, TensorId y) {
  const TensorId z = b.tensor(name, {"batch", "seq", "hidden"});
  b.op(name, OpKind::elementwise, {x, y}, {z}).attributes.function = "add";
  return z;
}

TensorId add_attention(BlockBuilder& b, TensorId x) {
  const TensorId n = add_norm(b, "norm1", x);
  const TensorId q =
      add_matmul(b, "q", n, {"hidden", "heads", "head_dim"}, {"batch", "seq", "heads", "head_dim"});
  const TensorId k = add_matmul(b, "k", n, {"hidden", "kv_heads", "head_dim"},
                                {"batch", "seq", "kv_heads", "head_dim"});
  const TensorId v = add_matmul(b, "v", n, {"hidden", "kv_heads", "head_dim"},
                                {"batch", "seq", "kv_heads", "head_dim"});
  const TensorId kc = b.tensor("kc", {"batch", "context", "kv_heads", "head_dim"});
  const TensorId vc = b.tensor("vc", {"batch", "context", "kv_heads", "head_dim"});
  b.op("append_k", OpKind::cache_append, {k}, {kc});
  b.op("append_v", OpKind::cache_append, {v}, {vc});
  const TensorId o = b.tensor("o", {"batch", "seq", "heads", "head_dim"});
  b.op("attention", OpKind::attention, {q, kc, vc}, {o}).attributes.causal = true;
  const TensorId y =
      add_matmul(b, "out", o, {"heads", "head_dim", "hidden"}, {"batch", "seq", "hidden"});
  return add_sum(b, "add1", x, y);
}

void add_gate(BlockBuilder& b, TensorId gate, TensorId up, TensorId act) {
  Op& op = b.op("act", OpKind::elementwise, {gate, up}, {act});
  op.attributes.function = "silu_mul";
  op.attributes.work_per_element = 5;
}

TensorId add_dense_mlp(BlockBuilder& b, TensorId n) {
  const TensorId up = add_matmul(b, "up", n, {"hidden", "ffn"}, {"batch", "seq", "ffn"});
  const TensorId gate = add_matmul(b, "gate", n, {"hidden", "ffn"}, {"batch", "seq", "ffn"});
  const TensorId act = b.tensor("a", {"batch", "seq", "ffn"});
  add_gate(b, gate, up, act);
  return add_matmul(b, "down", act, {"ffn", "hidden"}, {"batch", "seq", "hidden"});
}

TensorId add_experts(BlockBuilder& b, TensorId n) {
  const std::vector<std::string> routed_hidden{"batch", "seq", "top_k", "hidden", "@experts"};
  const std::vector<std::string> routed_ffn{"batch", "seq", "top_k", "ffn", "@experts"};
  const TensorId logits =
      add_matmul(b, "router", n, {"hidden", "experts"}, {"batch", "seq", "experts"});
  const TensorId picked = b.tensor("picked", {"batch", "seq", "top_k"});
  b.op("route", OpKind::top_k, {logits}, {picked}).attributes.over = 8;
  const TensorId xd = b.tensor("xd", routed_hidden);
  b.op("dispatch", OpKind::dispatch, {n, picked}, {xd});
  const auto grouped = [&](const std::string& name, TensorId x, std::vector<std::string> weight,
                           const std::vector<std::string>& out) {
    const TensorId w = b.tensor("w_" + name, std::move(weight), TensorRole::weight);
    const TensorId y = b.tensor(name, out);
    b.op(name, OpKind::grouped_matmul, {x, w}, {y});
    return y;
  };
  const TensorId up = grouped("up", xd, {"experts", "hidden", "ffn"}, routed_ffn);
  const TensorId gate = grouped("gate", xd, {"experts", "hidden", "ffn"}, routed_ffn);
  const TensorId act = b.tensor("a", routed_ffn);
  add_gate(b, gate, up, act);
  const TensorId yd = grouped("down", act, {"experts", "ffn", "hidden"}, routed_hidden);
  const TensorId y = b.tensor("y", {"batch", "seq", "hidden"});
  b.op("combine", OpKind::combine, {yd, picked}, {y});
  return y;
}

void add_head(Workload& workload) {
  BlockBuilder b(workload, "head");
  const TensorId x = b.tensor("x", {"batch", "seq", "hidden"});
  const TensorId n = add_norm(b, "norm", x);
  const TensorId logits =
      add_matmul(b, "logits", n, {"hidden", "vocab"}, {"batch", "seq", "vocab"});
  if (workload.phase == Phase::training) {
    const TensorId loss = b.tensor("loss", {"batch", "seq"});
    b.op("loss", OpKind::cross_entropy, {logits}, {loss}).attributes.over = 7;
  }
  b.finish(1);
}

}  // namespace

Workload decoder(const DecoderSizes& s) {
  Workload w;
  w.name = s.experts > 0 ? "tiny-moe" : "tiny-decoder";
  w.phase = s.phase;
  w.dims = {{"batch", s.batch, DimKind::batch},
            {"seq", s.seq, DimKind::sequence},
            {"context", s.seq, DimKind::context},
            {"hidden", s.hidden, DimKind::hidden},
            {"heads", s.heads, DimKind::heads},
            {"kv_heads", s.kv_heads, DimKind::kv_heads},
            {"head_dim", s.head_dim, DimKind::head_dim},
            {"vocab", s.vocab, DimKind::vocab},
            {"experts", std::max<std::int64_t>(1, s.experts), DimKind::experts},
            {"top_k", s.top_k, DimKind::top_k},
            {"ffn", s.ffn, DimKind::ffn}};
  add_embedding(w);
  BlockBuilder b(w, "layer");
  const TensorId x = b.tensor("x", {"batch", "seq", "hidden"});
  const TensorId attended = add_attention(b, x);
  const TensorId n = add_norm(b, "norm2", attended);
  const TensorId y = s.experts > 0 ? add_experts(b, n) : add_dense_mlp(b, n);
  add_sum(b, "add2", attended, y);
  b.finish(s.layers);
  add_head(w);
  return w;
}

Workload small_cnn(std::int64_t batch) {
  Workload w;
  w.name = "small-cnn";
  w.phase = Phase::training;
  w.dims = {{"batch", batch, DimKind::batch}, {"c_in", 3, DimKind::other},
            {"h", 32, DimKind::spatial},      {"w", 32, DimKind::spatial},
            {"c1", 16, DimKind::channels},    {"kh", 3, DimKind::other},
            {"kw", 3, DimKind::other},        {"c2", 32, DimKind::other},
            {"classes", 10, DimKind::other}};
  BlockBuilder b(w, "features");
  const TensorId x = b.tensor("x", {"batch", "c_in", "h", "w"}, TensorRole::input);
  const TensorId w1 = b.tensor("w1", {"c1", "c_in", "kh", "kw"}, TensorRole::weight);
  const TensorId y1 = b.tensor("y1", {"batch", "c1", "h", "w"});
  b.op("conv1", OpKind::convolution, {x, w1}, {y1});
  const TensorId r1 = b.tensor("r1", {"batch", "c1", "h", "w"});
  b.op("relu1", OpKind::elementwise, {y1}, {r1}).attributes.function = "relu";
  const TensorId w2 = b.tensor("w2", {"c2", "c1", "kh", "kw"}, TensorRole::weight);
  const TensorId y2 = b.tensor("y2", {"batch", "c2", "h", "w"});
  b.op("conv2", OpKind::convolution, {r1, w2}, {y2});
  b.finish(1);
  BlockBuilder c(w, "classifier");
  const TensorId y = c.tensor("y2", {"batch", "c2", "h", "w"});
  const TensorId p = c.tensor("p", {"batch", "c2"});
  c.op("pool", OpKind::reduce, {y}, {p});
  const TensorId wc = c.tensor("wc", {"c2", "classes"}, TensorRole::weight);
  const TensorId logits = c.tensor("logits", {"batch", "classes"});
  c.op("classify", OpKind::matmul, {p, wc}, {logits});
  c.finish(1);
  return w;
}

Workload small_recommender(std::int64_t batch) {
  Workload w;
  w.name = "small-recommender";
  w.phase = Phase::training;
  w.dims = {{"batch", batch, DimKind::batch}, {"vector", 32, DimKind::hidden},
            {"tables", 4, DimKind::other},    {"click", 1, DimKind::other},
            {"rows0", 1000, DimKind::vocab},  {"rows1", 2000, DimKind::vocab},
            {"rows2", 3000, DimKind::vocab},  {"rows3", 4000, DimKind::vocab}};
  BlockBuilder b(w, "tables");
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i);
    const TensorId ids = b.tensor("ids" + n, {"batch"}, TensorRole::input);
    const TensorId table = b.tensor("table" + n, {"rows" + n, "vector"}, TensorRole::weight);
    const TensorId vectors = b.tensor("vectors" + n, {"batch", "vector"});
    b.op("look_up" + n, OpKind::embedding, {ids, table}, {vectors});
  }
  b.finish(1);
  BlockBuilder c(w, "top");
  const TensorId v = c.tensor("v", {"batch", "tables", "vector"});
  const TensorId wt = c.tensor("wt", {"tables", "vector", "click"}, TensorRole::weight);
  const TensorId y = c.tensor("y", {"batch", "click"});
  c.op("click", OpKind::matmul, {v, wt}, {y});
  c.finish(1);
  return w;
}

Device round_device() {
  Device device;
  device.id = "round";
  device.name = "Round";
  device.kind = "gpu";
  for (const auto& [format, rate] :
       {std::pair{NumberFormat::bf16, 100e12}, std::pair{NumberFormat::fp32, 10e12}}) {
    Peak peak;
    peak.format = format;
    peak.rate.value = FlopsPerSecond{rate};
    device.peaks.push_back(peak);
  }
  Memory memory;
  memory.name = "HBM";
  memory.capacity = Figure<Bytes>{Bytes{80e9}, {}, {}, {}};
  memory.bandwidth = Figure<BytesPerSecond>{BytesPerSecond{1e12}, {}, {}, {}};
  device.memories = {memory};
  device.achieved.launch.value = Seconds{3e-6};
  device.achieved.graph_launch.value = Seconds{1e-6};
  return device;
}

System round_system(std::int64_t devices, std::int64_t nodes) {
  System system;
  system.id = "round";
  system.name = "Round";
  system.device = round_device();
  Level node;
  node.name = "node";
  node.count = devices;
  node.bandwidth.value = BytesPerSecond{100e9};
  node.latency.value = Seconds{2e-6};
  Level cluster = node;
  cluster.name = "cluster";
  cluster.count = nodes;
  cluster.bandwidth.value = BytesPerSecond{10e9};
  cluster.latency.value = Seconds{10e-6};
  system.levels = {node, cluster};
  return system;
}

}  // namespace fastpath::testing
