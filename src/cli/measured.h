/// Measurements for verbs: the catalog's or the user's, with their devices.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/sources.h"
#include "ir/measurement.h"
#include "validate/calibrate.h"

namespace fastpath::cli {

struct Measured {
  std::vector<Measurement> rows;
  DeviceTable devices;  ///< those with a data sheet
  Diagnostics warnings;
  std::string folder;  ///< of the published measurements; empty: the user's own files
};

/// The files among the operands, or the catalog's published measurements where there are none:
/// FASTPATH_MEASUREMENTS, beside the installed program, or in the source tree of a build. `kinds`
/// and `device` keep only those rows; empty keeps all.
Result<Measured> measured_from(const Session& session, const Arguments& arguments,
                               const std::vector<std::string>& kinds, const std::string& device);

/// Paths of published files, from the same places. Fails where none of `names` is installed.
Result<std::vector<std::string>> published_files(const Session& session,
                                                 std::span<const std::string_view> names);

}  // namespace fastpath::cli
