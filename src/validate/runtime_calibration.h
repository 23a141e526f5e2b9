/// A measured runtime, taught by operators of models that it ran.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/framework.h"
#include "fastpath/result.h"

#include "model/runtime_time.h"

namespace fastpath {

/// One operator as it ran: the time of one of its equal pieces, without the gap to the next.
struct RanOperator {
  RuntimeWork work;
  Seconds time;
};

struct RanModel {
  std::string name;
  std::vector<RanOperator> operators;
};

/// Whether two operators are the same to a runtime's kernel, however often each runs.
bool same_shape(const RuntimeWork& a, const RuntimeWork& b);

/// `runtime` with a point for each shape among the operators: the median of those of that shape.
/// It takes the place of points of that shape, which are of operators that ran alone. `low` and
/// `high` are those of all points.
Runtime with_operators(const Runtime& runtime, const std::vector<RanOperator>& operators);

struct RuntimeCalibration {
  Runtime runtime;
  std::vector<Table> tables;  ///< by kernel, and by model
};

/// Adds the operators of all models. The tables set measured beside predicted, before, and after
/// without what the model itself says: by the points of `runtime` and the other models' operators
/// of shapes that the model lacks. Errors: a model without operators; one whose kernels `runtime`
/// does not know.
Result<RuntimeCalibration> calibrate_runtime(const Runtime& runtime,
                                             const std::vector<RanModel>& models);

}  // namespace fastpath
