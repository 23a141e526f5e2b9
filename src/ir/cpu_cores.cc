#include "ir/cpu_cores.h"

#include "base/text.h"

namespace fastpath {

std::vector<CoreCluster> core_clusters(std::string_view text) {
  std::vector<CoreCluster> clusters;
  for (const std::string_view part : split(text, '|')) {
    const std::size_t times = part.find('x');
    const std::size_t at = part.rfind('@');
    if (times == part.npos || at == part.npos || at < times || !part.ends_with("GHz")) continue;
    const auto cores = parse_integer(part.substr(0, times));
    const auto clock = parse_number(part.substr(at + 1, part.size() - at - 4));
    if (!cores || *cores < 1 || *cores > 100'000 || !clock || !(*clock > 0)) continue;
    clusters.push_back({static_cast<int>(*cores),
                        std::string(part.substr(times + 1, at - times - 1)), Hertz{*clock * 1e9}});
  }
  return clusters;
}

bool issues_two(std::string_view core) { return core == "Cortex-M7" || core == "Cortex-M85"; }

}  // namespace fastpath
