#include <algorithm>
#include <map>
#include <unordered_map>

#include "analyze/trace/rank_analysis.h"

namespace fastpath {
namespace {

constexpr std::string_view kModule = "nn.Module: ";

/// Where each operator of the host was called from.
class ModuleFinder {
 public:
  explicit ModuleFinder(const TraceIndex& index) : index_(index), trace_(*index.trace) {}

  std::vector<ModuleRow> run() {
    find_ranges();
    if (ranges_.empty()) return {};
    walk_lanes();
    join_backwards();
    for (const Work& work : index_.work)
      add(work);
    return std::move(rows_);
  }

 private:
  /// Modules as PyTorch's profiler names them (with_stack or with_modules); where there are none,
  /// the user's own ranges.
  void find_ranges() {
    for (const bool modules : {true, false}) {
      for (std::uint32_t i = 0; i < trace_.events.size(); ++i) {
        const TraceEvent& event = trace_.events[i];
        const std::string_view name = trace_.names[event.name];
        const bool wanted =
            modules ? event.kind == EventKind::function && name.starts_with(kModule)
                    : event.kind == EventKind::annotation && !name.starts_with("ProfilerStep");
        if (wanted) ranges_.push_back(i);
      }
      if (!ranges_.empty()) break;
    }
    std::stable_sort(ranges_.begin(), ranges_.end(), [&](std::uint32_t a, std::uint32_t b) {
      const TraceEvent& x = trace_.events[a];
      const TraceEvent& y = trace_.events[b];
      if (x.lane != y.lane) return x.lane < y.lane;
      return x.start != y.start ? x.start < y.start : x.duration > y.duration;
    });
  }

  /// Both lists are by lane, then by start: one goes along the other.
  void walk_lanes() {
    module_of_.assign(trace_.events.size(), kNone);
    std::size_t next = 0;
    std::vector<Open> open;
    std::uint32_t lane = kNone;
    for (const std::uint32_t i : index_.host) {
      const TraceEvent& event = trace_.events[i];
      if (event.lane != lane) open.clear();
      lane = event.lane;
      for (; next < ranges_.size(); ++next) {
        const TraceEvent& range = trace_.events[ranges_[next]];
        if (range.lane > lane || (range.lane == lane && range.start > event.start)) break;
        if (range.lane == lane) enter(range, open);
      }
      while (!open.empty() && open.back().end <= event.start)
        open.pop_back();
      // What reaches beyond a range is around it, even if both start together.
      const auto around = std::find_if(open.rbegin(), open.rend(),
                                       [&](const Open& range) { return range.end >= event.end(); });
      if (around != open.rend()) module_of_[i] = around->row;
    }
  }

  struct Open {
    Picoseconds end = 0;
    std::uint32_t row = 0;
  };

  void enter(const TraceEvent& range, std::vector<Open>& open) {
    while (!open.empty() && open.back().end <= range.start)
      open.pop_back();
    const std::uint32_t parent = open.empty() ? kNone : open.back().row;
    const auto [found, added] =
        row_of_.try_emplace({parent, range.name}, static_cast<std::uint32_t>(rows_.size()));
    if (added) {
      ModuleRow row;
      row.name = trace_.names[range.name];
      if (row.name.starts_with(kModule)) row.name.erase(0, kModule.size());
      row.path = parent == kNone ? row.name : rows_[parent].path + "/" + row.name;
      row.parent = parent;
      rows_.push_back(std::move(row));
    }
    ModuleRow& row = rows_[found->second];
    ++row.calls;
    row.host_time += range.duration;
    open.push_back({range.end(), found->second});
  }

  const OpDetail* detail_of(std::uint32_t event) const {
    const TraceEvent& e = trace_.events[event];
    return e.kind == EventKind::op && e.detail != kNone ? &trace_.ops[e.detail] : nullptr;
  }

  /// An operator of the backward has the number of its forward, and the thread that ran it.
  void join_backwards() {
    for (const std::uint32_t i : index_.host) {
      const OpDetail* const detail = detail_of(i);
      if (detail == nullptr || detail->sequence < 0 || detail->forward_thread > 0) continue;
      if (module_of_[i] != kNone) forward_.try_emplace(detail->sequence, module_of_[i]);
    }
  }

  void add(const Work& work) {
    std::uint32_t row = kNone;
    bool backward = false;
    for (std::uint32_t i = work.launch; i != kNone; i = index_.parent[i]) {
      if (row == kNone) row = module_of_[i];
      const OpDetail* const detail = detail_of(i);
      if (detail == nullptr || detail->sequence < 0 || detail->forward_thread <= 0) continue;
      const auto found = forward_.find(detail->sequence);
      if (found == forward_.end()) continue;
      row = found->second;
      backward = true;
      break;
    }
    const Picoseconds time = trace_.events[work.event].duration;
    if (row != kNone) rows_[row].self += time;
    for (; row != kNone; row = rows_[row].parent) {
      rows_[row].time += time;
      if (backward) rows_[row].backward += time;
      ++rows_[row].kernels;
    }
  }

  const TraceIndex& index_;
  const Trace& trace_;
  std::vector<std::uint32_t> ranges_;
  std::vector<std::uint32_t> module_of_;  ///< by event
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> row_of_;
  std::unordered_map<std::int64_t, std::uint32_t> forward_;  ///< modules by sequence number
  std::vector<ModuleRow> rows_;
};

/// FastPath's own spans are called "block.operator".
std::vector<ModuleRow> blocks_of(const TraceIndex& index) {
  std::map<std::string, std::uint32_t, std::less<>> row_of;
  std::vector<ModuleRow> rows;
  for (const Work& work : index.work) {
    const std::string_view name = index.name(work.event);
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) continue;
    const auto [found, added] = row_of.try_emplace(std::string(name.substr(0, dot)),
                                                   static_cast<std::uint32_t>(rows.size()));
    if (added) {
      ModuleRow row;
      row.name = row.path = found->first;
      rows.push_back(std::move(row));
    }
    ModuleRow& row = rows[found->second];
    row.time += index.event(work.event).duration;
    row.self = row.time;
    ++row.kernels;
  }
  return rows;
}

}  // namespace

std::vector<ModuleRow> rank_modules(const TraceIndex& index) {
  return index.trace->predicted ? blocks_of(index) : ModuleFinder(index).run();
}

}  // namespace fastpath
