#include "engine/simulate/recorded.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "engine/block_cost.h"
#include "engine/simulate/jitter.h"
#include "engine/simulate/options.h"
#include "engine/simulate/role_graph.h"
#include "engine/simulate/task_graph.h"

namespace fastpath {
namespace {

constexpr std::size_t kLanes = 6;
constexpr TaskId kNone = 0xffffffff;
constexpr std::array<std::string_view, kLanes> kLaneNames{"operators", "network", "from host",
                                                          "to host",   "host",    "joint"};

/// What tells meetings apart: group, ranks, kind, and for a pair both ends and the tag.
using MeetingKey = std::tuple<std::string, std::vector<std::int64_t>, Collective, std::int64_t,
                              std::int64_t, std::int64_t>;

/// A collective or a transfer over the ranks that were recorded.
struct Meeting {
  Picoseconds duration = 0;
  std::size_t ranks = 0;
  TaskId done = kNone;
};

class RecordedSimulator {
 public:
  RecordedSimulator(const RecordedProgram& recorded, const System& system)
      : recorded_(recorded), system_(system), models_(system, Execution::graph) {}

  Diagnostics mistakes() const {
    Diagnostics mistakes;
    for (const RecordedRank& rank : recorded_.ranks) {
      if (rank.rank >= 0 && rank.rank < system_.device_count()) continue;
      mistakes.push_back({{rank.title},
                          "is of rank " + std::to_string(rank.rank) + ", and '" + system_.id +
                              "' has " + std::to_string(system_.device_count()) + " devices",
                          "--devices or --nodes gives it more"});
    }
    return mistakes;
  }

  Result<RecordedRun> run(const SimulateOptions& options) {
    join();
    if (!mistakes_.empty()) return failure(std::move(mistakes_));
    RecordedRun result = run_with(options);
    if (stuck_) return failure({recorded_.ranks.front().title}, *stuck_, kStuckHint);
    result.simulation.undisturbed = result.simulation.step;
    if (ranks_differ(options)) {
      result.simulation.undisturbed = run_with({}).simulation.step;
    }
    result.simulation.alone = result.simulation.undisturbed;
    return result;
  }

 private:
  /// Clamped, and added up: of tasks that would not end within a timeline.
  Picoseconds limited(double picoseconds) {
    constexpr double kMost = 4e18;  // 46 days
    const double within = picoseconds < kMost ? std::max(0.0, picoseconds) : kMost;
    total_ += within;
    if (!(total_ < kMost)) {
      stuck_ = "the tasks take longer than 46 days together";
    }
    return static_cast<Picoseconds>(within);
  }
  Picoseconds limited(Seconds time) { return limited(std::round(time.base() * 1e12)); }

  static constexpr const char* kStuckHint =
      "the traces may be of different steps, or of ranks that are not of one job";

  const std::vector<Task>& tasks(std::size_t rank) const {
    return recorded_.program.blocks[rank].forward;
  }

  // Ranks meet.

  Group group_of(const RecordedTask& task, std::int64_t rank) const {
    if (task.peer >= 0) return {2, std::max<std::int64_t>(1, std::abs(task.peer - rank))};
    const std::vector<std::int64_t>& members = task.members;
    if (members.size() > 1) {
      const auto size = static_cast<std::int64_t>(members.size());
      return {size, std::max<std::int64_t>(1, (members.back() - members.front()) / (size - 1))};
    }
    if (members.size() == 1) return {1, 1};
    if (task.group_size > 0) return {task.group_size, 1};
    const auto traced = static_cast<std::int64_t>(recorded_.ranks.size());
    return {traced > 1 ? traced : system_.device_count(), 1};
  }

  Seconds time_of_meeting(const Task& task, const RecordedTask& recorded, std::int64_t rank) {
    const Group group = group_of(recorded, rank);
    if (group.size * group.stride > system_.device_count() &&
        (group.size - 1) * group.stride >= system_.device_count()) {
      mistakes_.push_back({{"rank " + std::to_string(rank)},
                           "a group of " + std::to_string(group.size) + " ranks, " +
                               std::to_string(group.stride) + " apart, is larger than '" +
                               system_.id + "'",
                           "--devices or --nodes gives it more devices"});
      return {};
    }
    const Bytes payload =
        recorded.per_rank ? static_cast<double>(group.size) * task.payload : task.payload;
    if (group.size < 2 || !(payload > Bytes{})) return {};
    return models_.collective(task.collective, group, payload).time;
  }

