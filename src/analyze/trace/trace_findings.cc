#include "analyze/trace/trace_findings.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

namespace fastpath {
namespace {

double seconds(Picoseconds time) { return static_cast<double>(time) * 1e-12; }

Cell share(Picoseconds part, Picoseconds whole) {
  if (whole <= 0) return {};
  return static_cast<double>(part) / static_cast<double>(whole);
}

Cell number(std::int64_t value) { return static_cast<double>(value); }

Cell text(const std::string& value) { return value.empty() ? Cell{} : Cell{value}; }

Cell size_or_none(Bytes bytes) { return bytes > Bytes{} ? Cell{bytes.base()} : Cell{}; }

std::string_view name_of(PathCause cause) {
  switch (cause) {
    case PathCause::host: return "host";
    case PathCause::device: return "device";
    case PathCause::launch: return "launch";
    case PathCause::between_kernels: return "between kernels";
    case PathCause::order: return "order";
    case PathCause::sync: return "sync";
  }
  return "";
}

/// The factor of nccl-tests from algorithm to bus bandwidth (PERFORMANCE.md there).
double bus_factor(std::string_view name, std::int64_t ranks) {
  const auto n = static_cast<double>(ranks);
  if (ranks < 1) return 0;
  if (name == "all_reduce") return 2 * (n - 1) / n;
  if (name == "all_gather" || name == "reduce_scatter" || name == "all_to_all") return (n - 1) / n;
  return 1;
}

class Describer {
 public:
  Describer(const std::vector<RankAnalysis>& ranks, const JobAnalysis& job, std::size_t top)
      : ranks_(ranks), job_(job), top_(top) {}

  Findings run() {
    findings_.title = ranks_.size() == 1 ? fmt::format("{}, a trace", ranks_[0].title)
                                         : fmt::format("{} traces of one job", ranks_.size());
    add_summary();
    add_time();
    add_recommendations();
    add_idle();
    add_kernels();
    add_operators();
    add_collectives();
    add_job();
    add_path();
    add_steps();
    add_modules();
    add_launches();
    add_queues();
    add_stream_idle();
    add_copies();
    add_memory();
    add_notes();
    return std::move(findings_);
  }

 private:
  Table& start(std::string name, std::string title, std::vector<Column> columns) {
    findings_.tables.push_back({std::move(name), std::move(title), std::move(columns), {}});
    return findings_.tables.back();
  }

  void drop_if_empty() {
    if (findings_.tables.back().rows.empty()) findings_.tables.pop_back();
  }

  /// " (10 of 57)" where rows are left out.
  std::string shown(std::string_view title, std::size_t all) const {
    if (top_ == 0 || all <= top_) return std::string(title);
    return fmt::format("{} ({} of {})", title, top_, all);
  }
  std::size_t rows(std::size_t all) const { return top_ == 0 ? all : std::min(top_, all); }

  static std::int64_t count(const RankAnalysis& rank, EventKind kind) {
    return rank.events[static_cast<std::size_t>(kind)];
  }

  void add_summary() {
    Table& table = start("traces", "Traces",
                         {{"rank", Unit::none},
                          {"file", Unit::none},
                          {"device", Unit::none},
                          {"text", Unit::bytes},
                          {"events", Unit::count},
                          {"kernels", Unit::count},
                          {"copies", Unit::count},
                          {"operators", Unit::count},
                          {"calls", Unit::count}});
    for (const RankAnalysis& rank : ranks_) {
      table.rows.push_back({number(rank.rank), rank.title, text(rank.device_name),
                            static_cast<double>(rank.text_bytes), number(rank.json_events),
                            number(count(rank, EventKind::kernel)),
                            number(count(rank, EventKind::copy) + count(rank, EventKind::set)),
                            number(count(rank, EventKind::op)),
                            number(count(rank, EventKind::runtime))});
    }
  }

  static void add_times(std::vector<Cell>& row, const TimeBreakdown& time) {
    row.insert(row.end(), {seconds(time.total), seconds(time.busy), seconds(time.compute),
                           seconds(time.exposed_communication), seconds(time.exposed_copies),
                           seconds(time.idle()), share(time.idle(), time.total)});
  }

