#include "measure/machine.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "measure/array.h"
#include "measure/bandwidth.h"
#include "measure/clock.h"
#include "measure/cores.h"

namespace fastpath {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kFirst = std::size_t{16} << 10;
constexpr std::size_t kLast = std::size_t{128} << 20;
constexpr std::size_t kStreamed = std::size_t{64} << 20;  ///< of main memory, by each thread

/// Of a load in a random cycle through all lines.
Seconds chase(std::size_t bytes, Seconds length) {
  const std::size_t lines = bytes / kLine;
  const Array array(bytes);
  std::uint64_t* const next = array.words();
  std::vector<std::size_t> order(lines);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(1);
  std::shuffle(order.begin(), order.end(), random);
  constexpr std::size_t kWords = kLine / sizeof(std::uint64_t);
  for (std::size_t i = 0; i < lines; ++i)
    next[order[i] * kWords] = order[(i + 1) % lines] * kWords;
  std::uint64_t at = 0;
  Seconds best{1};
  const Seconds end = wall_time() + length;
  do {
    constexpr int kLoads = 20'000;
    const Seconds before = wall_time();
    for (int i = 0; i < kLoads; ++i)
      at = next[at];
    keep(at);
    best = std::min(best, (wall_time() - before) / kLoads);
  } while (wall_time() < end);
  return best;
}

/// The same of all sizes, the least of two visits to each.
std::vector<double> chase_all(Seconds length) {
  std::vector<double> latencies;
  for (const bool again : {false, true}) {
    std::size_t i = 0;
    for (std::size_t bytes = kFirst; bytes <= kLast; bytes *= 2, ++i) {
      const double latency = chase(bytes, length / 2).base();
      if (again) {
        latencies[i] = std::min(latencies[i], latency);
      } else {
        latencies.push_back(latency);
      }
    }
  }
  return latencies;
}

/// Figures of all streams through `bytes`, by one thread that is on the cores in turns.
void add_streams(std::size_t bytes, const std::vector<int>& cores, Seconds length,
                 std::vector<std::function<Repeat()>>& figures) {
  for (const MemoryStream stream : kMemoryStreams) {
    figures.emplace_back([=, turn = std::size_t{0}]() mutable {
      return stream_once(stream, bytes, {cores[turn++ % cores.size()]}, length);
    });
  }
}

/// Levels without their bandwidths, and these as figures.
std::vector<MeasuredLevel> find_levels(const std::vector<int>& cores, Seconds length,
                                       std::vector<std::function<Repeat()>>& figures) {
  const std::vector<double> latencies = chase_all(length);
  std::vector<MeasuredLevel> levels;
  std::size_t begin = 0;
  for (const std::size_t end : level_ends(latencies)) {
    MeasuredLevel level;
    level.main_memory = end + 1 == latencies.size();
    // In the middle of its sizes; main memory at the largest, farthest from any cache.
    level.latency = Seconds{latencies[level.main_memory ? end : (begin + end) / 2]};
    level.capacity = Bytes{static_cast<double>(kFirst << end)};
    add_streams(level.main_memory ? kStreamed : kFirst << end >> 1, cores, length, figures);
    levels.push_back(level);
    begin = end + 1;
  }
  levels.back().capacity = Bytes{static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                                 static_cast<double>(sysconf(_SC_PAGESIZE))};
  return levels;
}

constexpr std::array<NumberFormat, 4> kFormats{NumberFormat::fp32, NumberFormat::bf16,
                                               NumberFormat::fp16, NumberFormat::int8};

/// Square ones; of a few rows by a large matrix, as where tokens are generated.
constexpr std::array<MatmulSize, 7> kMatmuls{{{64, 64, 64},
                                              {128, 128, 128},
                                              {256, 256, 256},
                                              {512, 512, 512},
                                              {1024, 1024, 1024},
                                              {1, 4096, 4096},
                                              {16, 4096, 4096}}};

/// As networks for images have them: pointwise, windows, with strides, the first one, depthwise.
constexpr std::array<ConvolutionSize, 14> kConvolutions{{{56, 64, 64, 3, 1, 1},
                                                         {56, 64, 256, 1, 1, 1},
                                                         {28, 512, 128, 1, 1, 1},
                                                         {28, 128, 128, 3, 1, 1},
                                                         {14, 256, 256, 3, 1, 1},
                                                         {14, 1024, 256, 1, 1, 1},
                                                         {7, 512, 2048, 1, 1, 1},
                                                         {7, 512, 512, 3, 1, 1},
                                                         {224, 3, 64, 7, 2, 1},
                                                         {56, 128, 128, 3, 2, 1},
                                                         {112, 32, 32, 3, 1, 32},
                                                         {56, 128, 128, 3, 1, 128},
                                                         {14, 512, 512, 3, 1, 512},
                                                         {28, 256, 256, 5, 1, 256}}};

/// One and all; with time, powers of two between them, too.
std::vector<int> thread_counts(int cores, bool quick) {
  std::vector<int> counts{1};
  for (int threads = 2; !quick && threads < cores; threads *= 2)
    counts.push_back(threads);
  if (cores > 1) counts.push_back(cores);
  return counts;
}

/// On `threads` of all the `cores`. Where it must be quick, products by few rows by all alone.
void add_matmuls(int threads, int cores, bool quick, std::vector<KernelSetting>& settings) {
  const bool all = !quick || threads == cores;
  for (const NumberFormat format : kFormats) {
    for (const MatmulSize& size : kMatmuls) {
      if (all || size.m == size.n) settings.push_back({format, size, threads});
    }
  }
}

/// Where it must be quick, every second one in fp32 alone.
void add_convolutions(int threads, bool quick, std::vector<KernelSetting>& settings) {
  for (const NumberFormat format : kFormats) {
    const std::size_t step = quick && format != NumberFormat::fp32 ? 2 : 1;
    for (std::size_t i = 0; i < kConvolutions.size(); i += step)
      settings.push_back({format, kConvolutions[i], threads});
  }
}

/// Products first. Where it must be quick, convolutions by all threads alone.
std::vector<KernelSetting> kernel_settings(int cores, bool quick) {
  std::vector<KernelSetting> settings;
  const std::vector<int> counts = thread_counts(cores, quick);
  for (const int threads : counts)
    add_matmuls(threads, cores, quick, settings);
  for (const int threads : counts) {
    if (!quick || threads == cores) add_convolutions(threads, quick, settings);
  }
  return settings;
}

/// Takes the results of all streams.
void take_streams(std::vector<Repeated>::const_iterator& next, Bandwidths& bandwidths) {
  for (Repeated& one : bandwidths)
    one = *next++;
}

/// "model name" of /proc/cpuinfo; "unknown CPU" where there is none.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

}  // namespace

