#include "validate/runtime_calibration.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "validate/score.h"

namespace fastpath {
namespace {

/// An operator beside what is said of it before, and after without its own model.
struct Judged {
  RanOperator ran;
  Seconds before;
  Seconds after;
};

Result<std::vector<Judged>> judge(const Runtime& runtime, const std::vector<RanModel>& models,
                                  std::size_t index) {
  const RanModel& model = models[index];
  if (model.operators.empty()) {
    return failure({.file = model.name}, "none of its operators can be paired with a prediction",
                   "fastpath run MODEL --against SYSTEM.yaml shows what ran and what is predicted");
  }
  const std::vector<RanModel> others = others_of(models, index);
  const Runtime taught = taught_by(runtime, operators_of(others), choose_lessons(runtime, others));
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

void add_range(const std::vector<double>& ratios, std::vector<Cell>& row) {
  for (const double share : {0.5, 0.05, 0.95})
    row.emplace_back(quantile(ratios, share) - 1);
}

Table kernels_table(const std::vector<Judged>& judged, const Runtime& before, const Runtime& after,
                    const Lessons& lessons) {
  Table table{"kernels",
              "Operators by kernel: measured over predicted, less 1: median, 5 % and 95 % quantile",
              {{"kernel"},
               {"lesson"},
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
    std::vector<Cell> row{std::string(name_of(kernel)), std::string(name_of(lessons[i])),
                          static_cast<double>(ratios[0].size()), points(before), points(after)};
    add_range(ratios[0], row);
    add_range(ratios[1], row);
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
  for (std::size_t i = 0; i < models.size(); ++i) {
    const Result<std::vector<Judged>> judged = judge(runtime, models, i);
    if (!judged) return failure(judged.error());
    by_model.rows.push_back(model_row(models[i].name, *judged));
    all.insert(all.end(), judged->begin(), judged->end());
  }
  const Lessons lessons = choose_lessons(runtime, models);
  RuntimeCalibration calibration;
  calibration.runtime = taught_by(runtime, operators_of(models), lessons);
  const auto [low, high] = leave_one_out(calibration.runtime);
  calibration.runtime.low = low;
  calibration.runtime.high = high;
  calibration.tables = {kernels_table(all, runtime, calibration.runtime, lessons),
                        std::move(by_model)};
  return calibration;
}

}  // namespace fastpath
