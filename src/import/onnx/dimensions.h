/// Sizes of dynamic dimensions by name, and the mistakes about them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/result.h"

#include "import/onnx/graph.h"
#include "import/onnx/options.h"

namespace fastpath::onnx_import {

class Dimensions {
 public:
  explicit Dimensions(const OnnxOptions& options);

  /// Size of a named dimension, if given. Marks the name as existing.
  std::optional<std::int64_t> size_of(const std::string& name);

  /// Notes that `name` has no size and is needed at `where`.
  void missing(const std::string& name, std::string where);

  /// A declared type: sizes by axis, -1 where not known, and symbols. An axis without name is
  /// called
  /// `<value>.<axis>`.
  void resolve(const ::onnx::TypeProto& type, Value& value, bool required);

  /// Sizes that are missing, given names that do not exist, sizes below 1.
  Diagnostics mistakes(std::string_view file) const;

 private:
  std::map<std::string, std::int64_t> given_;
  std::map<std::string, bool> exists_;
  std::map<std::string, std::vector<std::string>> missing_;
};

}  // namespace fastpath::onnx_import
