#include "import/onnx/known.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "import/onnx/limits.h"

namespace fastpath::onnx_import {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;
using Numbers = std::vector<long double>;
using Outputs = std::vector<KnownPtr>;

bool fits(const Shape& shape) {
  const auto count = element_count(shape);
  return count.has_value() && *count <= static_cast<std::int64_t>(kMaxKnown);
}

std::size_t count_of(const Shape& shape) {
  return static_cast<std::size_t>(element_count(shape).value_or(0));
}

/// Whole part as int64; saturates, so that no input is undefined behaviour.
std::int64_t whole(long double value) {
  if (std::isnan(value)) return 0;
  if (value >= 0x1p63L) return std::numeric_limits<std::int64_t>::max();
  if (value < -0x1p63L) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

template <class T>
bool read_raw(const std::string& raw, std::size_t count, Numbers& data) {
  if (raw.size() < count * sizeof(T)) return false;
  for (std::size_t i = 0; i < count; ++i) {
    T item{};
    std::memcpy(&item, raw.data() + i * sizeof(T), sizeof(T));
    data.push_back(static_cast<long double>(item));
  }
  return true;
}

bool read_raw(const TensorProto& tensor, std::size_t count, Numbers& data) {
  const std::string& raw = tensor.raw_data();
  switch (tensor.data_type()) {
    case TensorProto::FLOAT: return read_raw<float>(raw, count, data);
    case TensorProto::DOUBLE: return read_raw<double>(raw, count, data);
    case TensorProto::INT64: return read_raw<std::int64_t>(raw, count, data);
    case TensorProto::UINT64: return read_raw<std::uint64_t>(raw, count, data);
    case TensorProto::INT32: return read_raw<std::int32_t>(raw, count, data);
    case TensorProto::UINT32: return read_raw<std::uint32_t>(raw, count, data);
    case TensorProto::INT16: return read_raw<std::int16_t>(raw, count, data);
    case TensorProto::UINT16: return read_raw<std::uint16_t>(raw, count, data);
    case TensorProto::INT8: return read_raw<std::int8_t>(raw, count, data);
    case TensorProto::UINT8:
    case TensorProto::BOOL: return read_raw<std::uint8_t>(raw, count, data);
    default: return false;
  }
}

template <class Field>
bool read_field(const Field& field, std::size_t count, Numbers& data) {
  if (static_cast<std::size_t>(field.size()) < count) return false;
  for (std::size_t i = 0; i < count; ++i)
    data.push_back(static_cast<long double>(field[static_cast<int>(i)]));
  return true;
}

bool read_fields(const TensorProto& tensor, std::size_t count, Numbers& data) {
  switch (tensor.data_type()) {
    case TensorProto::FLOAT: return read_field(tensor.float_data(), count, data);
    case TensorProto::DOUBLE: return read_field(tensor.double_data(), count, data);
    case TensorProto::INT64: return read_field(tensor.int64_data(), count, data);
    case TensorProto::UINT64:
    case TensorProto::UINT32: return read_field(tensor.uint64_data(), count, data);
    case TensorProto::INT32:
    case TensorProto::INT16:
    case TensorProto::UINT16:
    case TensorProto::INT8:
    case TensorProto::UINT8:
    case TensorProto::BOOL: return read_field(tensor.int32_data(), count, data);
    default: return false;
  }
}

/// Row-major strides of `shape` as seen from `out`: 0 along broadcast axes.
std::vector<std::size_t> broadcast_strides(const Shape& shape, const Shape& out) {
  std::vector<std::size_t> strides(out.size(), 0);
  std::size_t stride = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t from = shape.size() - 1 - i;
    if (shape[from] != 1) strides[out.size() - 1 - i] = stride;
    stride *= static_cast<std::size_t>(std::max<std::int64_t>(shape[from], 1));
  }
  return strides;
}

std::optional<Shape> broadcast(std::span<const Known* const> inputs) {
  Shape out;
  for (const Known* input : inputs)
    out.resize(std::max(out.size(), input->shape.size()), 1);
  for (const Known* input : inputs) {
    for (std::size_t i = 0; i < input->shape.size(); ++i) {
      std::int64_t& size = out[out.size() - 1 - i];
      const std::int64_t own = input->shape[input->shape.size() - 1 - i];
      if (own == size || own == 1) continue;
      if (size != 1) return std::nullopt;
      size = own;
    }
  }
  if (!fits(out)) return std::nullopt;
  return out;
}

/// Position in `shape` of the row-major index `flat`, times `strides`.
std::size_t offset_of(std::size_t flat, const Shape& shape,
                      const std::vector<std::size_t>& strides) {
  std::size_t offset = 0;
  for (std::size_t i = shape.size(); i-- > 0;) {
    const auto size = static_cast<std::size_t>(shape[i]);
    offset += flat % size * strides[i];
    flat /= size;
  }
  return offset;
}

using Function = std::function<long double(std::span<const long double>)>;

KnownPtr map(std::span<const Known* const> inputs, const Function& function) {
  const std::optional<Shape> shape = broadcast(inputs);
  if (!shape) return nullptr;
  std::vector<std::vector<std::size_t>> strides;
  for (const Known* input : inputs)
    strides.push_back(broadcast_strides(input->shape, *shape));
  Numbers data(count_of(*shape));
  Numbers arguments(inputs.size());
  for (std::size_t flat = 0; flat < data.size(); ++flat) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      arguments[i] = inputs[i]->data[offset_of(flat, *shape, strides[i])];
    }
    data[flat] = function(arguments);
  }
  return make_known(*shape, std::move(data));
}

