#include "import/onnx/own_rules.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "import/onnx/limits.h"

namespace fastpath::onnx_import {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;
using Integers = std::vector<std::int64_t>;

constexpr std::string_view kMicrosoft = "com.microsoft";

Inference problem(std::string text) {
  Inference result;
  result.problem = std::move(text);
  return result;
}

TypeAndShape made(int type, Shape shape) { return {type, true, std::move(shape)}; }

Inference one(int type, Shape shape) {
  Inference result;
  result.outputs.push_back(made(type, std::move(shape)));
  return result;
}

/// The rank is known, the sizes are not.
Inference unsized(int type, std::size_t rank) { return one(type, Shape(rank, -1)); }

std::string missing(std::size_t index) { return "input " + std::to_string(index) + " is missing"; }

Integers attribute_or_input(const ShapeCall& call, std::string_view name, std::size_t index,
                            bool& known) {
  known = true;
  if (call.has(index)) {
    auto list = integers(call, index);
    known = list.has_value();
    return list.value_or(Integers{});
  }
  return ints_attribute(call.node, name);
}

Inference same_as_first(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  return one(call.input(0).type, call.input(0).shape);
}

std::optional<Shape> broadcast_shapes(const ShapeCall& call,
                                      std::initializer_list<std::size_t> of) {
  Shape out;
  for (const std::size_t index : of)
    out.resize(std::max(out.size(), call.input(index).shape.size()), 1);
  for (const std::size_t index : of) {
    const Shape& in = call.input(index).shape;
    for (std::size_t i = 0; i < in.size(); ++i) {
      std::int64_t& size = out[out.size() - 1 - i];
      const std::int64_t own = in[in.size() - 1 - i];
      if (own == size || own == 1) continue;
      if (size != 1) return std::nullopt;
      size = own;
    }
  }
  return out;
}

Inference broadcast_of(const ShapeCall& call, std::size_t a, std::size_t b) {
  if (!call.has(a)) return problem(missing(a));
  if (!call.has(b)) return problem(missing(b));
  auto shape = broadcast_shapes(call, {a, b});
  if (!shape) {
    return problem("shapes " + shape_text(call.input(a).shape) + " and " +
                   shape_text(call.input(b).shape) + " do not broadcast");
  }
  return one(call.input(a).type, std::move(*shape));
}

Inference broadcast_two(const ShapeCall& call) { return broadcast_of(call, 0, 1); }
/// A function without a rule of its own in the library.
Inference compare(const ShapeCall& call) {
  Inference result = broadcast_two(call);
  for (TypeAndShape& out : result.outputs)
    out.type = TensorProto::BOOL;
  return result;
}
/// QLinearAdd, QLinearMul: a, scale, zero point, b, scale, zero point, ...
Inference broadcast_quantised(const ShapeCall& call) { return broadcast_of(call, 0, 3); }

Inference reduce(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  const Shape& in = call.input(0).shape;
  const bool keep = int_attribute(call.node, "keepdims", 1) != 0;
  bool known = true;
  const Integers axes = attribute_or_input(call, "axes", 1, known);
  if (!known) {
    if (keep) return unsized(call.input(0).type, in.size());
    Inference unranked;
    unranked.outputs.push_back({call.input(0).type, false, {}});
    return unranked;
  }
  const bool nothing = axes.empty() && int_attribute(call.node, "noop_with_empty_axes", 0) != 0;
  std::vector<bool> gone(in.size(), axes.empty() && !nothing);
  for (const std::int64_t item : axes) {
    const auto axis = axis_of(item, in.size());
    if (!axis) return problem("axis " + std::to_string(item) + " is out of range");
    gone[*axis] = true;
  }
  Shape out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!gone[i]) out.push_back(in[i]);
    if (gone[i] && keep) out.push_back(1);
  }
  return one(call.input(0).type, out);
}

