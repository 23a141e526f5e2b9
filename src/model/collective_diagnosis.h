/// Which mis-setting would explain measured collectives.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fastpath/program.h"
#include "fastpath/system.h"

#include "model/collective_model.h"
#include "model/network_model.h"

namespace fastpath {

struct MeasuredCollective {
  Bytes bytes;
  Seconds time;
};

/// The measurements under one hypothesis.
struct CollectiveExplanation {
  std::string name;   ///< "as expected", "NVLS not used", ...
  std::string check;  ///< what to look at
  double misfit = 0;  ///< median |log(measured / predicted)|
  double ratio = 1;   ///< median measured / predicted
};

/// Explanations, the best first. One that is not "as expected" leads only if it halves the misfit
/// and the expected times are off by more than 15 %: model error alone reaches that.
std::vector<CollectiveExplanation> explain_collectives(const NetworkModel& network,
                                                       Collective collective, Group group,
                                                       std::span<const MeasuredCollective> measured,
                                                       const CollectiveOptions& options = {});

}  // namespace fastpath