  static void add_time_columns(std::vector<Column>& columns) {
    columns.insert(columns.end(), {{"total", Unit::seconds},
                                   {"busy", Unit::seconds},
                                   {"compute", Unit::seconds},
                                   {"exposed_communication", Unit::seconds},
                                   {"exposed_copies", Unit::seconds},
                                   {"idle", Unit::seconds},
                                   {"idle_share", Unit::ratio}});
  }

  void add_time() {
    std::vector<Column> columns{{"rank", Unit::none}, {"device", Unit::none}};
    add_time_columns(columns);
    columns.insert(columns.end(), {{"communication", Unit::seconds},
                                   {"communication_hidden", Unit::ratio},
                                   {"copies", Unit::seconds}});
    Table& table = start("time", "Where the time of each device goes", std::move(columns));
    for (const RankAnalysis& rank : ranks_) {
      for (const TimeBreakdown& time : rank.devices) {
        std::vector<Cell> row{number(rank.rank), number(time.device)};
        add_times(row, time);
        row.insert(row.end(),
                   {seconds(time.communication),
                    share(time.hidden_communication(), time.communication), seconds(time.copies)});
        table.rows.push_back(std::move(row));
      }
    }
    drop_if_empty();
  }

  void add_recommendations() {
    Table& table = start("recommendations", "What to do, by the time that it would save at most",
                         {{"what", Unit::none},
                          {"evidence", Unit::none},
                          {"saves", Unit::seconds},
                          {"share", Unit::ratio}});
    for (const Recommendation& one : recommend(ranks_, job_))
      table.rows.push_back({one.what, one.evidence, seconds(one.saves), share(one.saves, one.of)});
    drop_if_empty();
  }

  void add_idle() {
    Table& table = start("idle_causes", "Why devices stand still",
                         {{"rank", Unit::none},
                          {"device", Unit::none},
                          {"host", Unit::seconds},
                          {"sync", Unit::seconds},
                          {"input", Unit::seconds},
                          {"call", Unit::seconds},
                          {"queue", Unit::seconds},
                          {"dependency", Unit::seconds},
                          {"unknown", Unit::seconds}});
    for (const RankAnalysis& rank : ranks_) {
      for (const IdleCauses& idle : rank.idle) {
        table.rows.push_back({number(rank.rank), number(idle.device), seconds(idle.host),
                              seconds(idle.sync), seconds(idle.input), seconds(idle.call),
                              seconds(idle.queue), seconds(idle.dependency),
                              seconds(idle.unknown)});
      }
    }
    drop_if_empty();
  }

  /// Rows of all ranks with the same name, shapes and types as one.
  std::vector<WorkRow> summed(const std::vector<WorkRow> RankAnalysis::*list) const {
    if (ranks_.size() == 1) return ranks_[0].*list;
    std::map<std::tuple<std::string, std::string, std::string, std::string>, WorkRow> sums;
    for (const RankAnalysis& rank : ranks_) {
      for (const WorkRow& row : rank.*list) {
        const auto [found, added] =
            sums.try_emplace({row.name, row.group, row.shapes, row.types}, row);
        if (added) continue;
        WorkRow& sum = found->second;
        sum.count += row.count;
        sum.kernels += row.kernels;
        sum.time += row.time;
        sum.host_time += row.host_time;
        sum.shortest = std::min(sum.shortest, row.shortest);
        sum.longest = std::max(sum.longest, row.longest);
      }
    }
    std::vector<WorkRow> all;
    all.reserve(sums.size());
    for (auto& [key, row] : sums)
      all.push_back(std::move(row));
    std::stable_sort(all.begin(), all.end(),
                     [](const WorkRow& a, const WorkRow& b) { return a.time > b.time; });
    return all;
  }

