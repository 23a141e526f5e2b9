/// The system that a measurement of this machine says it is.
#pragma once

#include <string>

#include "fastpath/system.h"

#include "measure/machine.h"

namespace fastpath::cli {

/// Peaks are the fastest kernel of each format; parameters of the operator model (Device::kernels)
/// are fitted to the products and convolutions of all threads together, with 90 % intervals of
/// shapes that a refit had not seen. Figures have four digits.
System system_of(const MeasuredMachine& machine, const std::string& name);

}  // namespace fastpath::cli
