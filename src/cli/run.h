/// The program, apart from its process.
#pragma once

#include <string>
#include <vector>

#include "cli/session.h"

namespace fastpath::cli {

/// Runs `fastpath words...` and returns its exit code.
int run(const std::vector<std::string>& words, World world);

}  // namespace fastpath::cli