bool is_integer(int type) { return type != 0 && !is_floating(type); }

long double divide(long double a, long double b, bool integer) {
  if (!integer) return a / b;
  return b == 0 ? 0 : std::trunc(a / b);
}

/// The result has the divisor's sign, as Python's and ONNX's Mod; fmod = 1 gives C's.
long double modulo(long double a, long double b, bool c_sign) {
  if (b == 0) return 0;
  const long double rest = std::fmod(a, b);
  return !c_sign && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

const std::unordered_map<std::string_view, long double (*)(long double)>& unary_functions() {
  using F = long double;
  static const std::unordered_map<std::string_view, F (*)(F)> table{
      {"Neg", [](F x) { return -x; }},
      {"Abs", [](F x) { return std::fabs(x); }},
      {"Floor", [](F x) { return std::floor(x); }},
      {"Ceil", [](F x) { return std::ceil(x); }},
      {"Round", [](F x) { return std::nearbyint(x); }},
      {"Sqrt", [](F x) { return std::sqrt(x); }},
      {"Not", [](F x) { return x == 0 ? F{1} : F{0}; }},
      {"Sign", [](F x) { return x > 0   ? F{1}
                                : x < 0 ? F{-1}
                                        : F{0}; }},
      {"Reciprocal", [](F x) { return 1 / x; }},
      {"Exp", [](F x) { return std::exp(x); }},
      {"Log", [](F x) { return std::log(x); }},
      {"Relu", [](F x) { return std::max(x, F{0}); }},
  };
  return table;
}

const std::unordered_map<std::string_view, long double (*)(long double, long double)>&
binary_functions() {
  using F = long double;
  static const std::unordered_map<std::string_view, F (*)(F, F)> table{
      {"Add", [](F a, F b) { return a + b; }},
      {"Sub", [](F a, F b) { return a - b; }},
      {"Mul", [](F a, F b) { return a * b; }},
      {"Pow", [](F a, F b) { return std::pow(a, b); }},
      {"Min", [](F a, F b) { return std::min(a, b); }},
      {"Max", [](F a, F b) { return std::max(a, b); }},
      {"Equal", [](F a, F b) { return a == b ? F{1} : F{0}; }},
      {"Less", [](F a, F b) { return a < b ? F{1} : F{0}; }},
      {"LessOrEqual", [](F a, F b) { return a <= b ? F{1} : F{0}; }},
      {"Greater", [](F a, F b) { return a > b ? F{1} : F{0}; }},
      {"GreaterOrEqual", [](F a, F b) { return a >= b ? F{1} : F{0}; }},
      {"And", [](F a, F b) { return a != 0 && b != 0 ? F{1} : F{0}; }},
      {"Or", [](F a, F b) { return a != 0 || b != 0 ? F{1} : F{0}; }},
      {"Xor", [](F a, F b) { return (a != 0) != (b != 0) ? F{1} : F{0}; }},
  };
  return table;
}

/// A fold of one operator, its inputs known.
struct Folder {
  const FoldCall& call;
  std::vector<const Known*> in;

  bool integer() const { return !call.inputs.empty() && is_integer(call.inputs[0]->type); }
  bool has(std::size_t index) const { return index < in.size() && in[index] != nullptr; }
  /// Axes or sizes that moved from an attribute to an input over the opsets.
  std::optional<Numbers> list(std::string_view attribute, std::size_t input) const {
    if (has(input)) return in[input]->data;
    if (!has_attribute(call.node, attribute)) return std::nullopt;
    const std::vector<std::int64_t> ints = ints_attribute(call.node, attribute);
    return Numbers(ints.begin(), ints.end());
  }
};

Outputs one(KnownPtr known) {
  if (known == nullptr) return {};
  return {std::move(known)};
}

Outputs fold_cast(const Folder& f) {
  const auto to = static_cast<int>(int_attribute(f.call.node, "to", 0));
  return one(map(f.in, [to](std::span<const long double> a) {
    if (to == TensorProto::BOOL) return a[0] != 0 ? 1.0L : 0.0L;
    return is_integer(to) ? std::trunc(a[0]) : a[0];
  }));
}

Outputs fold_concat(const Folder& f) {
  const Known& first = *f.in[0];
  const auto axis = axis_of(int_attribute(f.call.node, "axis", 0), first.shape.size());
  if (!axis) return {};
  Shape shape = first.shape;
  shape[*axis] = 0;
  for (const Known* input : f.in) {
    if (input->shape.size() != shape.size()) return {};
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i != *axis && input->shape[i] != shape[i]) return {};
    }
    shape[*axis] += input->shape[*axis];
  }
  if (!fits(shape)) return {};
  const Shape outer(shape.begin(), shape.begin() + static_cast<long>(*axis));
  Numbers data;
  for (std::size_t row = 0; row < count_of(outer); ++row) {
    for (const Known* input : f.in) {
      const std::size_t part = input->data.size() / std::max<std::size_t>(count_of(outer), 1);
      const auto begin = input->data.begin() + static_cast<long>(row * part);
      data.insert(data.end(), begin, begin + static_cast<long>(part));
    }
  }
  return one(make_known(shape, std::move(data)));
}

