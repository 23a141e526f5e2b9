#include "measure/clock.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include <time.h>
#include <unistd.h>

namespace fastpath {
namespace {

Seconds read_clock(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return Seconds{static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec)};
}

Seconds tick() { return Seconds{1 / static_cast<double>(sysconf(_SC_CLK_TCK))}; }

/// /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal in ticks of all cores.
Seconds busy_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  file >> word;
  std::array<double, 8> ticks{};
  for (double& one : ticks)
    file >> one;
  if (!file) return {};
  const double busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
  return busy * tick();
}

}  // namespace

Instant now() { return {wall_time(), process_time(), busy_time(), tick()}; }

Seconds wall_time() { return read_clock(CLOCK_MONOTONIC); }

Seconds thread_time() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

Seconds process_time() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

Seconds thread_delay() {
  std::ifstream file("/proc/thread-self/schedstat");  // ns on a core, ns ready without one
  double running = 0;
  double waiting = 0;
  file >> running >> waiting;
  return file ? Seconds{1e-9 * waiting} : Seconds{};
}

double others_between(const Instant& from, const Instant& to) {
  const Seconds wall = to.wall - from.wall;
  if (wall <= Seconds{}) return 0;
  const Seconds busy = to.busy - from.busy;
  // A tick is charged whole to what runs as it ends, on each busy core, and the sums are cut to
  // ticks.
  const Seconds uncertain = (1 + busy / wall) * to.tick;
  return std::max(0.0, (busy - (to.cpu - from.cpu) - uncertain) / wall);
}

double taken_from(int threads, Seconds wall, Seconds cpu) {
  return wall <= Seconds{} ? 0 : std::max(0.0, threads - cpu / wall);
}

double load_average() {
  std::array<double, 1> load{};
  return getloadavg(load.data(), 1) == 1 ? load[0] : 0;
}

std::string today() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 16> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return {text.data(), length};
}

}  // namespace fastpath
