/// The paged KV pool of a replica: blocks of running sequences, and contents that are kept for
/// prompts to come.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

namespace fastpath {

/// Counts blocks; never hands out more than `capacity`. Contents are named chunks of whole blocks:
/// in use while a sequence holds them, else kept until their room is needed, least recently used
/// first.
class KvPool {
 public:
  /// `chunk_blocks`: blocks of a named chunk; at least 1.
  KvPool(std::int64_t capacity, std::int64_t chunk_blocks)
      : capacity_(capacity), chunk_blocks_(chunk_blocks) {}

  std::int64_t capacity() const { return capacity_; }
  /// Blocks that sequences hold, each shared one once.
  std::int64_t used() const { return used_; }
  /// Blocks that can be had, kept contents given up.
  std::int64_t available() const { return capacity_ - used_; }
  /// Held and kept.
  std::int64_t occupied() const { return used_ + kept_; }

  /// Takes blocks of a sequence's own; false, and takes none, where there are too few.
  bool take(std::int64_t blocks);
  void give_back(std::int64_t blocks);

  /// How many leading names are here.
  std::size_t known(std::span<const std::uint64_t> names) const;

  /// Holds the names, all of which are known: blocks that it takes, or that of `known` it would.
  void hold(std::span<const std::uint64_t> names);
  std::int64_t blocks_to_hold(std::span<const std::uint64_t> names) const;

  /// Turns a sequence's own blocks into held contents. Returns the blocks that this frees: copies
  /// of contents that are here already.
  std::int64_t publish(std::span<const std::uint64_t> names);

  /// No longer holds the names; they are kept.
  void release(std::span<const std::uint64_t> names);

 private:
  struct Content {
    std::int64_t holders = 0;
    std::uint64_t used = 0;  ///< when last; the key in `idle_`
  };

  void make_room(std::int64_t blocks);

  std::int64_t capacity_;
  std::int64_t chunk_blocks_;
  std::int64_t used_ = 0;
  std::int64_t kept_ = 0;
  std::uint64_t clock_ = 0;
  std::unordered_map<std::uint64_t, Content> contents_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> idle_;  ///< (used, name)
};

}  // namespace fastpath