  void join() {
    meeting_of_.resize(recorded_.ranks.size());
    std::map<std::pair<MeetingKey, std::int64_t>, std::size_t> numbers;
    std::map<MeetingKey, std::map<std::int64_t, std::int64_t>> counts;
    for (std::size_t r = 0; r < recorded_.ranks.size() && mistakes_.empty(); ++r) {
      const RecordedRank& rank = recorded_.ranks[r];
      meeting_of_[r].assign(rank.tasks.size(), 0);
      for (std::size_t i = 0; i < rank.tasks.size() && mistakes_.empty(); ++i) {
        const RecordedTask& recorded = rank.tasks[i];
        if (recorded.lane != RecordedLane::network) continue;
        const MeetingKey key = key_of(tasks(r)[i], recorded, rank.rank);
        const std::int64_t nth = counts[key][rank.rank]++;
        const auto [found, added] = numbers.try_emplace({key, nth}, meetings_.size());
        if (added) meetings_.emplace_back();
        Meeting& meeting = meetings_[found->second];
        const Seconds time = time_of_meeting(tasks(r)[i], recorded, rank.rank);
        meeting.duration = std::max(meeting.duration, limited(time));
        ++meeting.ranks;
        meeting_of_[r][i] = found->second;
      }
    }
    for (const auto& [key_and_nth, number] : numbers) {
      if (meetings_[number].ranks < counts[key_and_nth.first].size()) ++unmatched_;
    }
  }

  static MeetingKey key_of(const Task& task, const RecordedTask& recorded, std::int64_t rank) {
    if (recorded.peer < 0) {
      return {recorded.group, recorded.members, task.collective, 0, 0, 0};
    }
    return {recorded.group,
            {},
            task.collective,
            recorded.sends ? rank : recorded.peer,
            recorded.sends ? recorded.peer : rank,
            recorded.tag};
  }

  // The graph.

  Seconds duration_of(const Task& task, const RecordedTask& recorded) const {
    if (task.copy != HostCopy::none && !models_.host.known()) return recorded.measured;
    switch (recorded.source) {
      case TimeSource::shape:
      case TimeSource::counts:
      case TimeSource::traffic:
      case TimeSource::link: return models_.cost(task).time;
      case TimeSource::measured: return recorded.measured;
      case TimeSource::none: break;
    }
    return {};
  }

  struct Built {
    TaskGraph graph;
    std::vector<std::vector<TaskId>> start;  ///< [rank][task]: that it begins with
    std::vector<std::vector<TaskId>> end;    ///< [rank][task]
  };

  Built build(const SimulateOptions& options) {
    Built built;
    for (Meeting& meeting : meetings_)
      meeting.done = built.graph.add_delay(meeting.duration);
    const std::vector<double> factors = factors_of_ranks(system_.device_count(), options);
    Jitter jitter(options.jitter);
    for (std::size_t r = 0; r < recorded_.ranks.size(); ++r) {
      const auto rank = static_cast<std::uint64_t>(recorded_.ranks[r].rank);
      jitter.start(options.seed, 0, rank, 0);
      add_rank(r, factors[rank], options.jitter > 0 ? &jitter : nullptr, built);
    }
    return built;
  }

