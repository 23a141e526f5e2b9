#include "measure/machine.h"

#include <algorithm>
#include <barrier>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "measure/clock.h"
#include "measure/cores.h"

namespace fastpath {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kFirst = std::size_t{16} << 10;
constexpr std::size_t kLast = std::size_t{128} << 20;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

/// Zeroed memory in pages of its own: what depends on the pages that a process happens to get
/// differs between repeats, too. Large ones where they are to be had, so that the walk of page
/// tables does not hide the caches.
class Array {
 public:
  explicit Array(std::size_t bytes) : size_(bytes + kLargePage) {
    memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FP_CHECK(memory_ != MAP_FAILED);  // the program ends, as where new fails
    madvise(memory_, size_, MADV_HUGEPAGE);
    void* at = memory_;
    std::size_t room = size_;
    words_ = static_cast<std::uint64_t*>(std::align(kLargePage, bytes, at, room));
    std::fill_n(words_, bytes / sizeof(std::uint64_t), 0);
  }
  ~Array() { munmap(memory_, size_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::uint64_t* words() const { return words_; }

 private:
  std::size_t size_;
  void* memory_;
  std::uint64_t* words_;
};

/// The results of loops, where the compiler cannot see that nobody reads them.
void keep(std::uint64_t value) { asm volatile("" : : "r"(value) : "memory"); }

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

struct ThreadReads {
  double bytes = 0;
  Seconds begin;
  Seconds end;
  Seconds cpu;
};

/// A thread on `core` that reads an array of its own again and again, once all are ready.
ThreadReads read_for(std::size_t bytes, int core, Seconds length, std::barrier<>& ready) {
  constexpr std::size_t kBetweenClocks = std::size_t{1} << 22;
  const Pinned here(core);
  const Array array(bytes);
  const std::size_t part = std::min(bytes, kBetweenClocks);
  const std::size_t words = part / sizeof(std::uint64_t);
  const std::size_t passes = kBetweenClocks / part;
  keep(sum(array.words(), bytes / sizeof(std::uint64_t)));
  ready.arrive_and_wait();
  ThreadReads tally;
  const Seconds cpu = thread_time();
  tally.begin = wall_time();
  std::size_t at = 0;
  do {
    for (std::size_t pass = 0; pass < passes; ++pass)
      keep(sum(array.words() + at, words));
    at = (at + words) % (bytes / sizeof(std::uint64_t));
    tally.bytes += static_cast<double>(passes * part);
    tally.end = wall_time();
  } while (tally.end - tally.begin < length);
  tally.cpu = thread_time() - cpu;
  return tally;
}

/// Bytes a second of a thread on each of the cores together.
Repeat read_once(std::size_t bytes, const std::vector<int>& cores, Seconds length) {
  std::vector<ThreadReads> tallies(cores.size());
  std::barrier<> ready(static_cast<std::ptrdiff_t>(cores.size()));
  std::vector<std::thread> running;
  running.reserve(cores.size());
  for (std::size_t i = 0; i < cores.size(); ++i) {
    running.emplace_back([&, i] { tallies[i] = read_for(bytes, cores[i], length, ready); });
  }
  for (std::thread& thread : running)
    thread.join();
  ThreadReads all = tallies.front();
  for (std::size_t i = 1; i < tallies.size(); ++i) {
    all.bytes += tallies[i].bytes;
    all.cpu += tallies[i].cpu;
    all.begin = std::min(all.begin, tallies[i].begin);
    all.end = std::max(all.end, tallies[i].end);
  }
  const Seconds wall = all.end - all.begin;
  return {all.bytes / wall.base(), taken_from(static_cast<int>(cores.size()), wall, all.cpu)};
}

/// By one thread, on the cores in turns.
std::function<Repeat()> read_figure(std::size_t bytes, const std::vector<int>& cores,
                                    Seconds length) {
  return [bytes, cores, length, turn = std::size_t{0}]() mutable {
    return read_once(bytes, {cores[turn++ % cores.size()]}, length);
  };
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
    figures.push_back(read_figure(level.main_memory ? kLast : kFirst << end >> 1, cores, length));
    levels.push_back(level);
    begin = end + 1;
  }
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
  machine_.library = matmul_library();
  tell_("levels of memory");
  const Seconds length{limits.quick ? 0.025 : 0.2};
  std::vector<std::function<Repeat()>> figures;
  machine_.levels = find_levels(cores, length, figures);
  figures.emplace_back([cores, length] { return read_once(kLast, cores, length); });
  MatmulFigures matmuls = matmul_figures(cores, length);
  machine_.matmuls = std::move(matmuls.matmuls);
  std::move(matmuls.rates.begin(), matmuls.rates.end(), std::back_inserter(figures));
  figures.push_back(call_figure(cores));
  rounds_.emplace(std::move(figures), round_limits(limits.quick));
}

bool MachineRounds::measure() {
  tell_(fmt::format("memory and matmuls, round {}", ++round_));
  return rounds_->measure();
}

MeasuredMachine MachineRounds::finish() {
  while (measure()) {
  }
  const std::vector<Repeated> results = rounds_->results();
  auto next = results.begin();
  for (MeasuredLevel& level : machine_.levels)
    level.bandwidth = *next++;
  machine_.memory_by_all = *next++;
  for (MeasuredMatmul& matmul : machine_.matmuls)
    matmul.rate = *next++;
  machine_.call = *next;
  const Instant end = now();
  machine_.wall = end.wall - begin_.wall;
  machine_.cpu_time = end.cpu - begin_.cpu;
  machine_.others = others_between(begin_, end);
  return machine_;
}

}  // namespace fastpath
