#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace fastpath {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: %s is false. Please report this.\n", file, line,
               condition);
  constexpr int kExitOurBug = 70;
  std::_Exit(kExitOurBug);
}

}  // namespace fastpath