Inference split(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  const Shape& in = call.input(0).shape;
  const auto axis = axis_of(int_attribute(call.node, "axis", 0), in.size());
  if (!axis) return problem("its axis is out of range");
  const auto parts = static_cast<std::size_t>(call.node.output_size());
  if (parts == 0) return problem("it has no outputs");
  bool known = true;
  Integers sizes = attribute_or_input(call, "split", 1, known);
  if (known && sizes.empty()) {
    const auto ways = static_cast<std::int64_t>(parts);
    const std::int64_t chunk = in[*axis] / ways + (in[*axis] % ways != 0 ? 1 : 0);
    std::int64_t left = in[*axis];
    for (std::size_t i = 0; i < parts; ++i) {
      sizes.push_back(std::min(chunk, left));
      left -= sizes.back();
    }
  }
  if (!known) sizes.assign(parts, -1);
  if (sizes.size() != parts) return problem("it has not one size for each output");
  Inference result;
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) {
    if (known && (size < 0 || size > in[*axis])) return problem("a split size is out of range");
    sum += size;
    Shape out = in;
    out[*axis] = size;
    result.outputs.push_back(made(call.input(0).type, out));
  }
  if (known && sum != in[*axis]) return problem("its sizes do not add up to the axis");
  return result;
}

/// Sizes or scales of the axes given; others stay.
Inference resize_to(const ShapeCall& call, const std::vector<long double>& numbers, bool scales) {
  Shape out = call.input(0).shape;
  Integers axes = ints_attribute(call.node, "axes");
  if (axes.empty()) {
    for (std::size_t i = 0; i < out.size(); ++i)
      axes.push_back(static_cast<std::int64_t>(i));
  }
  if (axes.size() != numbers.size()) return problem("it has not one size for each axis");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = axis_of(axes[i], out.size());
    if (!axis) return problem("its axis is out of range");
    const long double size =
        scales ? std::floor(static_cast<long double>(out[*axis]) * numbers[i]) : numbers[i];
    if (!(size >= 0 && size <= static_cast<long double>(kMaxElements)))
      return problem("its output size is out of range");
    out[*axis] = static_cast<std::int64_t>(size);
  }
  return one(call.input(0).type, out);
}

Inference resize(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  const auto* attribute = find_attribute(call.node, "scales");
  if (attribute != nullptr) {
    return resize_to(call, {attribute->floats().begin(), attribute->floats().end()}, true);
  }
  const auto given = [&](std::size_t index) {
    return call.has(index) && element_count(call.input(index).shape).value_or(0) > 0;
  };
  const bool short_form = call.opset < 11;  // X, scales; later X, roi, scales, sizes
  const std::size_t scales = short_form ? 1 : 2;
  const std::size_t sizes = 3;
  if (given(scales)) {
    if (call.input(scales).known == nullptr)
      return unsized(call.input(0).type, call.input(0).shape.size());
    return resize_to(call, call.input(scales).known->data, true);
  }
  if (!short_form && given(sizes)) {
    if (call.input(sizes).known == nullptr)
      return unsized(call.input(0).type, call.input(0).shape.size());
    if (string_attribute(call.node, "keep_aspect_ratio_policy", "stretch") != "stretch")
      return unsized(call.input(0).type, call.input(0).shape.size());
    return resize_to(call, call.input(sizes).known->data, false);
  }
  return unsized(call.input(0).type, call.input(0).shape.size());
}

Inference pad(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  Shape out = call.input(0).shape;
  bool known = true;
  const Integers pads = attribute_or_input(call, "pads", 1, known);
  if (!known) return unsized(call.input(0).type, out.size());
  Integers axes;
  if (call.has(3)) {
    const auto list = integers(call, 3);
    if (!list) return unsized(call.input(0).type, out.size());
    axes = *list;
  } else {
    for (std::size_t i = 0; i < out.size(); ++i)
      axes.push_back(static_cast<std::int64_t>(i));
  }
  if (pads.size() != 2 * axes.size()) return problem("it has not two pads for each axis");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = axis_of(axes[i], out.size());
    if (!axis) return problem("its axis is out of range");
    const std::int64_t begin = pads[i];
    const std::int64_t end = pads[i + axes.size()];
    const auto sane = [](std::int64_t n) { return n >= -kMaxElements && n <= kMaxElements; };
    if (!sane(begin) || !sane(end)) return problem("a pad is out of range");
    out[*axis] += begin + end;
    if (out[*axis] < 0) return problem("it crops more than there is");
  }
  return one(call.input(0).type, out);
}

