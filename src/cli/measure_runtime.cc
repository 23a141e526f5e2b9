#include "cli/measure_runtime.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analyze/runtime_findings.h"
#include "import/onnx/probes.h"
#include "import/runtime_profile/read.h"
#include "measure/clock.h"
#include "measure/model_run.h"
#include "model/runtime_time.h"

namespace fastpath::cli {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kWarmUps = 1;

bool is_product(RuntimeKernel kernel) {
  return kernel == RuntimeKernel::pointwise || kernel == RuntimeKernel::window ||
         kernel == RuntimeKernel::first || kernel == RuntimeKernel::depthwise ||
         kernel == RuntimeKernel::im2col || kernel == RuntimeKernel::matmul;
}

double least_of(const LeastTimes& times, int threads) {
  // One thread alone uses no more than its own time, whatever else runs on the machine.
  return threads == 1 ? std::min(times.wall, times.cpu) : times.wall;
}

/// How points are measured.
struct PointOptions {
  ProfileOptions profile;
  Seconds node;            ///< from operator to operator where they do nothing
  double marginal = 0.01;  ///< seconds that each model of a single operator runs
  std::function<void()> pause;
};

/// A point, and what the profiler said of it.
struct MeasuredPoint {
  ProbePoint probe;
  Seconds profiled;
  bool alone = false;  ///< its time is from whole executions
};

/// Times of models without the operator in question, by their bytes: many operators share them.
using KnownTimes = std::map<std::string, double>;

/// What one more of the operator adds to an execution, beyond what an operator without work adds.
Result<Seconds> marginal_time(const OnnxRuntime& library, const MarginalModels& models,
                              const PointOptions& options, KnownTimes& known) {
  const int threads = options.profile.threads;
  const auto with = least_times(library, models.with, threads, options.marginal);
  if (!with) return failure(with.error());
  const auto [without, fresh] = known.try_emplace(models.without.model, 0);
  if (fresh) {
    const auto times = least_times(library, models.without, threads, options.marginal);
    if (!times) return failure(times.error());
    without->second = least_of(*times, threads);
  }
  const double more = least_of(*with, threads) - without->second;
  constexpr double kLeastShare = 0.1;  // of an operator without work
  const Seconds beyond = Seconds{more / models.times} - options.node;
  return std::max(beyond, kLeastShare * options.node);
}

/// Replaces the times of short operators, which the profiler disturbs most, by what whole
/// executions say. What it added to them, the median; nothing where no operator can be repeated.
Result<std::optional<Seconds>> time_alone(const OnnxRuntime& library,
                                          const std::vector<RuntimeProbe>& probes,
                                          const PointOptions& options,
                                          std::vector<MeasuredPoint>& points) {
  constexpr Seconds kShort{20e-6};
  constexpr std::size_t kParts = 3;
  const std::size_t part = points.size() / kParts + 1;
  std::vector<double> added;
  KnownTimes known;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i % part == 0) options.pause();
    MeasuredPoint& point = points[i];
    if (!point.probe.probe || point.profiled >= kShort) continue;
    const auto models = marginal_models(probes[*point.probe.probe], kSeed);
    if (!models) continue;  // it cannot be repeated
    const auto time = marginal_time(library, *models, options, known);
    if (!time) return failure(time.error());
    point.probe.point.time = *time;
    point.alone = true;
    added.push_back((point.profiled - *time).base());
  }
  if (added.empty()) return std::optional<Seconds>();
  const auto middle = added.begin() + static_cast<std::ptrdiff_t>(added.size() / 2);
  std::nth_element(added.begin(), middle, added.end());
  return std::optional(Seconds{std::max(0.0, *middle)});
}

/// Points of probes, as the profiler times them.
Result<std::vector<MeasuredPoint>> profiled_points(const OnnxRuntime& library,
                                                   const std::vector<RuntimeProbe>& probes,
                                                   const ProfileOptions& options) {
  const Result<std::string> profile = profile_model(library, probe_model(probes, kSeed), options);
  if (!profile) return failure(profile.error());
  const auto events = read_runtime_profile(*profile, "profile of single operators");
  if (!events) return failure(events.error());
  std::vector<MeasuredPoint> points;
  for (const ProbePoint& probe : probe_points(probes, events->value, kWarmUps)) {
    MeasuredPoint& point = points.emplace_back();
    point.probe = probe;
    point.profiled = probe.point.time;
  }
  return points;
}

/// A transposed convolution is a product and a scatter: what the product takes is taken off.
/// `runtime` has points of products.
void take_off_product(const RuntimeProbe& probe, const Runtime& runtime, RuntimePoint& point) {
  constexpr double kLeastShare = 0.1;
  const RuntimePoint product = product_of(probe);
  const auto time = runtime_time(runtime, {product.kernel, product.m, product.n, product.k, 1});
  if (time) point.time = std::max(point.time - *time, kLeastShare * point.time);
}

/// A point, and the probe that it is of; none of changes of layout.
struct KeptPoint {
  RuntimePoint point;
  std::optional<RuntimeProbe> probe;
};

/// Keeps the points; of those that were not timed alone, without what the profiler added.
void keep(const std::vector<MeasuredPoint>& points, const std::vector<RuntimeProbe>& probes,
          Seconds profiler, std::vector<KeptPoint>& kept) {
  for (const MeasuredPoint& point : points) {
    KeptPoint& one = kept.emplace_back();
    one.point = point.probe.point;
    if (!point.alone) one.point.time = without_profiler(point.profiled, profiler);
    if (point.probe.probe) one.probe = probes[*point.probe.probe];
  }
}

