/// Memory to measure on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastpath {

/// Zeroed memory in pages of its own: what depends on the pages that a process happens to get
/// differs between repeats, too. Large ones where they are to be had, so that the walk of page
/// tables does not hide the caches.
class Array {
 public:
  explicit Array(std::size_t bytes);
  ~Array();
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::uint64_t* words() const { return words_; }

 private:
  std::size_t size_;
  void* memory_;
  std::uint64_t* words_;
};

/// The results of loops, where the compiler cannot see that nobody reads them.
inline void keep(std::uint64_t value) { asm volatile("" : : "r"(value) : "memory"); }

}  // namespace fastpath