/// [..., m, k] x [..., k, n] -> [..., m, n], vectors as in NumPy.
Inference matmul_shapes(Shape a, Shape b, int type) {
  if (a.empty() || b.empty()) return problem("it multiplies a scalar");
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  if (a.back() != b[b.size() - 2]) {
    return problem("shapes " + shape_text(a) + " and " + shape_text(b) + " do not multiply");
  }
  Shape out(std::max(a.size(), b.size()) - 2, 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto at = [&](const Shape& s) {
      const std::size_t skip = out.size() - (s.size() - 2);
      return i < skip ? 1 : s[i - skip];
    };
    if (at(a) != at(b) && at(a) != 1 && at(b) != 1)
      return problem("its batch axes do not broadcast");
    out[i] = at(a) == 1 ? at(b) : at(a);
  }
  if (!row) out.push_back(a[a.size() - 2]);
  if (!column) out.push_back(b.back());
  return one(type, out);
}

Inference fused_matmul(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  if (!call.has(1)) return problem(missing(1));
  Shape a = call.input(0).shape;
  Shape b = call.input(1).shape;
  if (int_attribute(call.node, "transBatchA", 0) != 0 ||
      int_attribute(call.node, "transBatchB", 0) != 0) {
    return problem("it transposes batch axes");
  }
  if (int_attribute(call.node, "transA", 0) != 0 && a.size() >= 2)
    std::swap(a[a.size() - 1], a[a.size() - 2]);
  if (int_attribute(call.node, "transB", 0) != 0 && b.size() >= 2)
    std::swap(b[b.size() - 1], b[b.size() - 2]);
  return matmul_shapes(a, b, call.input(0).type);
}

Inference matmul_to_float(const ShapeCall& call) {
  Inference result = fused_matmul(call);
  if (!result.outputs.empty() && call.has(2)) result.outputs[0].type = call.input(2).type;
  return result;
}

/// DynamicQuantizeMatMul: A, B, b_scale, ...
Inference dynamic_matmul(const ShapeCall& call) { return fused_matmul(call); }

Inference gemm(const ShapeCall& call) {
  const bool quantised = call.node.op_type() == "QGemm";
  const std::size_t right = quantised ? 3 : 1;
  if (!call.has(0)) return problem(missing(0));
  if (!call.has(right)) return problem(missing(right));
  Shape a = call.input(0).shape;
  Shape b = call.input(right).shape;
  if (a.size() != 2 || b.size() != 2) return problem("its inputs are not matrices");
  if (int_attribute(call.node, "transA", 0) != 0) std::swap(a[0], a[1]);
  if (int_attribute(call.node, "transB", 0) != 0) std::swap(b[0], b[1]);
  return matmul_shapes(a, b, call.input(0).type);
}

/// Weights are packed in blocks of bits: their logical shape is in the attributes K and N.
Inference matmul_nbits(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  Shape out = call.input(0).shape;
  const std::int64_t k = int_attribute(call.node, "K", 0);
  const std::int64_t n = int_attribute(call.node, "N", 0);
  if (out.empty() || k < 1 || n < 1 || out.back() != k)
    return problem("K and N do not fit its input");
  out.back() = n;
  return one(call.input(0).type, out);
}

/// Conv as the library has it, for the fused and the channels-first quantised forms.
Inference fused_conv(const ShapeCall& call) {
  NodeProto plain = call.node;
  plain.set_op_type("Conv");
  plain.clear_domain();
  plain.clear_attribute();
  plain.mutable_input()->Clear();
  for (const auto& attribute : call.node.attribute()) {
    if (attribute.name().rfind("activation", 0) != 0) *plain.add_attribute() = attribute;
  }
  std::vector<const Value*> inputs(call.inputs.begin(), call.inputs.end());
  inputs.resize(std::min<std::size_t>(inputs.size(), 3));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    plain.add_input("x");
  return infer({plain, 17, inputs});
}