  void add_rank(std::size_t r, double factor, Jitter* jitter, Built& built) {
    const RecordedRank& rank = recorded_.ranks[r];
    std::array<TaskId, kLanes> last{};
    last.fill(kNone);
    std::vector<TaskId>& start = built.start.emplace_back();
    std::vector<TaskId>& end = built.end.emplace_back();
    start.reserve(rank.tasks.size());
    end.reserve(rank.tasks.size());
    for (std::size_t i = 0; i < rank.tasks.size(); ++i) {
      const RecordedTask& recorded = rank.tasks[i];
      const Task& task = tasks(r)[i];
      const bool meets = recorded.lane == RecordedLane::network;
      Seconds time = meets ? Seconds{} : duration_of(task, recorded);
      if (recorded.lane == RecordedLane::operators) {
        time = (jitter == nullptr ? factor : factor * jitter->next()) * time;
      }
      const TaskId id = built.graph.add_delay(limited(time));
      for (const std::uint32_t before : task.after)
        built.graph.add_edge(end[before], id);
      TaskId& lane = last[static_cast<std::size_t>(recorded.lane)];
      if (recorded.lane != RecordedLane::joint && lane != kNone) built.graph.add_edge(lane, id);
      start.push_back(id);
      end.push_back(id);
      if (meets) {
        end.back() = meetings_[meeting_of_[r][i]].done;
        built.graph.add_edge(id, end.back());
      }
      // Sends and receives are posted one after the other, and end when they may.
      lane = recorded.peer >= 0 ? id : end.back();
    }
  }

  /// Whether each task can start; else `stuck_` says which cannot.
  bool runs(const Built& built) {
    std::vector<std::uint32_t> waits(built.graph.size(), 0);
    std::vector<std::vector<TaskId>> followers(built.graph.size());
    for (const auto& [from, to] : built.graph.edges()) {
      ++waits[to];
      followers[from].push_back(to);
    }
    std::vector<TaskId> ready;
    for (TaskId id = 0; id < built.graph.size(); ++id) {
      if (waits[id] == 0) ready.push_back(id);
    }
    std::size_t done = 0;
    while (!ready.empty()) {
      const TaskId id = ready.back();
      ready.pop_back();
      ++done;
      for (const TaskId follower : followers[id]) {
        if (--waits[follower] == 0) ready.push_back(follower);
      }
    }
    if (done == built.graph.size()) return true;
    stuck_ = "ranks wait for each other for ever";
    for (std::size_t r = 0; r < built.end.size(); ++r) {
      for (std::size_t i = 0; i < built.end[r].size(); ++i) {
        if (waits[built.end[r][i]] == 0) continue;
        *stuck_ +=
            ": rank " + std::to_string(recorded_.ranks[r].rank) + " at " + name_of_task(r, i);
        return false;
      }
    }
    return false;
  }

  const std::string& name_of_task(std::size_t rank, std::size_t task) const {
    return recorded_.program.op_names[rank][tasks(rank)[task].op];
  }

  RecordedRun run_with(const SimulateOptions& options) {
    total_ = 0;
    const Built built = build(options);
    if (stuck_ || !runs(built)) return {};
    const GraphRun run = run_graph(built.graph);
    RecordedRun result;
    result.unmatched = unmatched_;
    result.host_link_known = models_.host.known();
    Simulation& simulation = result.simulation;
    simulation.step = to_seconds(run.makespan);
    simulation.devices = static_cast<std::int64_t>(recorded_.ranks.size());
    simulation.tasks = static_cast<std::int64_t>(built.graph.size());
    for (std::size_t r = 0; r < recorded_.ranks.size(); ++r)
      add_times(r, built, run, result);
    if (options.timeline) simulation.timeline = draw(built, run, options.max_spans);
    return result;
  }

  void add_times(std::size_t r, const Built& built, const GraphRun& run,
                 RecordedRun& result) const {
    RoleTime role;
    role.pipeline_rank = recorded_.ranks[r].rank;
    std::vector<RecordedTime>& times = result.times.emplace_back();
    times.reserve(built.end[r].size());
    for (std::size_t i = 0; i < built.end[r].size(); ++i) {
      const RecordedTask& recorded = recorded_.ranks[r].tasks[i];
      RecordedTime time{
          to_seconds(run.start[built.start[r][i]]), to_seconds(run.end[built.end[r][i]]), {}};
      if (recorded.lane == RecordedLane::network) {
        time.start = to_seconds(run.end[built.start[r][i]]);
        time.transfer = to_seconds(meetings_[meeting_of_[r][i]].duration);
        role.communicating += time.transfer;
      } else if (recorded.lane == RecordedLane::operators) {
        role.computing += time.end - time.start;
      }
      role.finish = std::max(role.finish, time.end);
      times.push_back(time);
    }
    role.passes_end = role.finish;
    result.simulation.roles.push_back(role);
  }

