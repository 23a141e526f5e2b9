#include "validate/runtime_calibration.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include <fmt/format.h>

namespace fastpath {
namespace {

/// Of sorted values; the one below.
double sorted_quantile(const std::vector<double>& values, double share) {
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// An operator beside what is said of it before, and after without its own model.
struct Judged {
  RanOperator ran;
  Seconds before;
  Seconds after;
};

/// Operators of other models, of shapes that model `left_out` lacks.
std::vector<RanOperator> of_others(const std::vector<RanModel>& models, std::size_t left_out) {
  const std::vector<RanOperator>& own = models[left_out].operators;
  std::vector<RanOperator> others;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i == left_out) continue;
    for (const RanOperator& one : models[i].operators) {
      const bool shared = std::any_of(own.begin(), own.end(), [&](const RanOperator& mine) {
        return same_shape(mine.work, one.work);
      });
      if (!shared) others.push_back(one);
    }
  }
  return others;
}

Result<std::vector<Judged>> judge(const Runtime& runtime, const std::vector<RanModel>& models,
                                  std::size_t index) {
  const RanModel& model = models[index];
  if (model.operators.empty()) {
    return failure({.file = model.name}, "none of its operators can be paired with a prediction",
                   "fastpath run MODEL --against SYSTEM.yaml shows what ran and what is predicted");
  }
  const Runtime taught = with_operators(runtime, of_others(models, index));
  std::vector<Judged> all;
  for (const RanOperator& one : model.operators) {
    const auto before = runtime_time(runtime, one.work);
    const auto after = runtime_time(taught, one.work);
    if (!before || !after) {
      return failure(
          {.file = model.name},
          fmt::format("the runtime has no points of kernel '{}'", name_of(one.work.kernel)),
          "measure the system again: fastpath measure --output SYSTEM.yaml");
    }
    all.push_back({one, *before, *after});
  }
  return all;
}

void add_range(std::vector<double> ratios, std::vector<Cell>& row) {
  std::sort(ratios.begin(), ratios.end());
  for (const double share : {0.5, 0.05, 0.95})
    row.emplace_back(sorted_quantile(ratios, share) - 1);
}

Table kernels_table(const std::vector<Judged>& judged, const Runtime& before,
                    const Runtime& after) {
  Table table{"kernels",
              "Operators by kernel: measured over predicted, less 1: median, 5 % and 95 % quantile",
              {{"kernel"},
               {"operators", Unit::count},
               {"points_before", Unit::count},
               {"points_after", Unit::count},
               {"before", Unit::ratio},
               {"before_low", Unit::ratio},
               {"before_high", Unit::ratio},
               {"after", Unit::ratio},
               {"after_low", Unit::ratio},
               {"after_high", Unit::ratio}},
              {}};
  for (std::size_t i = 0; i < kRuntimeKernels; ++i) {
    const auto kernel = static_cast<RuntimeKernel>(i);
    std::array<std::vector<double>, 2> ratios;
    for (const Judged& one : judged) {
      if (one.ran.work.kernel != kernel) continue;
      const Seconds measured = one.ran.work.times * one.ran.time;
      ratios[0].push_back(measured / one.before);
      ratios[1].push_back(measured / one.after);
    }
    if (ratios[0].empty()) continue;
    const auto points = [&](const Runtime& runtime) {
      return static_cast<double>(
          std::count_if(runtime.points.begin(), runtime.points.end(),
                        [&](const RuntimePoint& point) { return point.kernel == kernel; }));
    };
    std::vector<Cell> row{std::string(name_of(kernel)), static_cast<double>(ratios[0].size()),
                          points(before), points(after)};
    add_range(std::move(ratios[0]), row);
    add_range(std::move(ratios[1]), row);
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<Cell> model_row(const std::string& name, const std::vector<Judged>& judged) {
  Seconds measured;
  Seconds before;
  Seconds after;
  for (const Judged& one : judged) {
    measured += one.ran.work.times * one.ran.time;
    before += one.before;
    after += one.after;
  }
  return {name,
          static_cast<double>(judged.size()),
          measured.base(),
          before.base(),
          after.base(),
          before / measured - 1,
          after / measured - 1};
}

}  // namespace

bool same_shape(const RuntimeWork& a, const RuntimeWork& b) {
  return std::tie(a.kernel, a.m, a.n, a.k) == std::tie(b.kernel, b.m, b.n, b.k);
}

Runtime with_operators(const Runtime& runtime, const std::vector<RanOperator>& operators) {
  std::map<std::tuple<RuntimeKernel, double, double, double>, std::vector<double>> times;
  for (const RanOperator& one : operators) {
    const auto& [kernel, m, n, k, pieces] = one.work;
    times[{kernel, m, n, k}].push_back(one.time.base());
  }
  Runtime result = runtime;
  std::erase_if(result.points, [&](const RuntimePoint& point) {
    return times.contains({point.kernel, point.m, point.n, point.k});
  });
  for (auto& [shape, values] : times) {
    std::sort(values.begin(), values.end());
    const auto& [kernel, m, n, k] = shape;
    result.points.push_back({kernel, m, n, k, Seconds{sorted_quantile(values, 0.5)}});
  }
  const auto [low, high] = leave_one_out(result);
  result.low = low;
  result.high = high;
  return result;
}

Result<RuntimeCalibration> calibrate_runtime(const Runtime& runtime,
                                             const std::vector<RanModel>& models) {
  Table by_model{"models",
                 "Operators by model, after: from the other models alone",
                 {{"model"},
                  {"operators", Unit::count},
                  {"measured", Unit::seconds},
                  {"before", Unit::seconds},
                  {"after", Unit::seconds},
                  {"error_before", Unit::ratio},
                  {"error_after", Unit::ratio}},
                 {}};
  std::vector<Judged> all;
  std::vector<RanOperator> operators;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const Result<std::vector<Judged>> judged = judge(runtime, models, i);
    if (!judged) return failure(judged.error());
    by_model.rows.push_back(model_row(models[i].name, *judged));
    all.insert(all.end(), judged->begin(), judged->end());
    operators.insert(operators.end(), models[i].operators.begin(), models[i].operators.end());
  }
  RuntimeCalibration calibration;
  calibration.runtime = with_operators(runtime, operators);
  calibration.tables = {kernels_table(all, runtime, calibration.runtime), std::move(by_model)};
  return calibration;
}

}  // namespace fastpath
