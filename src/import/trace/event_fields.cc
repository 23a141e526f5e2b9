#include "import/trace/event_fields.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace fastpath {
namespace {

/// A number that profilers write of what does not exist.
constexpr std::int64_t kNoStream = 4294967295;

double number_or(std::string_view raw, double fallback) {
  return parse_number(bare(raw)).value_or(fallback);
}

/// "[8, 1, 1]"
std::array<std::int32_t, 3> three_numbers(std::string_view raw) {
  std::array<std::int32_t, 3> out{};
  const char* at = raw.data();
  const char* const end = raw.data() + raw.size();
  for (std::int32_t& value : out) {
    while (at != end && (*at < '0' || *at > '9'))
      ++at;
    at = std::from_chars(at, end, value).ptr;
  }
  return out;
}

SyncKind sync_kind_of(std::string_view name) {
  if (name == "Stream Wait Event") return SyncKind::stream_waits_event;
  if (name == "Stream Sync" || name == "Stream Synchronize") return SyncKind::stream;
  if (name == "Event Sync" || name == "Event Synchronize") return SyncKind::event;
  if (name == "Context Sync" || name == "Context Synchronize") return SyncKind::device;
  return SyncKind::unknown;
}

class ArgumentReader {
 public:
  ArgumentReader(TextTable& texts, bool keep_values) : texts_(texts), keep_values_(keep_values) {}

  void read(const RawField& field) {
    if (!read_id(field) && !read_device(field) && !read_op(field) && !read_collective(field) &&
        !read_sync(field))
      read_memory(field);
  }

  EventArguments out;

 private:
  static void to(std::int64_t& target, std::string_view raw) {
    target = whole_number(raw).value_or(target);
  }
  void to_text(std::uint32_t& target, std::string_view raw) { target = texts_.add(bare(raw)); }

  bool read_id(const RawField& field) {
    const std::string_view key = field.key;
    if (key == "correlation" || key == "correlation_id") {
      to(out.correlation, field.value);
    } else if (key == "External id" || key == "external id") {
      to(out.external, field.value);
    } else if (key == "stream") {
      to(out.stream, field.value);
      if (out.stream == kNoStream) out.stream = -1;
      out.has_stream = out.stream >= 0;
      out.sync.stream = out.stream;
    } else if (key == "device" || key == "Device Id") {
      to(out.device, field.value);
    } else {
      return false;
    }
    return true;
  }

  bool read_device(const RawField& field) {
    const std::string_view key = field.key;
    if (key == "grid") {
      out.kernel.grid = three_numbers(field.value);
    } else if (key == "block") {
      out.kernel.block = three_numbers(field.value);
    } else if (key == "est. achieved occupancy %") {
      out.kernel.occupancy_share = number_or(field.value, -100) / 100;
    } else if (key == "bytes" || key == "size") {
      out.copy.bytes = Bytes{number_or(field.value, 0)};
    } else if (key == "memory bandwidth (GB/s)") {
      out.copy.bandwidth = BytesPerSecond{1e9 * number_or(field.value, 0)};
    } else {
      return false;
    }
    return true;
  }

  bool read_op(const RawField& field) {
    const std::string_view key = field.key;
    if (key == "Input Dims" || key == "Input dims") {
      to_text(out.op.shapes, field.value);
    } else if (key == "Input type") {
      to_text(out.op.types, field.value);
    } else if (key == "Concrete Inputs") {
      if (keep_values_) to_text(out.op.values, field.value);
    } else if (key == "Sequence number") {
      to(out.op.sequence, field.value);
    } else if (key == "Fwd thread id") {
      to(out.op.forward_thread, field.value);
    } else {
      return false;
    }
    return true;
  }

  bool read_collective(const RawField& field) {
    const std::string_view key = field.key;
    CollectiveDetail& detail = out.collective;
    if (key == "Collective name") {
      to_text(detail.name, field.value);
      out.has_collective = true;
    } else if (key == "dtype") {
      to_text(detail.type, field.value);
    } else if (key == "In msg nelems" || key == "In msg size") {
      to(detail.elements_in, field.value);
    } else if (key == "Out msg nelems" || key == "Out msg size") {
      to(detail.elements_out, field.value);
    } else if (key == "Group size") {
      to(detail.group_size, field.value);
    } else if (key == "Process Group Name") {
      to_text(detail.group, field.value);
    } else if (key == "Process Group Ranks") {
      to_text(detail.ranks, field.value);
    } else {
      return false;
    }
    return true;
  }

  bool read_sync(const RawField& field) {
    const std::string_view key = field.key;
    if (key == "cuda_sync_kind") {
      out.sync.kind = sync_kind_of(bare(field.value));
    } else if (key == "wait_on_stream") {
      to(out.sync.waits_on_stream, field.value);
      if (out.sync.waits_on_stream == kNoStream) out.sync.waits_on_stream = -1;
    } else if (key == "wait_on_cuda_event_record_corr_id") {
      to(out.sync.record_correlation, field.value);
    } else {
      return false;
    }
    return true;
  }

  void read_memory(const RawField& field) {
    const std::string_view key = field.key;
    if (key == "Bytes") {
      out.memory.change = Bytes{number_or(field.value, 0)};
    } else if (key == "Total Allocated") {
      out.memory.allocated = Bytes{number_or(field.value, -1)};
    } else if (key == "Total Reserved") {
      out.memory.reserved = Bytes{number_or(field.value, -1)};
    }
  }

  TextTable& texts_;
  bool keep_values_;
};

}  // namespace

std::string_view bare(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"') return raw;
  return raw.substr(1, raw.size() - 2);
}

std::optional<std::int64_t> whole_number(std::string_view raw) {
  std::string_view text = bare(raw);
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || (rest != end && *rest != '.')) return std::nullopt;
  return value;
}

EventKind kind_of_category(std::string_view category) {
  using enum EventKind;
  static constexpr std::array<std::pair<std::string_view, EventKind>, 21> kKinds{{
      {"kernel", kernel},
      {"gpu_memcpy", copy},
      {"gpu_memset", set},
      {"mtia_ccp_events", kernel},
      {"cpu_op", op},
      {"python_function", function},
      {"cuda_runtime", runtime},
      {"cuda_driver", runtime},
      {"mtia_runtime", runtime},
      {"user_annotation", annotation},
      {"gpu_user_annotation", device_annotation},
      {"cuda_sync", sync},
      {"overhead", overhead},
      {"Kernel", kernel},
      {"Memcpy", copy},
      {"Memset", set},
      {"Operator", op},
      {"Runtime", runtime},
      {"xpu_runtime", runtime},
      {"hip_runtime", runtime},
      {"privateuse1_runtime", runtime},
  }};
  for (const auto& [name, kind] : kKinds) {
    if (name == category) return kind;
  }
  return other;
}

bool is_derived(std::string_view category) { return category == "Trace"; }

EventArguments arguments_of(const RawEvent& event, TextTable& texts) {
  ArgumentReader reader(texts, keeps_values(event.name));
  reader.out.memory.allocated = reader.out.memory.reserved = Bytes{-1};
  for (const RawField& field : event.arguments)
    reader.read(field);
  return reader.out;
}

}  // namespace fastpath