  /// The earliest first, so that what is left out is the end.
  Timeline draw(const Built& built, const GraphRun& run, std::int64_t most) const {
    Timeline timeline;
    timeline.origin = Origin::simulated;
    timeline.title = recorded_.program.workload + " on " + system_.id;
    std::map<std::string, std::uint32_t, std::less<>> names;
    const auto name = [&](std::string_view text) {
      const auto [found, added] =
          names.try_emplace(std::string(text), static_cast<std::uint32_t>(timeline.names.size()));
      if (added) timeline.names.emplace_back(text);
      return found->second;
    };
    for (std::size_t r = 0; r < built.end.size(); ++r) {
      for (std::size_t lane = 0; lane + 1 < kLanes; ++lane) {
        timeline.lanes.push_back(
            {"rank " + std::to_string(recorded_.ranks[r].rank), std::string(kLaneNames[lane])});
      }
      for (std::size_t i = 0; i < built.end[r].size(); ++i) {
        const RecordedLane lane = recorded_.ranks[r].tasks[i].lane;
        if (lane == RecordedLane::joint) continue;
        const bool meets = lane == RecordedLane::network;
        const Picoseconds start = meets ? run.end[built.start[r][i]] : run.start[built.start[r][i]];
        timeline.spans.push_back(
            {static_cast<std::uint32_t>(r * (kLanes - 1) + static_cast<std::size_t>(lane)),
             name(name_of_task(r, i)), name(kLaneNames[static_cast<std::size_t>(lane)]), start,
             run.end[built.end[r][i]] - start, meets ? Bound::network : Bound::compute});
      }
    }
    std::stable_sort(timeline.spans.begin(), timeline.spans.end(),
                     [](const Span& a, const Span& b) { return a.start < b.start; });
    const auto kept = static_cast<std::size_t>(std::max<std::int64_t>(0, most));
    if (timeline.spans.size() > kept) {
      timeline.dropped = static_cast<std::int64_t>(timeline.spans.size() - kept);
      timeline.spans.resize(kept);
      timeline.notes.push_back(std::to_string(timeline.dropped) +
                               " operators and transfers at the end are left out");
    }
    return timeline;
  }

  const RecordedProgram& recorded_;
  const System& system_;
  Models models_;
  std::vector<Meeting> meetings_;
  std::vector<std::vector<std::size_t>> meeting_of_;  ///< [rank][task]
  std::int64_t unmatched_ = 0;
  std::optional<std::string> stuck_;  ///< why it cannot run
  double total_ = 0;                  ///< picoseconds of all tasks
  Diagnostics mistakes_;
};

}  // namespace

Result<RecordedRun> simulate_recorded(const RecordedProgram& recorded, const System& system,
                                      const SimulateOptions& options) {
  Diagnostics mistakes = mistakes_in(options, system, system.device_count());
  if (!system.device.has_data_sheet()) {
    mistakes.push_back({{system.id},
                        "the device has no data sheet",
                        "fastpath catalog devices lists those that have one"});
  }
  const System slowed = with_slow_links(system, options.slow_links);
  const RecordedSimulator checked(recorded, slowed);
  for (Diagnostic& mistake : checked.mistakes())
    mistakes.push_back(std::move(mistake));
  if (recorded.ranks.empty()) mistakes.push_back({{"simulate"}, "there is no rank to run", {}});
  if (!mistakes.empty()) return failure(std::move(mistakes));
  Result<RecordedRun> result = RecordedSimulator(recorded, slowed).run(options);
  if (!result || options.slow_links.empty()) return result;
  const Result<RecordedRun> before = RecordedSimulator(recorded, system).run({});
  if (before) result->simulation.undisturbed = before->simulation.step;
  return result;
}

}  // namespace fastpath
