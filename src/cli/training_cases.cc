#include "cli/training_cases.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "fastpath/fastpath.h"

#include "cli/measured.h"
#include "cli/sources.h"
#include "import/training/rows.h"
#include "ir/system.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 64u << 20;

/// Systems by name and number of devices, each made once.
class Systems {
 public:
  explicit Systems(const Sources& sources) : sources_(sources) {}

  Result<System> of(const TrainingRun& run) {
    const std::pair key{run.system, run.devices};
    auto found = systems_.find(key);
    if (found == systems_.end()) {
      Result<System> system = sources_.system(run.system);
      if (system) system = with_device_count(std::move(*system), run.devices);
      if (!system) return system;
      found = systems_.emplace(key, std::move(*system)).first;
    }
    return found->second;
  }

 private:
  const Sources& sources_;
  std::map<std::pair<std::string, std::int64_t>, System> systems_;
};

/// Puts each run on its system.
Result<TrainingCases> cases_from(const Sources& sources, TrainingRows rows) {
  TrainingCases result;
  result.unscored = std::move(rows.unscored);
  Diagnostics mistakes;
  Systems systems(sources);
  const auto legal_case = [&](TrainingRun& run) -> std::optional<TrainingCase> {
    Result<System> system = systems.of(run);
    if (!system) {
      mistakes.insert(mistakes.end(), system.error().begin(), system.error().end());
      return std::nullopt;
    }
    const auto step = predict(*run.workload, *system, run.plan);
    if (!step) {
      result.unscored.push_back({run.id, step.error().front().what});
      return std::nullopt;
    }
    return TrainingCase{std::move(run), std::move(*system)};
  };
  for (TrainingRun& run : rows.runs) {
    if (auto one = legal_case(run)) result.cases.push_back(std::move(*one));
  }
  for (MemoryRun& run : rows.memory) {
    if (auto one = legal_case(run.run))
      result.memory.push_back({std::move(*one), run.counted, run.peak});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return result;
}

}  // namespace

Result<TrainingCases> read_training(const Session& session, const Arguments& arguments,
                                    std::string_view published) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return failure(sources.error());
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) {
    const std::array names{published};
    auto found = published_files(session, names);
    if (!found) return failure(found.error());
    files = std::move(*found);
  }
  TrainingRows rows;
  for (const std::string& file : files) {
    const Result<std::string> text = read_file(file, kMostBytes);
    if (!text) return failure(text.error());
    auto read = sources->training_rows(*text, file);
    if (!read) return failure(read.error());
    const auto append = [](auto& all, auto& some) {
      all.insert(all.end(), std::make_move_iterator(some.begin()),
                 std::make_move_iterator(some.end()));
    };
    append(rows.runs, read->runs);
    append(rows.memory, read->memory);
    append(rows.unscored, read->unscored);
  }
  return cases_from(*sources, std::move(rows));
}

}  // namespace fastpath::cli
