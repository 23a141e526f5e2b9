/// catalog/engines: serving engines, their defaults and their fitted constants.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "ir/serving.h"

namespace fastpath {

/// An engine, and for which generation of devices its constants are; empty = any other.
struct EngineEntry {
  Engine engine;
  std::string generation;
};

/// engines.csv: one row an engine, with its defaults. constants.csv: one row an engine and
/// generation: factors on the parts of an iteration, `step`, `sequence` and `request`, fitted by
/// `validate --of serving --constants`. An engine without constants has factors of 1 and no times
/// of its own. Errors: unknown columns and words, numbers out of range, constants of no engine.
Result<std::vector<EngineEntry>> read_engines(std::string_view engines, std::string_view constants);

/// The program's own tables.
Result<std::vector<EngineEntry>> embedded_engines();

/// The engine on devices of a generation: its constants, else those of all generations together.
/// Fails with a did-you-mean.
Result<Engine> engine_for(const std::vector<EngineEntry>& engines, const std::string& id,
                          const std::string& generation);

std::string_view name_of(EnginePart part);
std::string_view name_of(Batching batching);

/// A row of constants.csv for each entry, with the header.
std::string constants_csv(const std::vector<EngineEntry>& engines);

}  // namespace fastpath