/// RMSNormalization, SimplifiedLayerNormalization and their kin: the optional outputs keep the
/// normalised axes as 1.
Inference norm(const ShapeCall& call) {
  Inference result = same_as_first(call);
  if (!result.problem.empty()) return result;
  Shape kept = call.input(0).shape;
  const auto axis = axis_of(int_attribute(call.node, "axis", -1), kept.size());
  if (!axis) return problem("its axis is out of range");
  std::fill(kept.begin() + static_cast<long>(*axis), kept.end(), 1);
  for (int i = 1; i < call.node.output_size(); ++i)
    result.outputs.push_back(made(TensorProto::FLOAT, kept));
  return result;
}

/// SkipLayerNormalization: the last output is the sum of input and skip.
Inference skip_norm(const ShapeCall& call) {
  Inference result = same_as_first(call);
  if (!result.problem.empty()) return result;
  Shape kept = call.input(0).shape;
  if (kept.empty()) return problem("its input is a scalar");
  kept.back() = 1;
  for (int i = 1; i < call.node.output_size(); ++i) {
    const bool sum = i == 3;
    result.outputs.push_back(made(sum ? call.input(0).type : static_cast<int>(TensorProto::FLOAT),
                                  sum ? call.input(0).shape : kept));
  }
  return result;
}

/// com.microsoft Attention: x[b s h], w[h 3d] -> [b s d]; the sizes of q, k, v may differ.
Inference packed_attention(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  if (!call.has(1)) return problem(missing(1));
  const Shape& x = call.input(0).shape;
  const Shape& w = call.input(1).shape;
  if (x.size() != 3 || w.size() != 2) return problem("its input is not [batch sequence hidden]");
  const Integers sizes = ints_attribute(call.node, "qkv_hidden_sizes");
  const std::int64_t out = sizes.size() == 3 ? sizes[2] : w[1] / 3;
  Inference result = one(call.input(0).type, {x[0], x[1], out});
  result.outputs.resize(static_cast<std::size_t>(std::max(call.node.output_size(), 1)));
  return result;
}

/// com.microsoft MultiHeadAttention and GroupQueryAttention: q[b s d], k, v -> [b s dv].
Inference multi_head_attention(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  const Shape& q = call.input(0).shape;
  if (q.size() != 3 || !call.has(1) || !call.has(2)) {
    return problem("only separate query, key and value of [batch sequence hidden] are read");
  }
  const bool grouped = call.node.op_type() == "GroupQueryAttention";
  Shape out = q;
  const Shape& v = call.input(2).shape;
  if (!grouped && v.size() == 3) out[2] = v[2];
  if (!grouped && v.size() == 4) out[2] = v[1] * v[3];
  Inference result = one(call.input(0).type, out);
  for (int i = 1; i < call.node.output_size(); ++i) {
    const auto past = static_cast<std::size_t>(i) + (grouped ? 2 : 5);
    result.outputs.emplace_back();
    if (!call.has(past) || call.input(past).shape.size() != 4) continue;
    Shape present = call.input(past).shape;
    const Shape& key = call.input(1).shape;
    if (!grouped && key.size() == 3) present[2] += key[1];
    if (grouped) present[2] = std::max(present[2], q[1]);
    result.outputs.back() = made(call.input(past).type, present);
  }
  return result;
}

/// ai.onnx Attention (opset 23): 4-D [b heads s d], or 3-D with q_num_heads and kv_num_heads.
Inference onnx_attention(const ShapeCall& call) {
  if (!call.has(0) || !call.has(1) || !call.has(2)) return problem(missing(0));
  const Shape& q = call.input(0).shape;
  const Shape& k = call.input(1).shape;
  const Shape& v = call.input(2).shape;
  if (q.size() != k.size() || q.size() != v.size() || (q.size() != 3 && q.size() != 4)) {
    return problem("query, key and value are not all 3-D or 4-D");
  }
  const std::int64_t q_heads = q.size() == 4 ? q[1] : int_attribute(call.node, "q_num_heads", 0);
  const std::int64_t kv_heads = q.size() == 4 ? k[1] : int_attribute(call.node, "kv_num_heads", 0);
  if (q_heads < 1 || kv_heads < 1) return problem("its numbers of heads are missing");
  Shape out = q;
  out.back() = q.size() == 4 ? v.back() : v.back() / kv_heads * q_heads;
  Inference result = one(call.input(0).type, out);
  const std::int64_t past =
      call.has(4) && call.input(4).shape.size() == 4 ? call.input(4).shape[2] : 0;
  for (int i = 1; i < std::min(call.node.output_size(), 3); ++i) {
    const Shape& in = i == 1 ? k : v;
    const std::int64_t keys = in[in.size() - 2] + past;
    const std::int64_t wide = in.size() == 4 ? in.back() : in.back() / kv_heads;
    result.outputs.push_back(made(call.input(0).type, {q[0], kv_heads, keys, wide}));
  }
  if (call.node.output_size() > 3) {
    result.outputs.push_back(
        made(call.input(0).type, {q[0], q_heads, q[q.size() - 2], k[k.size() - 2] + past}));
  }
  return result;
}

