#include "validate/runtime_lessons.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace fastpath {
namespace {

using Shape = std::tuple<RuntimeKernel, double, double, double>;

constexpr std::array<Lesson, 3> kLessons{Lesson::nothing, Lesson::factor, Lesson::points};

/// Measured over predicted, the median by time; 1 where there is nothing to compare.
double factor_of(const Runtime& runtime, const std::vector<RanOperator>& operators,
                 RuntimeKernel kernel) {
  std::vector<std::pair<double, Seconds>> ratios;
  Seconds whole;
  for (const RanOperator& one : operators) {
    const auto predicted = runtime_time(runtime, one.work);
    if (one.work.kernel != kernel || !predicted || !(*predicted > Seconds{})) continue;
    const Seconds measured = one.work.times * one.time;
    ratios.emplace_back(measured / *predicted, measured);
    whole += measured;
  }
  std::sort(ratios.begin(), ratios.end());
  Seconds so_far;
  for (const auto& [ratio, time] : ratios) {
    so_far += time;
    if (2 * so_far >= whole) return ratio;
  }
  return 1;
}

bool has_shape(const std::vector<RanOperator>& operators, const RanOperator& one) {
  return std::any_of(operators.begin(), operators.end(),
                     [&](const RanOperator& other) { return same_shape(other.work, one.work); });
}

/// Parts of a model by shape, each as a model.
std::vector<RanModel> parts_of(const RanModel& model) {
  constexpr std::size_t kParts = 5;
  std::map<Shape, std::size_t> part_of;
  std::array<std::size_t, kRuntimeKernels> shapes{};
  std::vector<RanModel> parts(kParts);
  for (const RanOperator& one : model.operators) {
    const auto kernel = static_cast<std::size_t>(one.work.kernel);
    const auto [at, fresh] =
        part_of.try_emplace({one.work.kernel, one.work.m, one.work.n, one.work.k}, shapes[kernel]);
    if (fresh) shapes[kernel] = (shapes[kernel] + 1) % kParts;
    parts[at->second].operators.push_back(one);
  }
  return parts;
}

/// By kernel and lesson: what predictions of models miss that the others taught.
using Misses = std::array<std::array<double, kLessons.size()>, kRuntimeKernels>;

void add_misses(const Runtime& runtime, const std::vector<RanModel>& models, Misses& misses) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::vector<RanOperator> others = operators_of(others_of(models, i));
    Seconds whole;
    for (const RanOperator& one : models[i].operators)
      whole += one.work.times * one.time;
    for (std::size_t l = 0; l < kLessons.size(); ++l) {
      Lessons lessons;
      lessons.fill(kLessons[l]);
      const Runtime taught = taught_by(runtime, others, lessons);
      for (const RanOperator& one : models[i].operators) {
        const auto predicted = runtime_time(taught, one.work);
        if (!predicted) continue;
        misses[static_cast<std::size_t>(one.work.kernel)][l] +=
            std::abs((*predicted - one.work.times * one.time) / whole);
      }
    }
  }
}

bool holds(const RanModel& model, RuntimeKernel kernel) {
  return std::any_of(model.operators.begin(), model.operators.end(),
                     [&](const RanOperator& one) { return one.work.kernel == kernel; });
}

}  // namespace

std::vector<RanModel> others_of(const std::vector<RanModel>& models, std::size_t left_out) {
  std::vector<RanModel> others;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i == left_out) continue;
    RanModel& other = others.emplace_back();
    other.name = models[i].name;
    for (const RanOperator& one : models[i].operators) {
      if (!has_shape(models[left_out].operators, one)) other.operators.push_back(one);
    }
  }
  return others;
}

std::vector<RanOperator> operators_of(const std::vector<RanModel>& models) {
  std::vector<RanOperator> all;
  for (const RanModel& model : models)
    all.insert(all.end(), model.operators.begin(), model.operators.end());
  return all;
}

bool same_shape(const RuntimeWork& a, const RuntimeWork& b) {
  return std::tie(a.kernel, a.m, a.n, a.k) == std::tie(b.kernel, b.m, b.n, b.k);
}

std::string_view name_of(Lesson lesson) {
  switch (lesson) {
    case Lesson::nothing: return "nothing";
    case Lesson::factor: return "factor";
    case Lesson::points: return "points";
  }
  return {};
}

Lessons choose_lessons(const Runtime& runtime, const std::vector<RanModel>& models) {
  Misses between{};
  add_misses(runtime, models, between);
  Misses within{};
  for (const RanModel& model : models)
    add_misses(runtime, parts_of(model), within);
  Lessons lessons{};
  for (std::size_t i = 0; i < kRuntimeKernels; ++i) {
    const auto kernel = static_cast<RuntimeKernel>(i);
    const auto models_with = std::count_if(
        models.begin(), models.end(), [&](const RanModel& model) { return holds(model, kernel); });
    const auto& misses = models_with > 1 ? between[i] : within[i];
    lessons[i] = kLessons[static_cast<std::size_t>(std::min_element(misses.begin(), misses.end()) -
                                                   misses.begin())];
  }
  return lessons;
}

Runtime taught_by(const Runtime& runtime, const std::vector<RanOperator>& operators,
                  const Lessons& lessons) {
  const auto lesson = [&](RuntimeKernel kernel) {
    return lessons[static_cast<std::size_t>(kernel)];
  };
  std::map<Shape, std::vector<double>> times;
  for (const RanOperator& one : operators) {
    const auto& [kernel, m, n, k, pieces] = one.work;
    if (lesson(kernel) == Lesson::points) times[{kernel, m, n, k}].push_back(one.time.base());
  }
  std::array<double, kRuntimeKernels> factors{};
  for (std::size_t i = 0; i < kRuntimeKernels; ++i) {
    const auto kernel = static_cast<RuntimeKernel>(i);
    factors[i] = lesson(kernel) == Lesson::factor ? factor_of(runtime, operators, kernel) : 1;
  }
  Runtime result = runtime;
  std::erase_if(result.points, [&](const RuntimePoint& point) {
    return times.contains({point.kernel, point.m, point.n, point.k});
  });
  for (RuntimePoint& point : result.points)
    point.time *= factors[static_cast<std::size_t>(point.kernel)];
  for (auto& [shape, values] : times) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), middle, values.end());
    const auto& [kernel, m, n, k] = shape;
    result.points.push_back({kernel, m, n, k, Seconds{*middle}});
  }
  return result;
}

}  // namespace fastpath
