/// FP_CHECK: for our own bugs only. A user's mistake is a Result, never a check.
#pragma once

namespace fastpath {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace fastpath

#define FP_CHECK(condition)                                                     \
  do {                                                                          \
    if (!(condition)) ::fastpath::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
