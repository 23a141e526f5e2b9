/// Copies between a device and its host.
#pragma once

#include "fastpath/system.h"

#include "model/device_model.h"

namespace fastpath {

/// Time of copies over the link between host and device, each direction on its own. Without a
/// figure of the link in the catalog copies cannot be costed.
class HostLinkModel {
 public:
  explicit HostLinkModel(const System& system) {
    if (system.host.link) bandwidth_ = system.host.link->value;
  }

  bool known() const { return bandwidth_ > BytesPerSecond{}; }

  /// Valid if known().
  TaskCost cost(Bytes payload) const;

 private:
  BytesPerSecond bandwidth_;  ///< of large copies, per direction; 0 = not known
};

}  // namespace fastpath
