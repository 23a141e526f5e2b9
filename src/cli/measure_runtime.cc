#include "cli/measure_runtime.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

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

/// Seconds from operator to operator where they do nothing.
Result<Seconds> measure_node(const OnnxRuntime& library, int threads) {
  constexpr int kLength = 400;
  constexpr double kSeconds = 0.2;
  const auto times = least_times(library, chain_model(kLength), threads, kSeconds);
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
  const std::vector<RuntimeProbe> probes = runtime_probes();
  std::error_code error;
  ProfileOptions options;
  options.threads = threads;
  options.runs = quick ? 12 : 40;
  options.folder = std::filesystem::temp_directory_path(error).string();
  const Result<std::string> profile = profile_model(library, probe_model(probes, kSeed), options);
  if (!profile) return failure(profile.error());
  const auto events = read_runtime_profile(*profile, "profile of single operators");
  if (!events) return failure(events.error());
  runtime.points = probe_points(probes, events->value, kWarmUps);
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
