/// Adapters in a replica's memory: those in use by running sequences, and those kept for others.
#pragma once

#include <cstdint>
#include <unordered_map>

namespace fastpath {

/// Never holds more adapters than slots. One that no sequence uses stays until its slot is needed,
/// least recently used first. Negative names are the model alone, which needs no slot.
class AdapterPool {
 public:
  explicit AdapterPool(std::int64_t slots) : slots_(slots) {}

  /// Whether it is here, or a slot can be had for it.
  bool can_hold(std::int32_t adapter) const;
  bool is_here(std::int32_t adapter) const { return here_.contains(adapter); }

  /// A sequence uses it from now on; can_hold(adapter). Whether it had to be loaded.
  bool hold(std::int32_t adapter);
  void release(std::int32_t adapter);

  std::int64_t count() const { return static_cast<std::int64_t>(here_.size()); }

 private:
  struct State {
    std::int64_t users = 0;
    std::uint64_t used = 0;  ///< when last
  };

  void evict_one();

  std::int64_t slots_;
  std::int64_t idle_ = 0;  ///< adapters here without users
  std::uint64_t clock_ = 0;
  std::unordered_map<std::int32_t, State> here_;
};

}  // namespace fastpath