/// Type of the zero point, shape of the input.
Inference quantise(const ShapeCall& call) {
  Inference result = same_as_first(call);
  if (!result.problem.empty()) return result;
  const auto wanted = static_cast<int>(int_attribute(call.node, "output_dtype", 0));
  result.outputs[0].type = call.has(2)   ? call.input(2).type
                           : wanted != 0 ? wanted
                                         : static_cast<int>(TensorProto::UINT8);
  return result;
}

Inference dequantise(const ShapeCall& call) {
  Inference result = same_as_first(call);
  if (!result.problem.empty()) return result;
  result.outputs[0].type = call.has(1) ? call.input(1).type : static_cast<int>(TensorProto::FLOAT);
  return result;
}

Inference quantised_global_pool(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  Shape out = call.input(0).shape;
  const bool last = int_attribute(call.node, "channels_last", 0) != 0;
  const std::size_t channel = last ? out.size() - 1 : 1;
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (i != channel) out[i] = 1;
  }
  return one(call.input(0).type, out);
}

/// QLinearConcat: scale, zero point, then (tensor, scale, zero point) repeated.
Inference quantised_concat(const ShapeCall& call) {
  if (!call.has(2)) return problem(missing(2));
  Shape out = call.input(2).shape;
  const auto axis = axis_of(int_attribute(call.node, "axis", 0), out.size());
  if (!axis) return problem("its axis is out of range");
  for (std::size_t i = 5; i < call.inputs.size(); i += 3) {
    if (!call.has(i) || call.input(i).shape.size() != out.size()) return problem(missing(i));
    out[*axis] += call.input(i).shape[*axis];
  }
  return one(call.input(2).type, out);
}

/// ids, segment ids, word, position and segment embeddings -> [b s hidden].
Inference embed_layer_norm(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  if (!call.has(2) || call.input(2).shape.size() != 2) return problem(missing(2));
  Shape out = call.input(0).shape;
  const Shape mask{out.empty() ? 1 : out[0]};
  out.push_back(call.input(2).shape[1]);
  Inference result = one(call.input(2).type, out);
  if (call.node.output_size() > 1) result.outputs.push_back(made(TensorProto::INT32, mask));
  if (call.node.output_size() > 2) result.outputs.push_back(made(call.input(2).type, out));
  return result;
}

/// Col2Im: x[n, c*kernel, blocks], image, kernel -> [n c image].
Inference col2im(const ShapeCall& call) {
  if (!call.has(0) || call.input(0).shape.size() != 3) return problem(missing(0));
  const auto image = integers(call, 1);
  const auto kernel = integers(call, 2);
  if (!image || !kernel) return problem("its image and kernel sizes are not known");
  const auto window = element_count(*kernel);
  if (!window || *window < 1) return problem("its kernel size is out of range");
  Shape out{call.input(0).shape[0], call.input(0).shape[1] / *window};
  out.insert(out.end(), image->begin(), image->end());
  return one(call.input(0).type, out);
}