/// Points of all probes; the short ones first, on which it is found what the profiler adds.
Result<std::vector<KeptPoint>> measure_points(const OnnxRuntime& library, PointOptions options,
                                              bool quick) {
  std::vector<RuntimeProbe> small = runtime_probes();
  const auto first_large = std::partition(small.begin(), small.end(), is_small);
  const std::vector<RuntimeProbe> large(first_large, small.end());
  small.erase(first_large, small.end());
  std::vector<KeptPoint> kept;
  options.profile.runs = quick ? 60 : 200;
  auto short_ones = profiled_points(library, small, options.profile);
  if (!short_ones) return failure(short_ones.error());
  const auto added = time_alone(library, small, options, *short_ones);
  if (!added) return failure(added.error());
  const Seconds profiler = added->value_or(Seconds{});
  keep(*short_ones, small, profiler, kept);
  options.pause();
  options.profile.runs = quick ? 12 : 40;
  const auto long_ones = profiled_points(library, large, options.profile);
  if (!long_ones) return failure(long_ones.error());
  keep(*long_ones, large, profiler, kept);
  return kept;
}

/// Products before what is scattered of them.
void add_points(std::vector<KeptPoint> points, Runtime& runtime) {
  const auto scatters = [](const KeptPoint& one) {
    return one.point.kernel == RuntimeKernel::scatter;
  };
  std::stable_partition(points.begin(), points.end(), std::not_fn(scatters));
  for (KeptPoint& one : points) {
    if (scatters(one) && one.probe) take_off_product(*one.probe, runtime, one.point);
    runtime.points.push_back(one.point);
  }
}

/// What executions take where operators do nothing: from one operator to the next, and beginning
/// and ending the whole.
struct Overheads {
  Seconds node;
  Seconds call;
};

Result<Overheads> measure_overheads(const OnnxRuntime& library, int threads) {
  constexpr double kSeconds = 0.1;
  constexpr std::int64_t kNumbers = 16;
  constexpr std::array<int, 2> kLengths{20, 400};
  std::array<double, 2> least{};
  for (std::size_t i = 0; i < kLengths.size(); ++i) {
    const auto times = least_times(library, chain_model(kLengths[i], kNumbers), threads, kSeconds);
    if (!times) return failure(times.error());
    least[i] = least_of(*times, threads);
  }
  const double node = std::max(least[1] - least[0], 0.0) / (kLengths[1] - kLengths[0]);
  return Overheads{Seconds{node}, Seconds{std::max(least[0] - kLengths[0] * node, node)}};
}

/// What an `If` adds to the operators of its branch, by their number.
Result<void> add_branch_points(const OnnxRuntime& library, const PointOptions& options,
                               Runtime& runtime) {
  KnownTimes known;
  for (const int operators : {1, 8, 64}) {
    const auto time = marginal_time(library, branch_models(operators, kSeed), options, known);
    if (!time) return failure(time.error());
    runtime.points.push_back({RuntimeKernel::branch, static_cast<double>(operators), 1, 1, *time});
  }
  return {};
}

}  // namespace

Result<Runtime> measure_runtime(const OnnxRuntime& library, int threads, bool quick,
                                const MeasuringSteps& steps) {
  const std::string_view what = "operators of the runtime";
  steps.tell(what);
  Runtime runtime;
  runtime.id = "onnxruntime";
  runtime.version = library.version();
  runtime.threads = threads;
  const Result<Overheads> overheads = measure_overheads(library, threads);
  if (!overheads) return failure(overheads.error());
  runtime.node = overheads->node;
  PointOptions options;
  std::error_code error;
  options.node = overheads->node;
  options.profile.threads = threads;
  options.profile.folder = std::filesystem::temp_directory_path(error).string();
  if (!quick) options.marginal = 0.06;
  options.pause = [&] {
    steps.pause();
    steps.tell(what);
  };
  Result<std::vector<KeptPoint>> points = measure_points(library, options, quick);
  if (!points) return failure(points.error());
  add_points(std::move(*points), runtime);
  runtime.points.push_back({RuntimeKernel::call, 1, 1, 1, overheads->call});
  if (auto added = add_branch_points(library, options, runtime); !added) {
    return failure(added.error());
  }
  const auto [low, high] = leave_one_out(runtime);
  runtime.low = low;
  runtime.high = high;
  return runtime;
}

Table runtime_table(const Runtime& runtime) {
  Table table{"runtime",
              fmt::format("Kernels of {} {}, {} {}: an operator costs {:.2f} us at no work",
                          runtime.id, runtime.version, runtime.threads,
                          runtime.threads == 1 ? "thread" : "threads", runtime.node.base() * 1e6),
              {{"kernel"},
               {"points", Unit::count},
               {"best", Unit::flops_per_second},
               {"median", Unit::flops_per_second},
               {"best_traffic", Unit::bytes_per_second},
               {"median_traffic", Unit::bytes_per_second}},
              {}};
  for (std::size_t i = 0; i < kRuntimeKernels; ++i) {
    const auto kernel = static_cast<RuntimeKernel>(i);
    if (kernel == RuntimeKernel::branch || kernel == RuntimeKernel::call) continue;  // no rates
    std::vector<double> rates;
    for (const RuntimePoint& point : runtime.points) {
      if (point.kernel != kernel) continue;
      const double work = (is_product(kernel) ? 2 : 1) * point.m * point.n * point.k;
      rates.push_back(work / point.time.base());
    }
    if (rates.empty()) continue;
    std::sort(rates.begin(), rates.end());
    std::vector<Cell> row{std::string(name_of(kernel)),
                          static_cast<double>(rates.size()),
                          Cell{},
                          Cell{},
                          Cell{},
                          Cell{}};
    const std::size_t column = is_product(kernel) ? 2 : 4;
    row[column] = rates.back();
    row[column + 1] = rates[rates.size() / 2];
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace fastpath::cli
