/// An ONNX file as a runtime can execute it, whatever weights it carries: published graphs often
/// come without them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/result.h"

#include "import/onnx/options.h"
#include "ir/runnable_model.h"

namespace fastpath {

struct RunnableOptions {
  std::vector<std::pair<std::string, std::int64_t>> dims{};  ///< sizes by name
  /// Inputs that are this number everywhere: such as a sampling rate that a branch asks for.
  std::vector<std::pair<std::string, double>> values{};
  std::uint64_t seed = 1;
};

/// Fills inputs, weights that the file leaves out (external data) and weights that are constants
/// in it (ConstantOfShape, which a runtime would fold to the same number everywhere) with seeded
/// random values: matrices uniform with a variance of 1 over their fan-in, so that activations
/// neither vanish nor overflow; vectors between 0.5 and 1.5, since variances are among them;
/// floating-point inputs between -1 and 1; integers 0 or 1, which index any table. Nodes without a
/// name get that of their first output.
///
/// Errors: not a model, dynamic dimensions without a size, inputs that are no tensors of numbers,
/// names in `values` that are no inputs.
Result<RunnableModel> make_runnable(std::string_view bytes, std::string_view file,
                                    const RunnableOptions& options);

}  // namespace fastpath
