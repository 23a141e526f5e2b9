#include "model/memory_overhead.h"

namespace fastpath {

MemoryOverhead memory_overhead(const Device& device) {
  MemoryOverhead overhead;
  if (device.kind != "gpu") return overhead;
  constexpr double kMegabyte = 1e6;
  constexpr double kLostOfReserved = 0.15;
  overhead.context = Bytes{300 * kMegabyte};
  overhead.pair = Bytes{(544 - 300) * kMegabyte};
  overhead.communicator = Bytes{(688 - 300) * kMegabyte};
  overhead.fragmentation = kLostOfReserved / (1 - kLostOfReserved);
  return overhead;
}

}  // namespace fastpath