/// Picks members of one axis: Gather, Slice and Split.
KnownPtr pick(const Known& from, std::size_t axis, const std::vector<std::size_t>& members) {
  Shape shape = from.shape;
  shape[axis] = static_cast<std::int64_t>(members.size());
  if (!fits(shape)) return nullptr;
  const auto own = static_cast<std::size_t>(from.shape[axis]);
  const Shape tail(shape.begin() + static_cast<long>(axis) + 1, shape.end());
  const Shape head(shape.begin(), shape.begin() + static_cast<long>(axis));
  const std::size_t inner = count_of(tail);
  Numbers data;
  for (std::size_t row = 0; row < count_of(head); ++row) {
    for (const std::size_t member : members) {
      const auto begin = from.data.begin() + static_cast<long>((row * own + member) * inner);
      data.insert(data.end(), begin, begin + static_cast<long>(inner));
    }
  }
  return make_known(shape, std::move(data));
}

Outputs fold_gather(const Folder& f) {
  const Known& from = *f.in[0];
  const auto axis = axis_of(int_attribute(f.call.node, "axis", 0), from.shape.size());
  if (!axis) return {};
  std::vector<std::size_t> members;
  for (const long double index : f.in[1]->data) {
    const std::int64_t size = from.shape[*axis];
    const std::int64_t member = whole(index) < 0 ? whole(index) + size : whole(index);
    if (member < 0 || member >= size) return {};
    members.push_back(static_cast<std::size_t>(member));
  }
  const KnownPtr picked = pick(from, *axis, members);
  if (picked == nullptr) return {};
  Shape shape(from.shape.begin(), from.shape.begin() + static_cast<long>(*axis));
  shape.insert(shape.end(), f.in[1]->shape.begin(), f.in[1]->shape.end());
  shape.insert(shape.end(), from.shape.begin() + static_cast<long>(*axis) + 1, from.shape.end());
  return one(make_known(shape, picked->data));
}

