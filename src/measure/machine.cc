#include "measure/machine.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure/clock.h"

namespace fastpath {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kFirst = std::size_t{16} << 10;
constexpr std::size_t kLast = std::size_t{128} << 20;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

/// Zeroed, in large pages where they are to be had, so that the walk of page tables does not hide
/// the caches.
template <class T>
std::unique_ptr<T[], Free> array_of(std::size_t bytes) {
  const std::size_t size = (bytes + kLargePage - 1) / kLargePage * kLargePage;
  void* memory = std::aligned_alloc(kLargePage, size);
  madvise(memory, size, MADV_HUGEPAGE);
  std::fill_n(static_cast<unsigned char*>(memory), size, static_cast<unsigned char>(0));
  return std::unique_ptr<T[], Free>(static_cast<T*>(memory));
}

void pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  sched_setaffinity(0, sizeof set, &set);  // where it is not allowed, the thread stays unpinned
}

/// The results of loops, where the compiler cannot see that nobody reads them.
void keep(std::uint64_t value) { asm volatile("" : : "r"(value) : "memory"); }

/// Seconds of a load in a random cycle through all lines.
double chase(std::size_t bytes, double seconds) {
  const std::size_t lines = bytes / kLine;
  const auto next = array_of<std::size_t>(bytes);
  std::vector<std::size_t> order(lines);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(1);
  std::shuffle(order.begin(), order.end(), random);
  constexpr std::size_t kWords = kLine / sizeof(std::size_t);
  for (std::size_t i = 0; i < lines; ++i)
    next[order[i] * kWords] = order[(i + 1) % lines] * kWords;
  std::size_t at = 0;
  double best = 1;
  const double end = now().wall.base() + seconds;
  do {
    constexpr int kLoads = 20'000;
    const double before = now().wall.base();
    for (int i = 0; i < kLoads; ++i)
      at = next[at];
    keep(at);
    best = std::min(best, (now().wall.base() - before) / kLoads);
  } while (now().wall.base() < end);
  return best;
}

/// Sums an array through four registers, so that the adder is no limit.
std::uint64_t sum(const std::uint64_t* words, std::size_t count) {
  using Vector [[gnu::vector_size(16), gnu::aligned(16), gnu::may_alias]] = std::uint64_t;
  Vector a{};
  Vector b{};
  Vector c{};
  Vector d{};
  const auto* vectors = reinterpret_cast<const Vector*>(words);
  for (std::size_t i = 0; i + 3 < count / 2; i += 4) {
    a += vectors[i];
    b += vectors[i + 1];
    c += vectors[i + 2];
    d += vectors[i + 3];
  }
  a += b + c + d;
  return a[0] + a[1];
}

/// Bytes a second of a thread on `core` that reads an array of its own again and again.
double read_for(std::size_t bytes, int core, double seconds) {
  constexpr std::size_t kBetweenClocks = std::size_t{1} << 22;
  pin(core);
  const auto words = array_of<std::uint64_t>(bytes);
  const std::size_t count = bytes / sizeof(std::uint64_t);
  const std::size_t passes = std::max<std::size_t>(1, kBetweenClocks / bytes);
  keep(sum(words.get(), count));
  const double begin = now().wall.base();
  double end = begin;
  double done = 0;
  do {
    for (std::size_t pass = 0; pass < passes; ++pass)
      keep(sum(words.get(), count));
    done += static_cast<double>(passes * bytes);
    end = now().wall.base();
  } while (end - begin < seconds);
  return done / (end - begin);
}

/// Bytes a second of `threads` pinned threads together.
Repeat read_once(std::size_t bytes, int threads, double seconds) {
  std::vector<double> read(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  running.reserve(read.size());
  const Instant before = now();
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&read, i, bytes, seconds] {
      read[static_cast<std::size_t>(i)] = read_for(bytes, i, seconds);
    });
  }
  for (std::thread& thread : running)
    thread.join();
  return {std::accumulate(read.begin(), read.end(), 0.0), others_between(before, now())};
}

RepeatLimits repeats_of(const MachineLimits& limits) {
  RepeatLimits repeats;
  repeats.least = limits.quick ? 4 : 5;
  repeats.most = limits.quick ? 6 : 12;
  return repeats;
}

std::vector<MeasuredLevel> measure_levels(const MachineLimits& limits) {
  const double seconds = limits.quick ? 0.05 : 0.2;
  std::vector<double> latencies;
  for (std::size_t bytes = kFirst; bytes <= kLast; bytes *= 2)
    latencies.push_back(chase(bytes, seconds));
  std::vector<MeasuredLevel> levels;
  std::vector<std::function<Repeat()>> figures;
  std::size_t begin = 0;
  for (const std::size_t end : level_ends(latencies)) {
    MeasuredLevel level;
    level.main_memory = end + 1 == latencies.size();
    // In the middle of its sizes; main memory at the largest, farthest from any cache.
    level.latency = Seconds{latencies[level.main_memory ? end : (begin + end) / 2]};
    level.capacity = Bytes{static_cast<double>(kFirst << end)};
    const std::size_t array = level.main_memory ? kLast : kFirst << end >> 1;
    figures.emplace_back([array, seconds] { return read_once(array, 1, seconds); });
    levels.push_back(level);
    begin = end + 1;
  }
  const std::vector<Repeated> bandwidths = repeat_in_turns(figures, repeats_of(limits));
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i].bandwidth = bandwidths[i];
  levels.back().capacity = Bytes{static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                                 static_cast<double>(sysconf(_SC_PAGESIZE))};
  return levels;
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

/// Cores that this process may use.
int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
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

MeasuredMachine measure_machine(const MachineLimits& limits,
                                const std::function<void(std::string_view)>& tell) {
  const Instant begin = now();
  MeasuredMachine machine;
  machine.load = load_average();
  machine.date = today();
  machine.cpu = cpu_name();
  machine.cores = usable_cores();
  machine.library = matmul_library();
  tell("levels of memory");
  machine.levels = measure_levels(limits);
  tell("main memory");
  const double seconds = limits.quick ? 0.1 : 0.3;
  machine.memory_by_threads = repeat_in_turns(
      {[seconds] { return read_once(kLast, 1, seconds); },
       [seconds, cores = machine.cores] { return read_once(kLast, cores, seconds); }},
      repeats_of(limits));
  machine.matmuls = measure_matmuls(limits, machine.cores, tell);
  tell("a call");
  machine.call = measure_call(repeats_of(limits));
  const Instant end = now();
  machine.wall = end.wall - begin.wall;
  machine.cpu_time = end.cpu - begin.cpu;
  return machine;
}

}  // namespace fastpath
