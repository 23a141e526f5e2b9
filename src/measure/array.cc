#include "measure/array.h"

#include <algorithm>
#include <memory>

#include <sys/mman.h>

#include "base/check.h"

namespace fastpath {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

}  // namespace

Array::Array(std::size_t bytes) : size_(bytes + kLargePage) {
  memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FP_CHECK(memory_ != MAP_FAILED);  // the program ends, as where new fails
  madvise(memory_, size_, MADV_HUGEPAGE);
  void* at = memory_;
  std::size_t room = size_;
  words_ = static_cast<std::uint64_t*>(std::align(kLargePage, bytes, at, room));
  std::fill_n(words_, bytes / sizeof(std::uint64_t), 0);
}

Array::~Array() { munmap(memory_, size_); }

}  // namespace fastpath
