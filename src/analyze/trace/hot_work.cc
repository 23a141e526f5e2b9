#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {
namespace {

void add_time(WorkRow& row, Picoseconds time) {
  row.shortest = row.kernels == 0 ? time : std::min(row.shortest, time);
  row.longest = std::max(row.longest, time);
  row.time += time;
  ++row.kernels;
}

void sort_by_time(std::vector<WorkRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const WorkRow& a, const WorkRow& b) {
    return a.time != b.time ? a.time > b.time : a.name < b.name;
  });
}

/// Operators are one row where name, shapes and types are equal.
struct OperatorKey {
  std::uint32_t name = 0;
  std::uint32_t shapes = kNone;
  std::uint32_t types = kNone;
  std::uint32_t values = kNone;
  auto operator<=>(const OperatorKey&) const = default;
};

OperatorKey key_of(const Trace& trace, const TraceEvent& event) {
  OperatorKey key{event.name, kNone, kNone, kNone};
  if (event.detail == kNone) return key;
  key.shapes = trace.ops[event.detail].shapes;
  key.types = trace.ops[event.detail].types;
  key.values = trace.ops[event.detail].values;
  return key;
}

std::string text_at(const Trace& trace, std::uint32_t text) {
  return text == kNone ? std::string() : trace.names[text];
}

/// FastPath's own spans are called "block.operator", and those of collectives "block.operator
/// all_reduce": the operator has its local work and its collectives.
std::vector<WorkRow> predicted_operators(const TraceIndex& index) {
  std::map<std::string, WorkRow, std::less<>> rows;
  for (const Work& work : index.work) {
    const std::string_view name = index.name(work.event);
    const std::string key(name.substr(0, name.find(' ')));
    WorkRow& row = rows[key];
    row.name = key;
    add_time(row, index.event(work.event).duration);
    ++row.count;
  }
  std::vector<WorkRow> sorted;
  sorted.reserve(rows.size());
  for (auto& [name, row] : rows)
    sorted.push_back(std::move(row));
  sort_by_time(sorted);
  return sorted;
}

}  // namespace

std::vector<WorkRow> rank_kernels(const TraceIndex& index, const std::vector<KernelRule>& rules) {
  std::unordered_map<std::uint64_t, std::size_t> row_of;
  std::vector<WorkRow> rows;
  for (const Work& work : index.work) {
    const TraceEvent& event = index.event(work.event);
    const std::uint64_t key = std::uint64_t{event.name} * 3 + static_cast<unsigned>(work.kind);
    const auto [found, added] = row_of.try_emplace(key, rows.size());
    if (added) {
      WorkRow row;
      row.name = index.name(work.event);
      row.group = work.kind != WorkClass::compute ? name_of(work.kind)
                  : index.trace->predicted        ? operator_class(row.name, rules)
                                                  : kernel_class(row.name, rules);
      rows.push_back(std::move(row));
    }
    add_time(rows[found->second], event.duration);
    ++rows[found->second].count;
  }
  sort_by_time(rows);
  return rows;
}

std::vector<WorkRow> rank_operators(const TraceIndex& index) {
  const Trace& trace = *index.trace;
  if (trace.predicted) return predicted_operators(index);
  std::unordered_map<std::int64_t, std::uint32_t> by_external;
  std::map<OperatorKey, WorkRow> rows;
  for (const std::uint32_t i : index.host) {
    const TraceEvent& event = trace.events[i];
    if (event.kind == EventKind::op && event.external >= 0) by_external[event.external] = i;
  }
  std::vector<std::uint32_t> owners;
  for (const Work& work : index.work) {
    const TraceEvent& event = index.event(work.event);
    std::uint32_t owner = kNone;
    if (work.launch != kNone) owner = index.operator_of(work.launch);
    if (owner == kNone && event.external >= 0) {
      const auto found = by_external.find(event.external);
      if (found != by_external.end()) owner = found->second;
    }
    if (owner == kNone) continue;
    add_time(rows[key_of(trace, trace.events[owner])], event.duration);
    owners.push_back(owner);
  }
  std::sort(owners.begin(), owners.end());
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  for (const std::uint32_t owner : owners) {
    WorkRow& row = rows[key_of(trace, trace.events[owner])];
    ++row.count;
    row.host_time += trace.events[owner].duration;
  }
  std::vector<WorkRow> sorted;
  for (auto& [key, row] : rows) {
    row.name = trace.names[key.name];
    row.shapes = text_at(trace, key.shapes);
    row.types = text_at(trace, key.types);
    row.values = text_at(trace, key.values);
    sorted.push_back(std::move(row));
  }
  sort_by_time(sorted);
  return sorted;
}

std::vector<CopyRow> sum_copies(const TraceIndex& index) {
  std::map<std::string, CopyRow, std::less<>> rows;
  std::map<std::string, std::vector<double>, std::less<>> bandwidths;
  for (const Work& work : index.work) {
    const TraceEvent& event = index.event(work.event);
    if (event.kind == EventKind::kernel) continue;
    std::string_view name = index.name(work.event);
    name = name.substr(0, name.find(" ("));  // "Memcpy HtoD (Pinned -> Device)"
    CopyRow& row = rows[std::string(name)];
    row.name = name;
    ++row.count;
    row.time += event.duration;
    if (event.detail == kNone) continue;
    const CopyDetail& copy = index.trace->copies[event.detail];
    row.bytes += copy.bytes;
    if (copy.bandwidth > BytesPerSecond{}) {
      bandwidths[row.name].push_back(copy.bandwidth.base());
    }
  }
  std::vector<CopyRow> out;
  for (auto& [name, row] : rows) {
    row.bandwidth = summary_of(std::move(bandwidths[name]));
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace fastpath
