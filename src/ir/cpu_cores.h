/// The cores of a CPU or SoC as its catalog entry lists them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"

namespace fastpath {

struct CoreCluster {
  int cores = 0;
  std::string core;  ///< "Cortex-A53"
  Hertz clock;
};

/// "4xCortex-A73@2.2GHz|2xCortex-A53@1.8GHz". What is not of that form is left out.
std::vector<CoreCluster> core_clusters(std::string_view text);

}  // namespace fastpath
