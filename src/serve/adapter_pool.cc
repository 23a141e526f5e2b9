#include "serve/adapter_pool.h"

#include "base/check.h"

namespace fastpath {

bool AdapterPool::can_hold(std::int32_t adapter) const {
  return adapter < 0 || is_here(adapter) || count() < slots_ || idle_ > 0;
}

void AdapterPool::evict_one() {
  auto oldest = here_.end();
  for (auto one = here_.begin(); one != here_.end(); ++one) {
    if (one->second.users > 0) continue;
    if (oldest == here_.end() || one->second.used < oldest->second.used) oldest = one;
  }
  FP_CHECK(oldest != here_.end());
  here_.erase(oldest);
  --idle_;
}

bool AdapterPool::hold(std::int32_t adapter) {
  if (adapter < 0) return false;
  const auto found = here_.find(adapter);
  if (found != here_.end()) {
    if (found->second.users++ == 0) --idle_;
    return false;
  }
  if (count() == slots_) evict_one();
  FP_CHECK(count() < slots_);
  here_[adapter].users = 1;
  return true;
}

void AdapterPool::release(std::int32_t adapter) {
  if (adapter < 0) return;
  State& state = here_.at(adapter);
  FP_CHECK(state.users > 0);
  state.used = ++clock_;
  if (--state.users == 0) ++idle_;
}

}  // namespace fastpath
