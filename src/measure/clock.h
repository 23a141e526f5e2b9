/// Wall and CPU time of this process, and how busy the machine is besides.
#pragma once

#include <string>

#include "fastpath/quantity.h"

namespace fastpath {

struct Instant {
  Seconds wall;
  Seconds cpu;   ///< of all threads of this process
  Seconds busy;  ///< of all cores, this process included; what a hypervisor took counts
};

Instant now();

Seconds wall_time();
Seconds thread_time();  ///< CPU time of the calling thread

/// Cores' worth of work that was not this process's between two instants.
double others_between(const Instant& from, const Instant& to);

/// One minute's load average; 0 where it is not known.
double load_average();

/// "2026-11-24", of today.
std::string today();

}  // namespace fastpath
