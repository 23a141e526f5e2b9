/// What a measured runtime learns from operators of models that it ran.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/framework.h"

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

/// What a kernel takes from operators that ran in models.
enum class Lesson : std::uint8_t {
  nothing,  ///< its points stay
  factor,   ///< on the times of all its points: the median of what operators took over what was
            ///< predicted, each weighted by its time
  points,   ///< each shape of the operators becomes a point, the median of those of that shape. It
            ///< takes the place of points of that shape, which are of operators that ran alone
};
std::string_view name_of(Lesson lesson);
using Lessons = std::array<Lesson, kRuntimeKernels>;

/// The lesson of each kernel that predicts best what it was not taught by: sums of |predicted -
/// measured| over operators, each model's over its whole time. Left out are models in turn, and
/// their shapes with them; of a kernel that one model alone has, fifths of its shapes. Of equals
/// the first: nothing where there is no more than one shape.
Lessons choose_lessons(const Runtime& runtime, const std::vector<RanModel>& models);

/// `runtime` as the operators teach it; `low` and `high` stay.
Runtime taught_by(const Runtime& runtime, const std::vector<RanOperator>& operators,
                  const Lessons& lessons);

/// The other models, with their operators of shapes that model `left_out` lacks.
std::vector<RanModel> others_of(const std::vector<RanModel>& models, std::size_t left_out);

std::vector<RanOperator> operators_of(const std::vector<RanModel>& models);

}  // namespace fastpath
