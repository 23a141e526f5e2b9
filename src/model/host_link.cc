#include "model/host_link.h"

namespace fastpath {

TaskCost HostLinkModel::cost(Bytes payload) const {
  TaskCost cost;
  if (!known()) return cost;
  cost.network = payload / bandwidth_;
  cost.time = cost.network;
  cost.bound = Bound::network;
  cost.traffic = payload;
  return cost;
}

}  // namespace fastpath
