#include "cli/what_if.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/emit.h"
#include "cli/verb.h"
#include "import/trace/trace.h"
#include "whatif/what_if.h"

namespace fastpath::cli {
namespace {

/// In small letters.
std::vector<std::string> words_of_name(const std::string& name) {
  std::vector<std::string> found(1);
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_' || c == '/') {
      found.emplace_back();
    } else {
      found.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  std::erase(found, "");
  return found;
}

/// Devices that kernels' times are scaled by. `from` is kept for all ranks of one device.
class Devices {
 public:
  Devices(const Sources& sources, const Edits& edits, std::string named)
      : sources_(sources), edits_(edits), named_(std::move(named)) {}

  Result<SwapDevices> of(const Trace& trace) {
    if (!edits_.models()) return SwapDevices{};
    if (!from_ || (named_.empty() && trace.device_name != name_)) {
      const Result<Device> found = recorded_on(trace);
      if (!found) return failure(found.error());
      from_ = *found;
      name_ = trace.device_name;
    }
    if (edits_.device.empty()) return SwapDevices{&*from_, &*from_};
    if (!to_) {
      const Result<System> system = sources_.system(edits_.device);
      if (!system) return failure(system.error());
      to_ = system->device;
    }
    return SwapDevices{&*from_, &*to_};
  }

  std::string note() const {
    if (!from_) return {};
    return to_ ? fmt::format("From {} to {}.", from_->id, to_->id)
               : fmt::format("Kernels' times by the cost functions of {}.", from_->id);
  }

 private:
  Result<Device> recorded_on(const Trace& trace) const {
    if (!named_.empty()) {
      const Result<System> system = sources_.system(named_);
      if (!system) return failure(system.error());
      return system->device;
    }
    if (const auto device = device_of_driver(sources_, trace.device_name)) return *device;
    return failure(
        {.file = trace.title},
        trace.device_name.empty()
            ? std::string("the trace does not say which device it was recorded on")
            : fmt::format("the catalog has no device called {}", in_quotes(trace.device_name)),
        "name one of the catalog: --device nvidia-h100-sxm-80gb");
  }

  const Sources& sources_;
  const Edits& edits_;
  std::string named_;
  std::string name_;
  std::optional<Device> from_;
  std::optional<Device> to_;
};

}  // namespace

std::optional<Device> device_of_driver(const Sources& sources, const std::string& name) {
  const std::vector<std::string> words = words_of_name(name);
  for (std::size_t count = std::min<std::size_t>(3, words.size()); count > 0; --count) {
    for (std::size_t first = 0; first + count <= words.size(); ++first) {
      std::string joined = words[first];
      for (std::size_t i = first + 1; i < first + count; ++i)
        joined += "-" + words[i];
      // "rtx" or "instinct" alone name no device, and no file is meant.
      const bool numbered = joined.find_first_of("0123456789") != std::string::npos;
      if (!numbered || joined.find('.') != std::string::npos) continue;
      const Result<System> system = sources.system(joined);
      if (system && system->device.has_data_sheet()) return system->device;
    }
  }
  return std::nullopt;
}

int run_what_if(Session& session, const Arguments& arguments, std::span<const std::string> files,
                const AnalyzeOptions& options) {
  const std::string text = arguments.text_or("what-if", "");
  Diagnostics mistakes;
  for (const char* const flag : {"annotate", "measurements", "window"}) {
    if (!arguments.has(flag)) continue;
    mistakes.push_back({command_line(), fmt::format("--{} and --what-if exclude each other", flag),
                        "the replay is instead of the analysis: ask for one, then the other"});
  }
  const Result<Edits> edits = parse_edits(text);
  if (!edits) mistakes.insert(mistakes.end(), edits.error().begin(), edits.error().end());
  if (!mistakes.empty()) return session.fail(mistakes);
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  Devices devices(*sources, *edits, arguments.text_or("device", ""));
  std::vector<WhatIf> ranks;
  for (const std::string& file : files) {
    session.progress(fmt::format("replaying {} ({} of {})", file, ranks.size() + 1, files.size()));
    const Result<Imported<Trace>> trace = read_trace(file, {.functions = false});
    if (!trace) return session.fail(trace.error());
    session.warn(trace->warnings);
    const Result<SwapDevices> swap = devices.of(trace->value);
    if (!swap) return session.fail(swap.error());
    Result<WhatIf> rank =
        what_if(index_trace(trace->value, options.index), *edits, *swap, options.index.rules);
    if (!rank) return session.fail(rank.error());
    if (rank->rank < 0) rank->rank = static_cast<std::int64_t>(ranks.size());
    ranks.push_back(*std::move(rank));
  }
  session.progress("");
  Findings findings = findings_of(ranks, text);
  if (edits->models()) findings.notes.insert(findings.notes.begin(), devices.note());
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
