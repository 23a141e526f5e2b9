#include "serve/kv_pool.h"

#include "base/check.h"

namespace fastpath {

void KvPool::make_room(std::int64_t blocks) {
  while (kept_ > 0 && used_ + kept_ + blocks > capacity_) {
    const auto oldest = idle_.begin();
    contents_.erase(oldest->second);
    idle_.erase(oldest);
    kept_ -= chunk_blocks_;
  }
}

bool KvPool::take(std::int64_t blocks) {
  if (blocks > available()) return false;
  make_room(blocks);
  used_ += blocks;
  return true;
}

void KvPool::give_back(std::int64_t blocks) {
  FP_CHECK(blocks <= used_);
  used_ -= blocks;
}

std::size_t KvPool::known(std::span<const std::uint64_t> names) const {
  std::size_t count = 0;
  while (count < names.size() && contents_.contains(names[count]))
    ++count;
  return count;
}

std::int64_t KvPool::blocks_to_hold(std::span<const std::uint64_t> names) const {
  std::int64_t blocks = 0;
  for (const std::uint64_t name : names) {
    const auto found = contents_.find(name);
    if (found != contents_.end() && found->second.holders == 0) blocks += chunk_blocks_;
  }
  return blocks;
}

void KvPool::hold(std::span<const std::uint64_t> names) {
  for (const std::uint64_t name : names) {
    Content& content = contents_.at(name);
    if (content.holders++ > 0) continue;
    idle_.erase({content.used, name});
    kept_ -= chunk_blocks_;
    used_ += chunk_blocks_;
  }
}

std::int64_t KvPool::publish(std::span<const std::uint64_t> names) {
  std::int64_t freed = 0;
  for (const std::uint64_t name : names) {
    const auto [found, added] = contents_.try_emplace(name);
    if (added) {
      found->second.holders = 1;
      continue;
    }
    hold({&name, 1});
    give_back(chunk_blocks_);
    freed += chunk_blocks_;
  }
  return freed;
}

void KvPool::release(std::span<const std::uint64_t> names) {
  // The end of a prompt is of less use than its beginning: it goes first.
  for (std::size_t i = names.size(); i-- > 0;) {
    Content& content = contents_.at(names[i]);
    if (--content.holders > 0) continue;
    content.used = ++clock_;
    idle_.insert({content.used, names[i]});
    used_ -= chunk_blocks_;
    kept_ += chunk_blocks_;
  }
}

}  // namespace fastpath
