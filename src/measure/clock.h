/// Wall and CPU time of this process, and how busy the machine is besides.
#pragma once

#include <string>

#include "fastpath/quantity.h"

namespace fastpath {

struct Instant {
  Seconds wall;
  Seconds cpu;        ///< of all threads of this process
  Seconds busy;       ///< of all cores, this process included; what a hypervisor took counts
  Seconds tick = {};  ///< in which `busy` is counted
};

/// Reads a file of the kernel's: not for loops that are timed.
Instant now();

Seconds wall_time();
Seconds thread_time();   ///< CPU time of the calling thread
Seconds process_time();  ///< CPU time of all threads of this process

/// In which the calling thread was ready to run and had no core; 0 where the kernel does not count
/// it. Reads a file of the kernel's.
Seconds thread_delay();

/// Cores' worth of work that was not this process's between two instants, as far as the ticks prove
/// it: within a tenth of a second they show little less than a busy core.
double others_between(const Instant& from, const Instant& to);

/// Cores' worth that others took from `threads` threads with a core each that never wait, by the
/// CPU time that those used. True of milliseconds, too.
double taken_from(int threads, Seconds wall, Seconds cpu);

/// One minute's load average; 0 where it is not known.
double load_average();

/// "2026-11-24", of today.
std::string today();

}  // namespace fastpath