/// Members of a slice, by ONNX's rules for negative and overlong bounds.
std::vector<std::size_t> slice_members(std::int64_t size, std::int64_t start, std::int64_t end,
                                       std::int64_t step) {
  const auto clamp = [&](std::int64_t at) {
    if (at < 0) at = at < -size ? -1 : at + size;
    return step > 0 ? std::clamp<std::int64_t>(at, 0, size)
                    : std::clamp<std::int64_t>(at, -1, size - 1);
  };
  std::vector<std::size_t> members;
  if (step == 0 || step == std::numeric_limits<std::int64_t>::min()) return members;
  const std::int64_t last = clamp(end);
  for (std::int64_t i = clamp(start); step > 0 ? i < last : i > last; i += step) {
    if (i >= 0 && i < size) members.push_back(static_cast<std::size_t>(i));
    if (members.size() > kMaxKnown || std::llabs(step) > size) break;
  }
  return members;
}

Outputs fold_slice(const Folder& f) {
  const auto starts = f.list("starts", 1);
  const auto ends = f.list("ends", 2);
  if (!starts || !ends || starts->size() != ends->size()) return {};
  Numbers axes(starts->size());
  std::iota(axes.begin(), axes.end(), 0.0L);
  axes = f.list("axes", 3).value_or(axes);
  const Numbers steps = f.has(4) ? f.in[4]->data : Numbers(starts->size(), 1);
  if (axes.size() != starts->size() || steps.size() != starts->size()) return {};
  KnownPtr result = make_known(f.in[0]->shape, f.in[0]->data);
  for (std::size_t i = 0; i < axes.size() && result != nullptr; ++i) {
    const auto axis = axis_of(whole(axes[i]), result->shape.size());
    if (!axis) return {};
    result = pick(*result, *axis,
                  slice_members(result->shape[*axis], whole((*starts)[i]), whole((*ends)[i]),
                                whole(steps[i])));
  }
  return one(result);
}

Outputs fold_split(const Folder& f) {
  const auto axis = axis_of(int_attribute(f.call.node, "axis", 0), f.in[0]->shape.size());
  const auto parts = static_cast<std::size_t>(f.call.node.output_size());
  if (!axis || parts == 0) return {};
  const auto size = static_cast<std::size_t>(f.in[0]->shape[*axis]);
  const std::size_t chunk = (size + parts - 1) / parts;
  Numbers sizes = f.list("split", 1).value_or(Numbers(parts, static_cast<long double>(chunk)));
  if (sizes.size() != parts) return {};
  Outputs outputs;
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    const auto want = static_cast<std::size_t>(
        std::clamp<std::int64_t>(whole(sizes[i]), 0, static_cast<std::int64_t>(size - at)));
    std::vector<std::size_t> members(want);
    std::iota(members.begin(), members.end(), at);
    at += want;
    outputs.push_back(pick(*f.in[0], *axis, members));
    if (outputs.back() == nullptr) return {};
  }
  return outputs;
}

Outputs fold_reshape(const Folder& f) {
  const auto wanted = f.list("shape", 1);
  if (!wanted || wanted->size() > kMaxRank) return {};
  Shape shape;
  std::int64_t known = 1;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < wanted->size(); ++i) {
    std::int64_t size = whole((*wanted)[i]);
    if (size == 0 && i < f.in[0]->shape.size()) size = f.in[0]->shape[i];
    if (size == -1 && !open) open = i;
    if (size > static_cast<std::int64_t>(kMaxKnown)) return {};
    if (size > 0) known *= std::min<std::int64_t>(size, kMaxKnown);
    if (known > static_cast<std::int64_t>(kMaxKnown)) return {};
    shape.push_back(size);
  }
  const auto count = static_cast<std::int64_t>(f.in[0]->data.size());
  if (open) shape[*open] = known > 0 ? count / known : 0;
  if (element_count(shape) != count) return {};
  return one(make_known(shape, f.in[0]->data));
}

