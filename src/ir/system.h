/// What a System is besides its fields: validity, and how it grows and shrinks.
#pragma once

#include <string>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/system.h"

namespace fastpath {

/// Mistakes in the figures of a device: a rate, size or time that is not positive, a value outside
/// its [low, high], a share outside (0, 1.25], a number format or memory named twice. A device
/// without figures is valid: it only has no data sheet.
std::vector<std::string> mistakes_in(const Device& device);

/// Mistakes in a system, those of its device included: a level without name or members, a torus
/// whose extents do not multiply to its count, a link without bandwidth, more than 1e9 devices.
std::vector<std::string> mistakes_in(const System& system);

/// The system with `count` devices: inner levels are filled first and the outermost may grow
/// beyond its count, except for a torus, which only has slices. Fails with the nearest counts that
/// are possible.
Result<System> with_device_count(System system, std::int64_t count);

/// A device by itself as a system.
System system_of(Device device);

}  // namespace fastpath
