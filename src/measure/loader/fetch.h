/// Reads of whole samples ahead of those who decode them.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "fastpath/result.h"

#include "measure/loader/read_hooks.h"
#include "measure/loader/sample_set.h"
#include "measure/read_setting.h"

namespace fastpath {

/// Who wants samples. All functions are called from any thread of the fetching ones.
struct FetchClient {
  /// The next sample to read. Nothing: no more of them, or, unless it may wait, no room now.
  std::function<std::optional<std::size_t>(bool may_wait)> next;
  /// Bytes to read a sample into; what is in them is lost.
  std::function<SampleBytes()> buffer;
  std::function<void(std::size_t sample, SampleBytes&& bytes)> arrived;
  /// A sample that cannot be read.
  std::function<void(std::size_t sample, Diagnostic mistake)> lost;
};

struct FetchSetting {
  ReadEngine engine = ReadEngine::io_uring;  ///< or pread, by `depth` threads
  int depth = 8;                             ///< samples that are being read at a time
};

/// Reads until the client has no more. Each sample arrives whole, or is lost with the file and the
/// byte. Returns what is wrong with the engine itself, empty for nothing.
std::string fetch_samples(const SampleSet& set, const FetchSetting& setting, const ReadHooks& hooks,
                          const FetchClient& client);

/// io_uring can be used here: some sandboxes forbid it.
bool has_io_uring();

}  // namespace fastpath