Outputs fold_squeeze(const Folder& f) {
  const auto axes = f.list("axes", 1);
  const Shape& from = f.in[0]->shape;
  std::vector<bool> drop(from.size(), false);
  for (std::size_t i = 0; i < from.size() && !axes; ++i)
    drop[i] = from[i] == 1;
  for (const long double item : axes.value_or(Numbers{})) {
    const auto axis = axis_of(whole(item), from.size());
    if (!axis || from[*axis] != 1) return {};
    drop[*axis] = true;
  }
  Shape shape;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!drop[i]) shape.push_back(from[i]);
  }
  return one(make_known(shape, f.in[0]->data));
}

Outputs fold_unsqueeze(const Folder& f) {
  const auto axes = f.list("axes", 1);
  if (!axes) return {};
  const std::size_t rank = f.in[0]->shape.size() + axes->size();
  if (rank > kMaxRank) return {};
  std::vector<bool> added(rank, false);
  for (const long double item : *axes) {
    const auto axis = axis_of(whole(item), rank);
    if (!axis || added[*axis]) return {};
    added[*axis] = true;
  }
  Shape shape;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i)
    shape.push_back(added[i] ? 1 : f.in[0]->shape[next++]);
  return one(make_known(shape, f.in[0]->data));
}

Outputs fold_expand(const Folder& f) {
  if (f.in[1]->data.size() > kMaxRank) return {};
  Shape target;
  for (const long double size : f.in[1]->data) {
    if (size < 0 || size > static_cast<long double>(kMaxKnown)) return {};
    target.push_back(whole(size));
  }
  if (!fits(target)) return {};
  const Known frame{target, Numbers(count_of(target), 0)};
  const std::vector<const Known*> inputs{f.in[0], &frame};
  return one(map(inputs, [](std::span<const long double> a) { return a[0]; }));
}

Outputs fold_range(const Folder& f) {
  const long double start = f.in[0]->data.empty() ? 0 : f.in[0]->data[0];
  const long double limit = f.in[1]->data.empty() ? 0 : f.in[1]->data[0];
  const long double step = f.in[2]->data.empty() ? 0 : f.in[2]->data[0];
  const long double count = step == 0 ? 0 : std::ceil((limit - start) / step);
  if (!(count >= 0) || count > static_cast<long double>(kMaxKnown)) return {};
  Numbers data;
  for (std::int64_t i = 0; i < whole(count); ++i)
    data.push_back(start + static_cast<long double>(i) * step);
  return one(make_known({whole(count)}, std::move(data)));
}

/// Reductions of a whole tensor or of a vector: what shape arithmetic uses.
Outputs fold_reduce(const Folder& f) {
  const Known& from = *f.in[0];
  if (from.shape.size() > 1) return {};
  const std::string& op = f.call.node.op_type();
  Numbers data = from.data;
  if (data.empty()) return {};
  long double result = data[0];
  for (std::size_t i = 1; i < data.size(); ++i) {
    if (op == "ReduceProd") result *= data[i];
    if (op == "ReduceSum") result += data[i];
    if (op == "ReduceMax") result = std::max(result, data[i]);
    if (op == "ReduceMin") result = std::min(result, data[i]);
  }
  const bool keep = int_attribute(f.call.node, "keepdims", 1) != 0;
  return one(make_known(keep ? Shape(from.shape.size(), 1) : Shape{}, {result}));
}

Outputs fold_tile(const Folder& f) {
  if (f.in[0]->shape.size() != 1 || f.in[1]->data.size() != 1) return {};
  const std::int64_t times = whole(f.in[1]->data[0]);
  const std::size_t size = f.in[0]->data.size();
  if (times < 0 || times > static_cast<std::int64_t>(kMaxKnown / std::max<std::size_t>(size, 1)))
    return {};
  Numbers data;
  for (std::int64_t i = 0; i < times; ++i)
    data.insert(data.end(), f.in[0]->data.begin(), f.in[0]->data.end());
  return one(make_known({times * f.in[0]->shape[0]}, std::move(data)));
}