Inference center_crop_pad(const ShapeCall& call) {
  if (!call.has(0)) return problem(missing(0));
  Shape out = call.input(0).shape;
  const auto sizes = integers(call, 1);
  if (!sizes) return unsized(call.input(0).type, out.size());
  Integers axes = ints_attribute(call.node, "axes");
  if (axes.empty()) {
    for (std::size_t i = 0; i < out.size(); ++i)
      axes.push_back(static_cast<std::int64_t>(i));
  }
  if (axes.size() != sizes->size()) return problem("it has not one size for each axis");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = axis_of(axes[i], out.size());
    if (!axis) return problem("its axis is out of range");
    out[*axis] = (*sizes)[i];
  }
  return one(call.input(0).type, out);
}

/// Sizes of an equation's letters; those under "..." are kept apart, aligned from the right.
struct EinsumSizes {
  std::map<char, std::int64_t> letters;
  Shape dots;
};

bool read_term(const std::string& term, const Shape& shape, EinsumSizes& sizes) {
  const std::size_t at = term.find("...");
  const std::size_t letters = at == std::string::npos ? term.size() : term.size() - 3;
  if (letters > shape.size() || (at == std::string::npos && letters != shape.size())) return false;
  const std::size_t hidden = shape.size() - letters;
  std::size_t axis = 0;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (i == at) {
      const Shape own(shape.begin() + static_cast<long>(axis),
                      shape.begin() + static_cast<long>(axis + hidden));
      if (own.size() > sizes.dots.size())
        sizes.dots.insert(sizes.dots.begin(), own.size() - sizes.dots.size(), 1);
      for (std::size_t j = 0; j < own.size(); ++j) {
        auto& size = sizes.dots[sizes.dots.size() - own.size() + j];
        size = std::max(size, own[j]);
      }
      axis += hidden;
      i += 2;
      continue;
    }
    std::int64_t& size = sizes.letters.try_emplace(term[i], 1).first->second;
    if (size != 1 && shape[axis] != 1 && size != shape[axis]) return false;
    size = size == 1 ? shape[axis] : size;
    ++axis;
  }
  return true;
}

/// "bij,bjk->bik"; without an arrow the letters that occur once, in alphabetical order.
Inference einsum(const ShapeCall& call) {
  std::string text = string_attribute(call.node, "equation", "");
  std::erase(text, ' ');
  const std::size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  EinsumSizes sizes;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const std::size_t end = left.find(',', begin);
    if (begin > left.size() || !call.has(i)) return problem("its equation does not fit its inputs");
    const std::string term = left.substr(begin, end == std::string::npos ? end : end - begin);
    if (!read_term(term, call.input(i).shape, sizes))
      return problem("its equation does not fit its inputs");
    begin = end == std::string::npos ? left.size() + 1 : end + 1;
  }
  if (call.inputs.empty() || begin <= left.size())
    return problem("its equation does not fit its inputs");
  std::string right = arrow == std::string::npos ? "" : text.substr(arrow + 2);
  if (arrow == std::string::npos) {
    if (left.find("...") != std::string::npos) right = "...";
    for (const auto& [letter, size] : sizes.letters) {
      if (std::count(left.begin(), left.end(), letter) == 1) right += letter;
    }
  }
  Shape out;
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (right.compare(i, 3, "...") == 0) {
      out.insert(out.end(), sizes.dots.begin(), sizes.dots.end());
      i += 2;
      continue;
    }
    const auto found = sizes.letters.find(right[i]);
    if (found == sizes.letters.end())
      return problem("its equation has an output letter that no input has");
    out.push_back(found->second);
  }
  return one(call.input(0).type, out);
}

struct Entry {
  OwnRule rule = nullptr;
  int since = 1;  ///< opsets before this one are left to the library
};

