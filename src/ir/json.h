/// JSON of the nouns that have no YAML form. Keys carry units ("step_s", "weights_B"); the key
/// "schema" names noun and version. Doubles are written so that they read back exactly.
///
/// Readers refuse unknown and missing keys, wrong types, indexes out of range, and texts that are
/// larger than 64 MiB or nested deeper than 64; a mistake has its place and the path of its key.
/// Values that JSON cannot hold (not finite, invalid UTF-8) are written as null and U+FFFD.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/findings.h"
#include "fastpath/prediction.h"
#include "fastpath/program.h"
#include "fastpath/result.h"
#include "fastpath/timeline.h"

namespace fastpath {

std::string to_json_text(const Program& program);        ///< "fastpath.program/1"
std::string to_json_text(const Prediction& prediction);  ///< "fastpath.prediction/1"
std::string to_json_text(const Timeline& timeline);      ///< "fastpath.timeline/1", by columns
/// "fastpath.findings-columns/1": columns with their units, unlike the report for other programs
/// (src/report), which has a key per column and row.
std::string to_json_text(const Findings& findings);

Result<Program> program_from_json(std::string_view text, const std::string& file);
Result<Prediction> prediction_from_json(std::string_view text, const std::string& file);
Result<Timeline> timeline_from_json(std::string_view text, const std::string& file);
Result<Findings> findings_from_json(std::string_view text, const std::string& file);

}  // namespace fastpath