Outputs fold_transpose(const Folder& f) {
  const Shape& from = f.in[0]->shape;
  std::vector<std::size_t> order;
  for (const std::int64_t item : ints_attribute(f.call.node, "perm")) {
    const auto axis = axis_of(item, from.size());
    if (!axis) return {};
    order.push_back(*axis);
  }
  for (std::size_t i = from.size(); order.size() < from.size() && i-- > 0;)
    order.push_back(i);
  if (order.size() != from.size()) return {};
  std::vector<std::size_t> strides(from.size(), 1);
  for (std::size_t i = from.size(); i-- > 1;)
    strides[i - 1] = strides[i] * static_cast<std::size_t>(from[i]);
  Shape shape;
  std::vector<std::size_t> moved;
  for (const std::size_t axis : order) {
    shape.push_back(from[axis]);
    moved.push_back(strides[axis]);
  }
  if (element_count(shape) != element_count(from)) return {};
  Numbers data(f.in[0]->data.size());
  for (std::size_t flat = 0; flat < data.size(); ++flat)
    data[flat] = f.in[0]->data[offset_of(flat, shape, moved)];
  return one(make_known(shape, std::move(data)));
}

Outputs fold_identity(const Folder& f) { return one(make_known(f.in[0]->shape, f.in[0]->data)); }

Outputs fold_where(const Folder& f) {
  return one(map(f.in, [](std::span<const long double> a) { return a[0] != 0 ? a[1] : a[2]; }));
}

Outputs fold_div(const Folder& f) {
  const bool integer = f.integer();
  return one(
      map(f.in, [integer](std::span<const long double> a) { return divide(a[0], a[1], integer); }));
}

Outputs fold_mod(const Folder& f) {
  const bool c_sign = int_attribute(f.call.node, "fmod", 0) != 0;
  return one(
      map(f.in, [c_sign](std::span<const long double> a) { return modulo(a[0], a[1], c_sign); }));
}

Outputs fold_constant_of_shape(const Folder& f) {
  if (f.in[0]->data.size() > kMaxRank) return {};
  Shape shape;
  for (const long double size : f.in[0]->data)
    shape.push_back(whole(size));
  if (!fits(shape)) return {};
  long double fill = 0;
  const auto* value = find_attribute(f.call.node, "value");
  if (value != nullptr && value->has_t()) {
    const KnownPtr known = read_tensor(value->t());
    if (known == nullptr || known->data.empty()) return {};
    fill = known->data[0];
  }
  return one(make_known(shape, Numbers(count_of(shape), fill)));
}

struct Rule {
  Outputs (*run)(const Folder&);
  std::size_t least = 1;  ///< inputs that must be given
};

const std::unordered_map<std::string_view, Rule>& rules() {
  static const std::unordered_map<std::string_view, Rule> table{
      {"Cast", {fold_cast}},
      {"Concat", {fold_concat}},
      {"Gather", {fold_gather, 2}},
      {"Slice", {fold_slice}},
      {"Split", {fold_split}},
      {"Reshape", {fold_reshape}},
      {"Squeeze", {fold_squeeze}},
      {"Unsqueeze", {fold_unsqueeze}},
      {"Expand", {fold_expand, 2}},
      {"Range", {fold_range, 3}},
      {"ReduceProd", {fold_reduce}},
      {"ReduceSum", {fold_reduce}},
      {"ReduceMax", {fold_reduce}},
      {"ReduceMin", {fold_reduce}},
      {"Tile", {fold_tile, 2}},
      {"Transpose", {fold_transpose}},
      {"Identity", {fold_identity}},
      {"Where", {fold_where, 3}},
      {"Div", {fold_div, 2}},
      {"Mod", {fold_mod, 2}},
      {"ConstantOfShape", {fold_constant_of_shape}},
  };
  return table;
}

