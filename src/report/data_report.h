/// Findings for programs: JSON and CSV.
#pragma once

#include <string>

#include "fastpath/findings.h"

namespace fastpath {

/// Version of the JSON that json_report writes, as in its key "schema". A key that goes or changes
/// its meaning makes a new version; new keys do not.
inline constexpr std::string_view kFindingsSchema = "fastpath.findings/1";

/// One object: schema, title, tables (by name: an array with an object per row), notes. Keys carry
/// the unit ("time_s"); numbers are in base units and exact; an empty cell is null. Ends with a
/// newline. Always valid JSON.
std::string json_report(const Findings& findings);

/// All tables, each after a line "# name"; the header carries the units. RFC 4180 quoting, except
/// that lines end with "\n".
std::string csv_report(const Findings& findings);

}  // namespace fastpath
