/// Values of raw events: numbers, categories, and the details of each kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "import/trace/event_reader.h"
#include "import/trace/text_table.h"
#include "ir/trace.h"

namespace fastpath {

/// Without the quotes, if it has any.
std::string_view bare(std::string_view raw);

/// A whole number, quoted or not, decimal or "0x..."; none for others.
std::optional<std::int64_t> whole_number(std::string_view raw);

/// What a category of Kineto (any year's names), without quotes, stands for.
EventKind kind_of_category(std::string_view category);

/// Categories of events that only repeat what others say: the profiler's own, and flows.
bool is_derived(std::string_view category);

/// Whether an operator's inputs that are no tensors are kept: strides say what a convolution does,
/// and a truth what attention leaves out.
inline bool keeps_values(std::string_view name) {
  return name.find("conv") != std::string_view::npos ||
         name.find("attention") != std::string_view::npos;
}

/// What the arguments of one event say, whatever its kind.
struct EventArguments {
  std::int64_t device = -1;
  std::int64_t stream = -1;
  std::int64_t correlation = -1;
  std::int64_t external = -1;
  OpDetail op;
  KernelDetail kernel;
  CopyDetail copy;
  SyncDetail sync;
  CollectiveDetail collective;
  MemoryEvent memory;
  bool has_collective = false;
  bool has_stream = false;
};

EventArguments arguments_of(const RawEvent& event, TextTable& texts);

}  // namespace fastpath