  void add_kernels() {
    const std::vector<WorkRow> all = summed(&RankAnalysis::kernels);
    Picoseconds sum = 0;
    std::map<std::string, std::pair<Picoseconds, std::int64_t>> classes;
    for (const WorkRow& row : all) {
      sum += row.time;
      classes[row.group].first += row.time;
      classes[row.group].second += row.count;
    }
    std::vector<std::pair<std::string, std::pair<Picoseconds, std::int64_t>>> sorted(
        classes.begin(), classes.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second.first > b.second.first; });
    Table& by_class = start("kernel_classes", "Work of devices by class",
                            {{"class", Unit::none},
                             {"count", Unit::count},
                             {"time", Unit::seconds},
                             {"share", Unit::ratio}});
    for (const auto& [name, value] : sorted)
      by_class.rows.push_back(
          {name, number(value.second), seconds(value.first), share(value.first, sum)});
    drop_if_empty();
    Table& table = start("kernels", shown("Longest kernels and copies", all.size()),
                         {{"kernel", Unit::none},
                          {"class", Unit::none},
                          {"count", Unit::count},
                          {"mean", Unit::seconds},
                          {"least", Unit::seconds},
                          {"most", Unit::seconds},
                          {"time", Unit::seconds},
                          {"share", Unit::ratio}});
    for (std::size_t i = 0; i < rows(all.size()); ++i) {
      const WorkRow& row = all[i];
      table.rows.push_back({row.name, row.group, number(row.count),
                            seconds(row.time) / static_cast<double>(row.count),
                            seconds(row.shortest), seconds(row.longest), seconds(row.time),
                            share(row.time, sum)});
    }
    drop_if_empty();
  }

  void add_operators() {
    const std::vector<WorkRow> all = summed(&RankAnalysis::operators);
    Picoseconds sum = 0;
    for (const WorkRow& row : all)
      sum += row.time;
    Table& table =
        start("operators", shown("Longest operators, by their work on devices", all.size()),
              {{"operator", Unit::none},
               {"shapes", Unit::none},
               {"types", Unit::none},
               {"count", Unit::count},
               {"kernels", Unit::count},
               {"host_time", Unit::seconds},
               {"time", Unit::seconds},
               {"share", Unit::ratio}});
    for (std::size_t i = 0; i < rows(all.size()); ++i) {
      const WorkRow& row = all[i];
      table.rows.push_back({row.name, text(row.shapes), text(row.types), number(row.count),
                            number(row.kernels), seconds(row.host_time), seconds(row.time),
                            share(row.time, sum)});
    }
    drop_if_empty();
  }

  struct CollectiveSum {
    std::int64_t count = 0;
    Picoseconds time = 0;
    Picoseconds least = 0;
  };

  /// Times of one rank hold its waiting for others: bandwidths by the shortest of the runs.
  void add_collectives() {
    std::map<std::tuple<std::string, std::string, double, std::int64_t>, CollectiveSum> sums;
    for (const RankAnalysis& rank : ranks_) {
      for (const CollectiveRun& run : rank.collectives) {
        CollectiveSum& sum = sums[{run.name, run.group, run.payload.base(), run.ranks}];
        sum.least = sum.count == 0 ? run.duration : std::min(sum.least, run.duration);
        ++sum.count;
        sum.time += run.duration;
      }
    }
    using Row =
        std::pair<std::tuple<std::string, std::string, double, std::int64_t>, CollectiveSum>;
    std::vector<Row> all(sums.begin(), sums.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const Row& a, const Row& b) { return a.second.time > b.second.time; });
    Table& table =
        start("collectives", shown("Collectives, waiting for other ranks included", all.size()),
              {{"collective", Unit::none},
               {"group", Unit::none},
               {"ranks", Unit::count},
               {"payload", Unit::bytes},
               {"count", Unit::count},
               {"least", Unit::seconds},
               {"mean", Unit::seconds},
               {"time", Unit::seconds},
               {"algorithm_bandwidth", Unit::bytes_per_second},
               {"bus_bandwidth", Unit::bytes_per_second}});
    for (std::size_t i = 0; i < rows(all.size()); ++i) {
      const auto& [name, group, payload, ranks] = all[i].first;
      const CollectiveSum& sum = all[i].second;
      const bool known = payload > 0 && sum.least > 0;
      const double rate = known ? payload / seconds(sum.least) : 0;
      table.rows.push_back({name, text(group), ranks > 0 ? number(ranks) : Cell{},
                            size_or_none(Bytes{payload}), number(sum.count), seconds(sum.least),
                            seconds(sum.time) / static_cast<double>(sum.count), seconds(sum.time),
                            known ? Cell{rate} : Cell{},
                            known && ranks > 0 ? Cell{rate * bus_factor(name, ranks)} : Cell{}});
    }
    drop_if_empty();
  }

