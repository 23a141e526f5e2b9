/// A model that a runtime can execute as it stands: weights and inputs are filled.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fastpath {

/// An input with its values. `type` counts as in ONNX's TensorProto.DataType.
struct RunInput {
  std::string name;
  int type = 1;
  std::vector<std::int64_t> shape;
  std::string bytes;  ///< row-major, in the machine's byte order
};

struct RunnableModel {
  std::string model;  ///< an ONNX file
  std::vector<RunInput> inputs;
  std::vector<std::string> outputs;
  std::size_t filled_weights = 0;  ///< tensors that the file lacks or that are constant in it
};

}  // namespace fastpath
