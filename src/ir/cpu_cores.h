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

/// Whether a microcontroller's core issues two instructions a cycle: Arm's technical reference
/// manuals of Cortex-M7 and Cortex-M85. The M55 pairs few of them.
bool issues_two(std::string_view core);

}  // namespace fastpath
