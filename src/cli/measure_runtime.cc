#include "cli/measure_runtime.h"

#include <algorithm>
#include <filesystem>

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
         kernel == RuntimeKernel::matmul;
}

/// Points of probes; what the profiler adds to an operator is taken off.
Result<std::vector<RuntimePoint>> measure_points(const OnnxRuntime& library,
                                                 const std::vector<RuntimeProbe>& probes,
                                                 const ProfileOptions& options) {
  constexpr double kSeconds = 0.5;
  const RunnableModel model = probe_model(probes, kSeed);
  const auto plain = least_times(library, model, options.threads, kSeconds);
  if (!plain) return failure(plain.error());
  const Result<std::string> profile = profile_model(library, model, options);
  if (!profile) return failure(profile.error());
  const auto events = read_runtime_profile(*profile, "profile of single operators");
  if (!events) return failure(events.error());
  const double whole = options.threads == 1 ? std::min(plain->wall, plain->cpu) : plain->wall;
  const Seconds cost = profiler_cost(operators_of(events->value, kWarmUps), Seconds{whole});
  std::vector<RuntimePoint> points = probe_points(probes, events->value, kWarmUps);
  for (RuntimePoint& point : points)
    point.time = without_profiler(point.time, cost);
  return points;
}

/// Seconds from operator to operator where they do nothing.
Result<Seconds> measure_node(const OnnxRuntime& library, int threads) {
  constexpr int kLength = 400;
  constexpr double kSeconds = 0.2;
  constexpr std::int64_t kNumbers = 16;
  const auto times = least_times(library, chain_model(kLength, kNumbers), threads, kSeconds);
  if (!times) return failure(times.error());
  return Seconds{times->wall / kLength};
}

}  // namespace

Result<Runtime> measure_runtime(const OnnxRuntime& library, int threads, bool quick,
                                const std::function<void(std::string_view)>& tell) {
  tell("operators of the runtime");
  Runtime runtime;
  runtime.id = "onnxruntime";
  runtime.version = library.version();
  runtime.threads = threads;
  std::vector<RuntimeProbe> small = runtime_probes();
  const auto first_large = std::partition(small.begin(), small.end(), is_small);
  const std::vector<RuntimeProbe> large(first_large, small.end());
  small.erase(first_large, small.end());
  std::error_code error;
  ProfileOptions options;
  options.threads = threads;
  options.folder = std::filesystem::temp_directory_path(error).string();
  using Group = std::pair<const std::vector<RuntimeProbe>*, int>;
  for (const auto& [probes, runs] :
       {Group{&small, quick ? 60 : 200}, Group{&large, quick ? 12 : 40}}) {
    options.runs = runs;
    auto points = measure_points(library, *probes, options);
    if (!points) return failure(points.error());
    runtime.points.insert(runtime.points.end(), points->begin(), points->end());
  }
  const Result<Seconds> node = measure_node(library, threads);
  if (!node) return failure(node.error());
  runtime.node = *node;
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