std::vector<std::size_t> level_ends(const std::vector<double>& latencies) {
  constexpr double kStep = 1.5;
  std::vector<std::size_t> ends;
  double base = latencies.empty() ? 0 : latencies.front();
  for (std::size_t i = 1; i < latencies.size(); ++i) {
    if (latencies[i] <= kStep * base) continue;
    ends.push_back(i - 1);
    // The steps between two plateaus are still the slope of one: the next level's base is its last.
    while (i + 1 < latencies.size() && latencies[i + 1] > kStep * latencies[i])
      ++i;
    base = latencies[i];
  }
  if (!latencies.empty()) ends.push_back(latencies.size() - 1);
  return ends;
}

MachineRounds::MachineRounds(const MachineLimits& limits,
                             std::function<void(std::string_view)> tell)
    : tell_(std::move(tell)), begin_(now()) {
  const std::vector<int> cores = usable_cores();
  machine_.load = load_average();
  machine_.date = today();
  machine_.cpu = cpu_name();
  machine_.cores = static_cast<int>(cores.size());
  machine_.library = kernel_library();
  tell_("levels of memory");
  const Seconds length{limits.quick ? 0.012 : 0.1};
  std::vector<std::function<Repeat()>> figures;
  machine_.levels = find_levels(cores, length, figures);
  for (const MemoryStream stream : kMemoryStreams)
    figures.emplace_back([=] { return stream_once(stream, kStreamed, cores, length); });
  KernelFigures kernels =
      kernel_figures(kernel_settings(machine_.cores, limits.quick), cores, length);
  machine_.kernels = std::move(kernels.kernels);
  std::move(kernels.rates.begin(), kernels.rates.end(), std::back_inserter(figures));
  figures.push_back(call_figure(cores));
  rounds_.emplace(std::move(figures), round_limits(limits.quick));
}

bool MachineRounds::measure() {
  tell_(fmt::format("memory and kernels, round {}", ++round_));
  return rounds_->measure();
}

MeasuredMachine MachineRounds::finish() {
  while (measure()) {
  }
  const std::vector<Repeated> results = rounds_->results();
  auto next = results.cbegin();
  for (MeasuredLevel& level : machine_.levels)
    take_streams(next, level.bandwidths);
  take_streams(next, machine_.memory_by_all);
  for (MeasuredKernel& kernel : machine_.kernels)
    kernel.rate = *next++;
  machine_.call = *next;
  const Instant end = now();
  machine_.wall = end.wall - begin_.wall;
  machine_.cpu_time = end.cpu - begin_.cpu;
  machine_.others = others_between(begin_, end);
  return machine_;
}

}  // namespace fastpath
