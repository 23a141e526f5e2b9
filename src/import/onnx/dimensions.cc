#include "import/onnx/dimensions.h"

#include "base/text.h"
#include "import/onnx/limits.h"

namespace fastpath::onnx_import {

Dimensions::Dimensions(const OnnxOptions& options) {
  for (const auto& [name, size] : options.dims)
    given_[name] = size;
}

std::optional<std::int64_t> Dimensions::size_of(const std::string& name) {
  exists_[name] = true;
  const auto found = given_.find(name);
  if (found == given_.end() || found->second < 1) return std::nullopt;
  return found->second;
}

void Dimensions::missing(const std::string& name, std::string where) {
  constexpr std::size_t kShown = 4;
  auto& places = missing_[name];
  if (places.size() < kShown) places.push_back(std::move(where));
}

void Dimensions::resolve(const ::onnx::TypeProto& type, Value& value, bool required) {
  const bool sparse = type.has_sparse_tensor_type();
  const auto& shape = sparse ? type.sparse_tensor_type().shape() : type.tensor_type().shape();
  value.type = sparse ? type.sparse_tensor_type().elem_type() : type.tensor_type().elem_type();
  const int rank = std::min(shape.dim_size(), static_cast<int>(kMaxRank) + 1);
  for (int axis = 0; axis < rank; ++axis) {
    const auto& dim = shape.dim(axis);
    const std::string generated = value.name + "." + std::to_string(axis);
    const std::string name =
        dim.has_dim_param() && !dim.dim_param().empty() ? dim.dim_param() : generated;
    std::optional<std::int64_t> size;
    if (dim.has_dim_value() && dim.dim_value() >= 0) {
      size = dim.dim_value();
      if (required) size = size_of(generated).value_or(*size);
    } else {
      value.open_shape = true;
      size = size_of(name);
      if (!size && required) size = size_of(generated);
      if (!size && required) {
        missing(name, "axis " + std::to_string(axis) + " of input '" + value.name + "'");
      }
    }
    value.shape.push_back(size.value_or(-1));
    value.symbols.push_back(dim.has_dim_param() ? dim.dim_param() : std::string{});
  }
}

Diagnostics Dimensions::mistakes(std::string_view file) const {
  Diagnostics mistakes;
  for (const auto& [name, places] : missing_) {
    std::string what = "the dimension '" + name + "' has no size: ";
    for (std::size_t i = 0; i < places.size(); ++i)
      what += (i > 0 ? ", " : "") + places[i];
    mistakes.push_back({{std::string(file), 0, 0}, what, "set it: --dim " + name + "=SIZE"});
  }
  std::vector<std::string> names;
  for (const auto& [name, unused] : exists_)
    names.push_back(name);
  for (const auto& [name, size] : given_) {
    if (size < 1) {
      mistakes.push_back({{"command line", 0, 0},
                          "the dimension '" + name + "' is set to " + std::to_string(size),
                          "a size is 1 or more"});
    } else if (exists_.count(name) == 0) {
      mistakes.push_back(
          {{"command line", 0, 0},
           "the model has no dimension '" + name + "'",
           names.empty() ? "it has no dynamic dimensions" : did_you_mean(name, names)});
    }
  }
  return mistakes;
}

}  // namespace fastpath::onnx_import