  void add_job() {
    add_clocks();
    add_stragglers();
    std::vector<JointCollective> all = job_.collectives;
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.waited > b.waited; });
    Table& table =
        start("joint_collectives", shown("Collectives that ranks waited longest for", all.size()),
              {{"collective", Unit::none},
               {"number", Unit::none},
               {"ranks", Unit::count},
               {"payload", Unit::bytes},
               {"skew", Unit::seconds},
               {"transfer", Unit::seconds},
               {"waited", Unit::seconds},
               {"last_rank", Unit::none},
               {"bus_bandwidth", Unit::bytes_per_second}});
    for (std::size_t i = 0; i < rows(all.size()); ++i) {
      const JointCollective& one = all[i];
      const bool known = one.payload > Bytes{} && one.transfer > 0;
      const double rate = known ? one.payload.base() / seconds(one.transfer) : 0;
      table.rows.push_back({one.name, number(one.sequence), number(one.ranks),
                            size_or_none(one.payload), seconds(one.skew), seconds(one.transfer),
                            seconds(one.waited), number(one.last_rank),
                            known ? Cell{rate * bus_factor(one.name, one.ranks)} : Cell{}});
    }
    drop_if_empty();
  }

  void add_clocks() {
    Table& table = start("clocks", "Clocks of the ranks against the first one's",
                         {{"rank", Unit::none},
                          {"offset", Unit::seconds},
                          {"spread", Unit::seconds},
                          {"collectives", Unit::count}});
    for (const ClockOffset& clock : job_.clocks) {
      table.rows.push_back({number(clock.rank), seconds(clock.offset), seconds(clock.spread),
                            number(clock.collectives)});
    }
    drop_if_empty();
  }

  void add_stragglers() {
    Table& table = start("stragglers", "Ranks that others wait for",
                         {{"rank", Unit::none},
                          {"came_last", Unit::count},
                          {"caused_waiting", Unit::seconds},
                          {"waited", Unit::seconds},
                          {"compute", Unit::seconds}});
    if (job_.collectives.empty()) {
      drop_if_empty();
      return;
    }
    for (const StragglerRow& row : job_.stragglers) {
      table.rows.push_back({number(row.rank), number(row.came_last), seconds(row.caused),
                            seconds(row.waited), seconds(row.compute)});
    }
  }

  void add_path() {
    Table& table = start("critical_path", "Critical path",
                         {{"rank", Unit::none},
                          {"length", Unit::seconds},
                          {"nodes", Unit::count},
                          {"host", Unit::seconds},
                          {"device", Unit::seconds},
                          {"launch", Unit::seconds},
                          {"between_kernels", Unit::seconds}});
    const auto by = [](const CriticalPath& path, PathCause cause) {
      return seconds(path.by_cause[static_cast<std::size_t>(cause)]);
    };
    const RankAnalysis* longest = nullptr;
    for (const RankAnalysis& rank : ranks_) {
      const CriticalPath& path = rank.path;
      if (path.steps.empty()) continue;
      table.rows.push_back({number(rank.rank), seconds(path.length),
                            static_cast<double>(path.steps.size()), by(path, PathCause::host),
                            by(path, PathCause::device), by(path, PathCause::launch),
                            by(path, PathCause::between_kernels)});
      if (longest == nullptr || path.length > longest->path.length) longest = &rank;
    }
    drop_if_empty();
    if (longest != nullptr) add_owners(longest->path);
  }

  void add_owners(const CriticalPath& path) {
    Table& table =
        start("critical_path_owners", shown("Whose time the critical path is", path.owners.size()),
              {{"owner", Unit::none},
               {"cause", Unit::none},
               {"count", Unit::count},
               {"time", Unit::seconds},
               {"share", Unit::ratio}});
    for (std::size_t i = 0; i < rows(path.owners.size()); ++i) {
      const PathOwner& owner = path.owners[i];
      table.rows.push_back({owner.name, std::string(name_of(owner.cause)), number(owner.count),
                            seconds(owner.time), share(owner.time, path.length)});
    }
    drop_if_empty();
  }

  void add_steps() {
    std::vector<Column> columns{
        {"rank", Unit::none}, {"step", Unit::none}, {"duration", Unit::seconds}};
    add_time_columns(columns);
    Table& table = start("steps", "Steps of the profiler, on the host", std::move(columns));
    for (const RankAnalysis& rank : ranks_) {
      for (const StepRow& step : rank.steps) {
        std::vector<Cell> row{number(rank.rank), step.name, seconds(step.duration)};
        add_times(row, step.device);
        table.rows.push_back(std::move(row));
      }
    }
    drop_if_empty();
  }

  /// Modules in the same place of the model are one row for all ranks.
  void add_modules() {
    std::map<std::string, ModuleRow, std::less<>> by_path;
    Picoseconds all = 0;
    for (const RankAnalysis& rank : ranks_) {
      for (const ModuleRow& row : rank.modules) {
        ModuleRow& sum = by_path[row.path];
        sum.path = row.path;
        sum.calls += row.calls;
        sum.host_time += row.host_time;
        sum.time += row.time;
        sum.self += row.self;
        sum.backward += row.backward;
        sum.kernels += row.kernels;
      }
      for (const WorkRow& kernel : rank.kernels)
        all += kernel.time;
    }
    std::vector<ModuleRow> sorted;
    sorted.reserve(by_path.size());
    for (auto& [path, row] : by_path) {
      if (row.kernels > 0) sorted.push_back(std::move(row));
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const ModuleRow& a, const ModuleRow& b) { return a.time > b.time; });
    Table& table = start("modules", shown("Modules by time on the devices", sorted.size()),
                         {{"module", Unit::none},
                          {"calls", Unit::count},
                          {"kernels", Unit::count},
                          {"time", Unit::seconds},
                          {"share", Unit::ratio},
                          {"self", Unit::seconds},
                          {"backward", Unit::seconds},
                          {"host_time", Unit::seconds}});
    for (std::size_t i = 0; i < rows(sorted.size()); ++i) {
      const ModuleRow& row = sorted[i];
      const bool called = row.calls > 0;
      table.rows.push_back({row.path, called ? number(row.calls) : Cell{}, number(row.kernels),
                            seconds(row.time), share(row.time, all), seconds(row.self),
                            called ? Cell{seconds(row.backward)} : Cell{},
                            called ? Cell{seconds(row.host_time)} : Cell{}});
    }
    drop_if_empty();
  }

  void add_launches() {
    Table& table = start("launches", "Launches",
                         {{"rank", Unit::none},
                          {"launched", Unit::count},
                          {"graphs", Unit::count},
                          {"call_mean", Unit::seconds},
                          {"call_median", Unit::seconds},
                          {"work_mean", Unit::seconds},
                          {"work_median", Unit::seconds},
                          {"delay_mean", Unit::seconds},
                          {"delay_median", Unit::seconds},
                          {"delay_most", Unit::seconds},
                          {"short_work", Unit::count},
                          {"slow_calls", Unit::count},
                          {"long_delays", Unit::count}});
    for (const RankAnalysis& rank : ranks_) {
      const LaunchStatistics& s = rank.launches;
      if (s.work.count == 0) continue;
      table.rows.push_back({number(rank.rank), number(s.work.count), number(s.graph_launches),
                            s.call.mean, s.call.median, s.work.mean, s.work.median, s.delay.mean,
                            s.delay.median, s.delay.most, number(s.short_work),
                            number(s.slow_calls), number(s.long_delays)});
    }
    drop_if_empty();
  }

  void add_queues() {
    Table& table = start("queue_lengths", "Launched and not started yet, by stream",
                         {{"rank", Unit::none},
                          {"device", Unit::none},
                          {"stream", Unit::none},
                          {"changes", Unit::count},
                          {"mean", Unit::none},
                          {"median", Unit::none},
                          {"upper_quartile", Unit::none},
                          {"most", Unit::none}});
    for (const RankAnalysis& rank : ranks_) {
      for (const QueueLength& queue : rank.queues) {
        const Summary& d = queue.length;
        table.rows.push_back({number(rank.rank), number(queue.device), number(queue.stream),
                              number(d.count), d.mean, d.median, d.upper_quartile, d.most});
      }
    }
    drop_if_empty();
  }

  void add_stream_idle() {
    Table& table = start("stream_idle", "Gaps between neighbours of a stream",
                         {{"rank", Unit::none},
                          {"device", Unit::none},
                          {"stream", Unit::none},
                          {"host_wait", Unit::seconds},
                          {"kernel_wait", Unit::seconds},
                          {"other", Unit::seconds}});
    for (const RankAnalysis& rank : ranks_) {
      for (const StreamIdle& idle : rank.stream_idle) {
        table.rows.push_back({number(rank.rank), number(idle.device), number(idle.stream),
                              seconds(idle.host_wait), seconds(idle.kernel_wait),
                              seconds(idle.other)});
      }
    }
    drop_if_empty();
  }

  void add_copies() {
    Table& table = start("copies", "Copies and sets",
                         {{"rank", Unit::none},
                          {"copy", Unit::none},
                          {"count", Unit::count},
                          {"time", Unit::seconds},
                          {"bytes", Unit::bytes},
                          {"mean_bandwidth", Unit::bytes_per_second},
                          {"most_bandwidth", Unit::bytes_per_second}});
    for (const RankAnalysis& rank : ranks_) {
      for (const CopyRow& copy : rank.copies) {
        const bool known = copy.bandwidth.count > 0;
        table.rows.push_back({number(rank.rank), copy.name, number(copy.count), seconds(copy.time),
                              size_or_none(copy.bytes), known ? Cell{copy.bandwidth.mean} : Cell{},
                              known ? Cell{copy.bandwidth.most} : Cell{}});
      }
    }
    drop_if_empty();
  }

  void add_memory() {
    Table& table = start("memory", "Memory of the framework's allocator",
                         {{"rank", Unit::none},
                          {"where", Unit::none},
                          {"events", Unit::count},
                          {"peak", Unit::bytes},
                          {"peak_at", Unit::seconds},
                          {"reserved", Unit::bytes},
                          {"last", Unit::bytes}});
    for (const RankAnalysis& rank : ranks_) {
      for (const MemoryPeak& peak : rank.memory) {
        table.rows.push_back({number(rank.rank),
                              peak.device < 0 ? "host" : fmt::format("device {}", peak.device),
                              number(peak.events), peak.allocated.base(), seconds(peak.peak_time),
                              size_or_none(peak.reserved), peak.last.base()});
      }
    }
    drop_if_empty();
    add_memory_over_time();
  }

  void add_memory_over_time() {
    Table& table = start("memory_over_time", "Memory over time: the most in each twentieth",
                         {{"rank", Unit::none},
                          {"where", Unit::none},
                          {"at", Unit::seconds},
                          {"allocated", Unit::bytes}});
    for (const RankAnalysis& rank : ranks_) {
      for (const MemoryPeak& peak : rank.memory) {
        for (const auto& [time, bytes] : peak.samples) {
          table.rows.push_back({number(rank.rank),
                                peak.device < 0 ? "host" : fmt::format("device {}", peak.device),
                                seconds(time), bytes.base()});
        }
      }
    }
    drop_if_empty();
  }

  void note(std::int64_t value, std::string_view what) {
    if (value > 0) findings_.notes.push_back(fmt::format("{} {}.", value, what));
  }

  void add_notes() {
    RankAnalysis sum;
    bool any_device = false;
    bool relative = false;
    for (const RankAnalysis& rank : ranks_) {
      sum.unlinked += rank.unlinked;
      sum.left_out += rank.left_out;
      sum.overlaps += rank.overlaps;
      sum.nesting_violations += rank.nesting_violations;
      any_device |= !rank.devices.empty();
      for (const MemoryPeak& peak : rank.memory)
        relative |= peak.relative;
    }
    if (!any_device) findings_.notes.emplace_back("No trace holds work of a device.");
    note(sum.left_out, "pieces of work of devices are left out, as asked for");
    note(sum.unlinked - sum.left_out,
         "pieces of work of devices have no launch in the trace: they count as busy");
    note(sum.overlaps, "pieces of work overlap the one before on their stream: both are kept");
    note(sum.nesting_violations,
         "events of the host end after what they started in: they count up to its end");
    note(job_.unmatched, "collectives are in the trace of one rank only");
    if (relative) {
      findings_.notes.emplace_back(
          "Memory is relative to what was allocated when the trace began.");
    }
  }

  const std::vector<RankAnalysis>& ranks_;
  const JobAnalysis& job_;
  std::size_t top_;
  Findings findings_;
};

}  // namespace

Findings describe_traces(const std::vector<RankAnalysis>& ranks, const JobAnalysis& job,
                         std::size_t top) {
  return Describer(ranks, job, top).run();
}

}  // namespace fastpath
