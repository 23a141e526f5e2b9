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

/// Where others disturb every execution of one thread, its CPU time is nearer than the shortest.
double least_of(const TimedModel& model, int threads) {
  return threads == 1 ? std::min(model.least(), model.cpu()) : model.least();
}

/// Loads a model and looks for its shortest execution at once.
Result<double> least_time(const OnnxRuntime& library, const RunnableModel& model, int threads,
                          double seconds) {
  auto timed = TimedModel::load(library, model, threads);
  if (!timed) return failure(timed.error());
  if (auto done = timed->run(seconds); !done) return failure(done.error());
  return least_of(*timed, threads);
}

/// How points are measured.
struct PointOptions {
  ProfileOptions profile;
  Seconds node;             ///< from operator to operator where they do nothing
  double marginal = 0.015;  ///< seconds that each model of a single operator runs, in all
  std::function<void()> pause;
};

/// A point, and what the profiler said of it.
struct MeasuredPoint {
  ProbePoint probe;
  Seconds profiled;
  bool alone = false;  ///< its time is from whole executions
};

/// Models that say what one more of an operator adds to an execution.
class Marginals {
 public:
  Marginals(const OnnxRuntime& library, const PointOptions& options)
      : library_(library), options_(options) {}

  /// Loads both models; many operators share the one without.
  Result<void> add(const MarginalModels& models) {
    auto with = TimedModel::load(library_, models.with, options_.profile.threads);
    if (!with) return failure(with.error());
    const auto [at, fresh] = by_model_.try_emplace(models.without.model, without_.size());
    if (fresh) {
      auto without = TimedModel::load(library_, models.without, options_.profile.threads);
      if (!without) return failure(without.error());
      without_.push_back(std::move(*without));
    }
    with_.push_back({std::move(*with), at->second, models.times});
    return {};
  }

  /// Runs all of them, in passes with pauses between them, so that each is seen at several times.
  Result<void> run() {
    constexpr int kPasses = 3;
    for (int pass = 0; pass < kPasses; ++pass) {
      for (TimedModel& model : without_) {
        if (auto done = model.run(options_.marginal / kPasses); !done) return done;
      }
      for (With& one : with_) {
        if (auto done = one.model.run(options_.marginal / kPasses); !done) return done;
      }
      options_.pause();
    }
    return {};
  }

  /// Of the model added as number `i`: beyond what an operator without work adds.
  Seconds time(std::size_t i) const {
    constexpr double kLeastShare = 0.1;  // of an operator without work
    const int threads = options_.profile.threads;
    const With& one = with_[i];
    const double more = least_of(one.model, threads) - least_of(without_[one.without], threads);
    return std::max(Seconds{more / one.times} - options_.node, kLeastShare * options_.node);
  }

 private:
  struct With {
    TimedModel model;
    std::size_t without;
    double times;
  };

  const OnnxRuntime& library_;
  const PointOptions& options_;
  std::map<std::string, std::size_t> by_model_;  ///< by their bytes
  std::vector<TimedModel> without_;
  std::vector<With> with_;
};

/// Replaces the times of short operators, which the profiler disturbs most, by what whole
/// executions say. What it added to them, the median; nothing where no operator can be repeated.
Result<std::optional<Seconds>> time_alone(const OnnxRuntime& library,
                                          const std::vector<RuntimeProbe>& probes,
                                          const PointOptions& options,
                                          std::vector<MeasuredPoint>& points) {
  constexpr Seconds kShort{20e-6};
  Marginals marginals(library, options);
  std::vector<MeasuredPoint*> timed;
  for (MeasuredPoint& point : points) {
    if (!point.probe.probe || point.profiled >= kShort) continue;
    const auto models = marginal_models(probes[*point.probe.probe], kSeed);
    if (!models) continue;  // it cannot be repeated
    if (auto added = marginals.add(*models); !added) return failure(added.error());
    timed.push_back(&point);
  }
  if (timed.empty()) return std::optional<Seconds>();
  if (auto done = marginals.run(); !done) return failure(done.error());
  std::vector<double> added;
  for (std::size_t i = 0; i < timed.size(); ++i) {
    MeasuredPoint& point = *timed[i];
    point.probe.point.time = marginals.time(i);
    point.alone = true;
    added.push_back((point.profiled - point.probe.point.time).base());
  }
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
  options.profile.runs = quick ? 9 : 40;
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
    const auto time = least_time(library, chain_model(kLengths[i], kNumbers), threads, kSeconds);
    if (!time) return failure(time.error());
    least[i] = *time;
  }
  const double node = std::max(least[1] - least[0], 0.0) / (kLengths[1] - kLengths[0]);
  return Overheads{Seconds{node}, Seconds{std::max(least[0] - kLengths[0] * node, node)}};
}

/// What an `If` adds to the operators of its branch, by their number.
Result<void> add_branch_points(const OnnxRuntime& library, const PointOptions& options,
                               Runtime& runtime) {
  constexpr std::array<int, 3> kOperators{1, 8, 64};
  Marginals marginals(library, options);
  for (const int operators : kOperators) {
    if (auto added = marginals.add(branch_models(operators, kSeed)); !added) return added;
  }
  if (auto done = marginals.run(); !done) return done;
  for (std::size_t i = 0; i < kOperators.size(); ++i) {
    runtime.points.push_back(
        {RuntimeKernel::branch, static_cast<double>(kOperators[i]), 1, 1, marginals.time(i)});
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
