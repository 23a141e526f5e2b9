#include "cli/input.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/units.h"
#include "import/catalog/store_rates.h"
#include "import/yaml/input_pipeline.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 1U << 20U;

constexpr std::array<Flag, 1> kInputFlags{{
    {"input", FlagKind::file, "FILE.yaml",
     "training: the input pipeline that feeds the step (docs/guide/storage.md)", "", false},
}};

/// A system's first store with a read rate.
const Storage* store_of(const System& system) {
  const auto found = std::find_if(system.storage.begin(), system.storage.end(),
                                  [](const Storage& storage) { return storage.read.has_value(); });
  return found == system.storage.end() ? nullptr : &*found;
}

/// Fills in what a pipeline leaves to the system.
void complete(InputPipeline& pipeline, const System& system, std::vector<std::string>& notes) {
  const Storage* const store = store_of(system);
  if (!(pipeline.store.sequential > BytesPerSecond{}) && store != nullptr) {
    pipeline.store.sequential = store->read->value;
    notes.push_back(fmt::format("Input: the system's store {}, {} at its data sheet's rate.",
                                store->name, format_quantity(store->read->value)));
  }
  if (!(pipeline.copy > BytesPerSecond{}) && system.host.link) {
    pipeline.copy = system.host.link->value;
    notes.push_back(fmt::format("Input: samples are copied over the host's link, {} a device.",
                                format_quantity(system.host.link->value)));
  }
}

}  // namespace

std::span<const Flag> input_flags() { return kInputFlags; }

Result<InputPipeline> input_pipeline_from(const std::string& file, const Sources& sources) {
  const Result<std::string> text = read_file(file, kMostBytes);
  if (!text) return failure(text.error());
  return read_input_pipeline(*text, file, [&](std::string_view name, const Place& place) {
    return store_rates(sources.entries(), name, place);
  });
}

Result<std::optional<InputPipeline>> input_from(const Sources& sources, const Arguments& arguments,
                                                const Scenario& scenario,
                                                std::vector<std::string>& notes) {
  auto file = arguments.text("input");
  const bool training = scenario.workload.phase == Phase::training;
  if (!file && !scenario.input.empty()) {
    if (training) file = scenario.input;
    if (!training) notes.emplace_back("The plan's input pipeline feeds training steps: left out.");
  }
  if (!file) return std::optional<InputPipeline>();
  Diagnostics mistakes;
  if (!training) {
    mistakes.push_back({command_line(), "--input feeds training steps", "add --train"});
  }
  Result<InputPipeline> pipeline = input_pipeline_from(*file, sources);
  if (!pipeline) {
    mistakes.insert(mistakes.end(), pipeline.error().begin(), pipeline.error().end());
  } else {
    complete(*pipeline, scenario.system, notes);
    if (!(pipeline->store.sequential > BytesPerSecond{})) {
      mistakes.push_back({{.file = *file}, "no store is known", "write store: {read: 7 GB/s}"});
    }
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return std::optional(*pipeline);
}

}  // namespace fastpath::cli