Outputs fold_shape(const FoldCall& call) {
  const Value& of = *call.inputs[0];
  const auto rank = static_cast<std::int64_t>(of.shape.size());
  const auto clamp = [rank](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t begin = clamp(int_attribute(call.node, "start", 0));
  const std::int64_t end = clamp(int_attribute(call.node, "end", rank));
  Numbers data;
  for (std::int64_t i = begin; i < end; ++i)
    data.push_back(static_cast<long double>(of.shape[static_cast<std::size_t>(i)]));
  const auto size = static_cast<std::int64_t>(data.size());
  return one(make_known({size}, std::move(data)));
}

Outputs fold_arithmetic(const Folder& f) {
  const std::string& op = f.call.node.op_type();
  const auto unary = unary_functions().find(op);
  if (unary != unary_functions().end() && f.in.size() == 1) {
    return one(map(f.in, [&](std::span<const long double> a) { return unary->second(a[0]); }));
  }
  const auto binary = binary_functions().find(op);
  if (binary == binary_functions().end() || f.in.empty()) return {};
  return one(map(f.in, [&](std::span<const long double> a) {
    long double result = a[0];
    for (std::size_t i = 1; i < a.size(); ++i)
      result = binary->second(result, a[i]);
    return result;
  }));
}

}  // namespace

KnownPtr make_known(Shape shape, std::vector<long double> data) {
  return std::make_shared<const Known>(Known{std::move(shape), std::move(data)});
}

KnownPtr read_tensor(const TensorProto& tensor) {
  if (static_cast<std::size_t>(tensor.dims_size()) > kMaxRank) return nullptr;
  const Shape shape(tensor.dims().begin(), tensor.dims().end());
  if (!fits(shape) || tensor.data_location() == TensorProto::EXTERNAL) return nullptr;
  // Multi-byte values are stored little-endian, as the machines we build for hold them.
  static_assert(std::endian::native == std::endian::little);
  Numbers data;
  const std::size_t count = count_of(shape);
  const bool read =
      tensor.has_raw_data() ? read_raw(tensor, count, data) : read_fields(tensor, count, data);
  return read ? make_known(shape, std::move(data)) : nullptr;
}

TensorProto to_tensor(const Known& known, int data_type) {
  TensorProto tensor;
  for (const std::int64_t size : known.shape)
    tensor.add_dims(size);
  if (is_floating(data_type)) {
    tensor.set_data_type(TensorProto::FLOAT);
    for (const long double item : known.data)
      tensor.add_float_data(static_cast<float>(item));
    return tensor;
  }
  tensor.set_data_type(data_type == TensorProto::INT32 ? TensorProto::INT32 : TensorProto::INT64);
  for (const long double item : known.data) {
    const std::int64_t number = whole(item);
    if (data_type == TensorProto::INT32) {
      tensor.add_int32_data(static_cast<std::int32_t>(
          std::clamp<std::int64_t>(number, std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max())));
    } else {
      tensor.add_int64_data(number);
    }
  }
  return tensor;
}

std::vector<KnownPtr> fold(const FoldCall& call) {
  const std::string& op = call.node.op_type();
  if (op == "Shape" && call.inputs.size() == 1) return fold_shape(call);
  if (op == "Size" && call.inputs.size() == 1) {
    const auto count = element_count(call.inputs[0]->shape);
    return count ? one(make_known({}, {static_cast<long double>(*count)})) : Outputs{};
  }
  Folder folder{call, {}};
  for (const Value* input : call.inputs) {
    if (input != nullptr && input->known == nullptr) return {};
    folder.in.push_back(input == nullptr ? nullptr : input->known.get());
  }
  const auto rule = rules().find(op);
  const std::size_t least = rule == rules().end() ? folder.in.size() : rule->second.least;
  for (std::size_t i = 0; i < least; ++i) {
    if (!folder.has(i)) return {};
  }
  if (folder.in.empty()) return {};
  return rule == rules().end() ? fold_arithmetic(folder) : rule->second.run(folder);
}

}  // namespace fastpath::onnx_import
