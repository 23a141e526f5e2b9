/// Cores of this machine, and threads that stay on one.
#pragma once

#include <vector>

#include <sched.h>

namespace fastpath {

/// Numbers of the cores that the calling thread may use; at least one.
std::vector<int> usable_cores();

/// Keeps the calling thread on a core for as long as this lives, where that is allowed. Threads
/// that it makes meanwhile stay there for good.
class Pinned {
 public:
  explicit Pinned(int core);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_;
};

}  // namespace fastpath