/// Operators of the default domain. Where the library has the operator, ours is for newer forms.
const std::unordered_map<std::string_view, Entry>& default_rules() {
  static const std::unordered_map<std::string_view, Entry> table{
      {"ReduceL1", {reduce}},
      {"ReduceL2", {reduce}},
      {"ReduceLogSum", {reduce}},
      {"ReduceLogSumExp", {reduce}},
      {"ReduceMax", {reduce}},
      {"ReduceMean", {reduce}},
      {"ReduceMin", {reduce}},
      {"ReduceProd", {reduce}},
      {"ReduceSum", {reduce}},
      {"ReduceSumSquare", {reduce}},
      {"Split", {split}},
      {"Resize", {resize}},
      {"Pad", {pad}},
      {"Einsum", {einsum}},
      {"GreaterOrEqual", {compare}},
      {"LessOrEqual", {compare}},
      {"Mish", {same_as_first}},
      {"Gelu", {same_as_first}},
      {"Swish", {same_as_first}},
      {"BitwiseNot", {same_as_first}},
      {"BitwiseAnd", {broadcast_two}},
      {"BitwiseOr", {broadcast_two}},
      {"BitwiseXor", {broadcast_two}},
      {"GroupNormalization", {same_as_first}},
      {"RMSNormalization", {norm}},
      {"SimplifiedLayerNormalization", {norm}},  // ONNX Runtime writes it in the default domain
      {"RotaryEmbedding", {same_as_first}},
      {"TensorScatter", {same_as_first}},
      {"Attention", {onnx_attention}},
      {"QuantizeLinear", {quantise, 18}},
      {"DequantizeLinear", {dequantise, 18}},
      {"Col2Im", {col2im}},
      {"CenterCropPad", {center_crop_pad}},
  };
  return table;
}

/// Operators of com.microsoft, as ONNX Runtime's optimiser writes them.
const std::unordered_map<std::string_view, OwnRule>& microsoft_rules() {
  static const std::unordered_map<std::string_view, OwnRule> table{
      {"FusedMatMul", fused_matmul},
      {"TransposeMatMul", fused_matmul},
      {"MatMulIntegerToFloat", matmul_to_float},
      {"DynamicQuantizeMatMul", dynamic_matmul},
      {"MatMulNBits", matmul_nbits},
      {"FusedGemm", gemm},
      {"QGemm", gemm},
      {"FusedConv", fused_conv},
      {"Gelu", same_as_first},
      {"FastGelu", same_as_first},
      {"QuickGelu", same_as_first},
      {"BiasGelu", same_as_first},
      {"BiasSplitGelu", same_as_first},
      {"GroupNorm", same_as_first},
      {"RotaryEmbedding", same_as_first},
      {"LayerNormalization", norm},
      {"SimplifiedLayerNormalization", norm},
      {"SkipLayerNormalization", skip_norm},
      {"SkipSimplifiedLayerNormalization", skip_norm},
      {"EmbedLayerNormalization", embed_layer_norm},
      {"Attention", packed_attention},
      {"MultiHeadAttention", multi_head_attention},
      {"GroupQueryAttention", multi_head_attention},
      {"QuantizeLinear", quantise},
      {"DequantizeLinear", dequantise},
      {"QLinearAdd", broadcast_quantised},
      {"QLinearMul", broadcast_quantised},
      {"QLinearSigmoid", same_as_first},
      {"QLinearLeakyRelu", same_as_first},
      {"QLinearSoftmax", same_as_first},
      {"QLinearGlobalAveragePool", quantised_global_pool},
      {"QLinearConcat", quantised_concat},
  };
  return table;
}

}  // namespace

OwnRule find_own_rule(const NodeProto& node, int opset) {
  const std::string_view domain = domain_of(node.domain());
  if (domain.empty()) {
    const auto found = default_rules().find(node.op_type());
    const bool covers = found != default_rules().end() && opset >= found->second.since;
    return covers ? found->second.rule : nullptr;
  }
  if (domain != kMicrosoft) return nullptr;
  const auto found = microsoft_rules().find(node.op_type());
  return found == microsoft_rules().end() ? nullptr : found->second;
}

std::optional<std::vector<std::int64_t>> integers(const ShapeCall& call, std::size_t index) {
  if (!call.has(index) || call.input(index).known == nullptr) return std::nullopt;
  std::vector<std::int64_t> list;
  for (const long double item : call.input(index).known->data) {
    const bool fits = item >= -0x1p62L && item <= 0x1p62L;
    list.push_back(fits       ? static_cast<std::int64_t>(item)
                   : item > 0 ? kMaxElements + 1
                              : -kMaxElements - 1);
  }
  return list;
}

}  // namespace fastpath::onnx_import
