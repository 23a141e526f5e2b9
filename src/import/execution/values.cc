#include "import/execution/values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ir/operator_shape.h"

namespace fastpath {
namespace {

namespace dom = simdjson::dom;

constexpr double kMostSize = 1e15;
constexpr std::size_t kMostValues = 4096;

/// PyTorch's description of a tensor: id, storage, offset, elements, bytes of one, device.
constexpr std::size_t kTensorFields = 6;

double number_of(const dom::element& element) {
  double value = 0;
  if (element.get_double().get(value) != simdjson::SUCCESS) return -1;
  return value;
}

std::vector<double> numbers_in(const dom::element& element) {
  std::vector<double> numbers;
  dom::array array;
  bool truth = false;
  if (element.get_array().get(array) == simdjson::SUCCESS) {
    for (const dom::element one : array) {
      double value = 0;
      if (numbers.size() < kMostValues && one.get_double().get(value) == simdjson::SUCCESS) {
        numbers.push_back(value);
      }
    }
  } else if (element.get_bool().get(truth) == simdjson::SUCCESS) {
    numbers.push_back(truth ? 1 : 0);
  } else if (element.is_number()) {
    numbers.push_back(number_of(element));
  }
  return numbers;
}

std::string text_of(const dom::element& element) {
  std::string_view text;
  return element.get_string().get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

/// Sizes that are numbers from 0; nothing else.
std::vector<double> sizes_of(const dom::element& element) {
  std::vector<double> sizes = numbers_in(element);
  const bool fine = std::all_of(sizes.begin(), sizes.end(),
                                [](double size) { return size >= 0 && size <= kMostSize; });
  return fine ? sizes : std::vector<double>{};
}

NodeValue tensor_of(const dom::element& value, const dom::element* shape, std::string_view type) {
  NodeValue out;
  out.tensor = true;
  out.format = read_format(type);
  double element_bytes = bytes_of_type(type);
  double elements = -1;
  dom::array fields;
  if (value.get_array().get(fields) == simdjson::SUCCESS && fields.size() >= kTensorFields - 1) {
    out.storage = static_cast<std::int64_t>(std::clamp(number_of(fields.at(1)), -1.0, 9e15));
    elements = number_of(fields.at(3));
    if (const double bytes = number_of(fields.at(4)); bytes > 0 && bytes <= 64) {
      element_bytes = bytes;
    }
    if (fields.size() >= kTensorFields) out.on_host = text_of(fields.at(5)).starts_with("cpu");
  }
  if (shape != nullptr) {
    out.sizes = sizes_of(*shape);
    elements = 1;
    for (const double size : out.sizes)
      elements *= size;
  }
  if (elements > 0 && elements <= kMostSize) out.bytes = Bytes{elements * element_bytes};
  return out;
}

/// "GenericList[Tensor(float),Tensor(float)]": the types of its tensors.
std::vector<std::string_view> types_of_list(std::string_view type) {
  std::vector<std::string_view> types;
  for (std::size_t at = type.find("Tensor("); at != std::string_view::npos;) {
    const std::size_t end = type.find(')', at);
    types.push_back(type.substr(at, end == std::string_view::npos ? end : end + 1 - at));
    at = end == std::string_view::npos ? end : type.find("Tensor(", end);
  }
  return types;
}

class ValueReader {
 public:
  void read(const dom::element& value, const dom::element* shape, std::string_view type) {
    if (out.size() >= kMostValues) return;
    if (type.starts_with("Tensor")) {
      out.push_back(tensor_of(value, shape, type));
      return;
    }
    const std::vector<std::string_view> types = types_of_list(type);
    dom::array values;
    if (!types.empty() && value.get_array().get(values) == simdjson::SUCCESS) {
      read_list(values, shape, types);
      return;
    }
    NodeValue other;
    other.numbers = numbers_in(value);
    other.text = text_of(value);
    out.push_back(std::move(other));
  }

  std::vector<NodeValue> out;

 private:
  void read_list(const dom::array& values, const dom::element* shape,
                 const std::vector<std::string_view>& types) {
    dom::array shapes;
    const bool has_shapes = shape != nullptr && shape->get_array().get(shapes) == simdjson::SUCCESS;
    std::size_t i = 0;
    for (const dom::element value : values) {
      if (out.size() >= kMostValues) return;
      dom::element one;
      const bool shaped = has_shapes && shapes.at(i).get(one) == simdjson::SUCCESS;
      out.push_back(
          tensor_of(value, shaped ? &one : nullptr, types[std::min(i, types.size() - 1)]));
      ++i;
    }
  }
};

/// What JSON calls them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords{
    {{"None", "null"}, {"True", "true"}, {"False", "false"}, {"(", "["}, {")", "]"}}};

/// The text in quotes at the start of `text`; returns how long it is there.
std::size_t append_quoted(std::string_view text, std::string& json) {
  const std::size_t end = std::min(text.find(text[0], 1), text.size());
  json += '"';
  for (const char c : text.substr(1, end - 1)) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  json += '"';
  return std::min(end + 1, text.size());
}

}  // namespace

double bytes_of_type(std::string_view type) {
  // The first that occurs: "unsigned char" and "signed char" hold "char", "Float8" holds "Float".
  constexpr std::array<std::pair<std::string_view, double>, 21> kTypes{{{"complex<double>", 16},
                                                                        {"complex<float>", 8},
                                                                        {"Float8", 1},
                                                                        {"BFloat16", 2},
                                                                        {"bfloat16", 2},
                                                                        {"Half", 2},
                                                                        {"half", 2},
                                                                        {"double", 8},
                                                                        {"Double", 8},
                                                                        {"float", 4},
                                                                        {"Float", 4},
                                                                        {"long", 8},
                                                                        {"Long", 8},
                                                                        {"short", 2},
                                                                        {"Short", 2},
                                                                        {"char", 1},
                                                                        {"Char", 1},
                                                                        {"Byte", 1},
                                                                        {"bool", 1},
                                                                        {"Bool", 1},
                                                                        {"int", 4}}};
  for (const auto& [name, bytes] : kTypes) {
    if (type.find(name) != std::string_view::npos) return bytes;
  }
  return type.find("Int") != std::string_view::npos ? 4 : 0;
}

std::string json_of_python(std::string_view text) {
  std::string json;
  json.reserve(text.size());
  while (!text.empty()) {
    if (text[0] == '\'' || text[0] == '"') {
      text.remove_prefix(append_quoted(text, json));
      continue;
    }
    const auto* const word = std::find_if(kWords.begin(), kWords.end(), [&](const auto& known) {
      return text.starts_with(known.first);
    });
    const bool known = word != kWords.end();
    json += known ? word->second : text.substr(0, 1);
    text.remove_prefix(known ? word->first.size() : 1);
  }
  return json;
}

std::vector<NodeValue> read_node_values(const dom::element& values, const dom::element& shapes,
                                        const dom::element& types) {
  dom::array value_list;
  dom::array shape_list;
  dom::array type_list;
  if (values.get_array().get(value_list) != simdjson::SUCCESS ||
      types.get_array().get(type_list) != simdjson::SUCCESS) {
    return {};
  }
  const bool shaped = shapes.get_array().get(shape_list) == simdjson::SUCCESS;
  std::vector<dom::element> shape_of;
  if (shaped) {
    for (const dom::element one : shape_list)
      shape_of.push_back(one);
  }
  std::vector<std::string> type_of;
  for (const dom::element one : type_list)
    type_of.push_back(text_of(one));
  ValueReader reader;
  std::size_t i = 0;
  for (const dom::element value : value_list) {
    if (i >= type_of.size()) break;
    reader.read(value, i < shape_of.size() ? &shape_of[i] : nullptr, type_of[i]);
    ++i;
  }
  return std::move(reader.out);
}

std::vector<NodeValue> read_node_values(std::string_view values, std::string_view shapes,
                                        std::string_view types) {
  std::array<dom::parser, 3> parsers;
  std::array<dom::element, 3> elements;
  const std::array<std::string_view, 3> texts{values, shapes, types};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const simdjson::padded_string json(json_of_python(texts[i]));
    if (parsers[i].parse(json).get(elements[i]) != simdjson::SUCCESS) return {};
  }
  return read_node_values(elements[0], elements[1], elements[2]);
}

}  // namespace fastpath
