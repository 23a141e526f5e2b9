/// A measured runtime, taught by operators of models that it ran.
#pragma once

#include <vector>

#include "fastpath/findings.h"
#include "fastpath/framework.h"
#include "fastpath/result.h"

#include "validate/runtime_lessons.h"

namespace fastpath {

struct RuntimeCalibration {
  Runtime runtime;
  std::vector<Table> tables;  ///< by kernel, and by model
};

/// Teaches `runtime` the operators of all models by the chosen lessons. The tables set measured
/// beside predicted, before, and after without what the model itself says: lessons chosen and
/// taught by the other models' operators of shapes that the model lacks. Errors: a model without
/// operators; one whose kernels `runtime` does not know.
Result<RuntimeCalibration> calibrate_runtime(const Runtime& runtime,
                                             const std::vector<RanModel>& models);

}  // namespace fastpath
