#include "engine/simulate/messages.h"

#include <bit>
#include <cmath>
#include <string>

#include "fastpath/fastpath.h"

#include "ir/names.h"
#include "model/collective_forms.h"

namespace fastpath {
namespace {

using Algorithm = CollectiveAlgorithm;

constexpr double kPicosecondsPerSecond = 1e12;

std::int64_t rounds(std::int64_t ranks) {
  return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(ranks) - 1));
}

bool power_of_two(std::int64_t ranks) {
  return std::has_single_bit(static_cast<std::uint64_t>(ranks));
}

/// Halves while gathering or scattering: at round r of `all`, partners are 2^r apart.
Message exchange(std::int64_t rank, std::int64_t round, Bytes size) {
  return {rank ^ (std::int64_t{1} << round), size};
}

Message halving(const CollectiveJob& job, std::int64_t phase, std::int64_t rank) {
  const auto ranks = static_cast<std::int64_t>(job.ranks.size());
  const std::int64_t all = rounds(ranks);
  const bool scatters = job.collective != Collective::all_gather && phase < all;
  const std::int64_t round = scatters ? phase : all - 1 - phase % all;
  // Scattering: a half first, then a quarter; gathering: the same backwards.
  return exchange(rank, round, job.payload / std::exp2(static_cast<double>(round + 1)));
}

}  // namespace

std::optional<MessagePhases> phases_of(Algorithm algorithm, Collective collective,
                                       std::int64_t ranks) {
  if (!collective_form(algorithm, collective, static_cast<double>(ranks))) return std::nullopt;
  const bool reduces = collective == Collective::all_reduce;
  const std::int64_t ways = reduces ? 2 : 1;
  const bool rooted = collective == Collective::broadcast || collective == Collective::reduce;
  switch (algorithm) {
    case Algorithm::ring:
      if (rooted) return std::nullopt;  // pipelined in chunks
      return MessagePhases{ranks, ways * (ranks - 1), 1};
    case Algorithm::doubling:
      if (collective == Collective::all_to_all) return std::nullopt;
      if (!power_of_two(ranks) && !rooted) return std::nullopt;
      return MessagePhases{ranks, rounds(ranks), 1};
    case Algorithm::halving:
      if (!power_of_two(ranks) || rooted) return std::nullopt;
      return MessagePhases{ranks, ways * rounds(ranks), 1};
    case Algorithm::pairwise:
      if (collective == Collective::send_recv) {
        return ranks == 2 ? std::optional(MessagePhases{2, 1, 1}) : std::nullopt;
      }
      return MessagePhases{ranks, ranks - 1, 1};
    case Algorithm::one_shot: return MessagePhases{ranks, 1, ranks - 1};
    case Algorithm::two_shot: return MessagePhases{ranks, ways, ranks - 1};
    default: return std::nullopt;
  }
}

std::optional<Message> message_of(const CollectiveJob& job, const MessagePhases& phases,
                                  std::int64_t phase, std::int64_t rank, std::int64_t index) {
  const std::int64_t ranks = phases.ranks;
  const Bytes share = job.payload / static_cast<double>(ranks);
  switch (job.algorithm) {
    case Algorithm::ring: return Message{(rank + 1) % ranks, share};
    case Algorithm::pairwise:
      if (job.collective == Collective::send_recv) {
        return rank == 0 ? std::optional(Message{1, job.payload}) : std::nullopt;
      }
      return Message{(rank + 1 + phase) % ranks, share};
    case Algorithm::one_shot:
      return Message{(rank + 1 + index) % ranks,
                     job.collective == Collective::all_reduce ? job.payload : share};
    case Algorithm::two_shot: return Message{(rank + 1 + index) % ranks, share};
    case Algorithm::halving: return halving(job, phase, rank);
    default: break;
  }
  const std::int64_t distance = std::int64_t{1} << phase;
  if (job.collective == Collective::broadcast) {
    const bool sends = rank < distance && rank + distance < ranks;
    return sends ? std::optional(Message{rank + distance, job.payload}) : std::nullopt;
  }
  if (job.collective == Collective::reduce) {  // the broadcast backwards
    const std::int64_t half = std::int64_t{1} << (phases.phases - 1 - phase);
    const bool sends = rank >= half && rank < 2 * half;
    return sends ? std::optional(Message{rank - half, job.payload}) : std::nullopt;
  }
  if (job.collective == Collective::all_reduce) return exchange(rank, phase, job.payload);
  const bool gathers = job.collective == Collective::all_gather;
  const std::int64_t round = gathers ? phase : phases.phases - 1 - phase;
  return exchange(rank, round, static_cast<double>(std::int64_t{1} << round) * share);
}

namespace {

/// Builds the tasks of one job, phase by phase.
class MessageGraph {
 public:
  MessageGraph(const CollectiveJob& job, const Fabric& fabric, TaskGraph& graph,
               SimulatedCollective& totals)
      : job_(job),
        phases_(
            *phases_of(job.algorithm, job.collective, static_cast<std::int64_t>(job.ranks.size()))),
        fabric_(fabric),
        graph_(graph),
        totals_(totals),
        before_(job.ranks.size()),
        after_(job.ranks.size()),
        known_(job.ranks.size()) {}

  TaskId build() {
    const auto all = static_cast<std::size_t>(phases_.ranks * phases_.phases * phases_.messages);
    graph_.reserve(graph_.size() + all + 2, graph_.edges().size() + 2 * all);
    const TaskId first = graph_.add_delay(std::llround(job_.start.base() * kPicosecondsPerSecond));
    for (auto& waits : before_)
      waits = {first};
    for (std::int64_t phase = 0; phase < phases_.phases; ++phase)
      add_phase(phase);
    const TaskId last = graph_.add_delay(0);
    for (const auto& waits : before_) {
      for (const TaskId task : waits)
        graph_.add_edge(task, last);
    }
    return last;
  }

 private:
  void add_phase(std::int64_t phase) {
    for (std::int64_t rank = 0; rank < phases_.ranks; ++rank) {
      join(rank);
      for (std::int64_t i = 0; i < phases_.messages; ++i) {
        if (const auto message = message_of(job_, phases_, phase, rank, i)) send(rank, *message);
      }
    }
    for (std::size_t rank = 0; rank < before_.size(); ++rank) {
      if (after_[rank].empty()) continue;
      before_[rank].swap(after_[rank]);
      after_[rank].clear();
    }
  }

  /// Many messages that wait for many need one task between them.
  void join(std::int64_t rank) {
    auto& waits = before_[static_cast<std::size_t>(rank)];
    if (phases_.messages == 1 || waits.size() == 1) return;
    const TaskId joint = graph_.add_delay(0);
    for (const TaskId task : waits)
      graph_.add_edge(task, joint);
    waits = {joint};
  }

  void send(std::int64_t rank, const Message& message) {
    const auto from = static_cast<std::size_t>(rank);
    const auto to = static_cast<std::size_t>(message.to);
    const Known& way = way_to(from, to);
    const TaskId task = graph_.add_transfer(message.size.base(), way.route, way.latency);
    for (const TaskId before : before_[from])
      graph_.add_edge(before, task);
    after_[from].push_back(task);
    after_[to].push_back(task);
    ++totals_.messages;
    totals_.sent += message.size;
  }

  /// A rank often sends to the same one again.
  struct Known {
    std::size_t to = static_cast<std::size_t>(-1);
    RouteId route = 0;
    Picoseconds latency = 0;
  };

  const Known& way_to(std::size_t from, std::size_t to) {
    Known& known = known_[from];
    if (known.to != to) {
      known = {to, graph_.add_route(fabric_.way(job_.ranks[from], job_.ranks[to])),
               fabric_.latency(job_.ranks[from], job_.ranks[to])};
    }
    return known;
  }

  const CollectiveJob& job_;
  MessagePhases phases_;
  const Fabric& fabric_;
  TaskGraph& graph_;
  SimulatedCollective& totals_;
  std::vector<std::vector<TaskId>> before_;  ///< by rank: what its next phase waits for
  std::vector<std::vector<TaskId>> after_;   ///< by rank: the same, of the phase in the making
  std::vector<Known> known_;                 ///< by rank
};

/// The closed form on the slowest of the levels that the ranks use.
Seconds closed_form(const System& system, const CollectiveJob& job) {
  const auto form =
      collective_form(job.algorithm, job.collective, static_cast<double>(job.ranks.size()));
  Seconds slowest;
  std::int64_t below = 1;
  for (const Level& level : system.levels) {
    const std::int64_t reach = below * level.count;
    bool used = false;
    for (std::size_t i = 1; i < job.ranks.size(); ++i) {
      const std::int64_t a = job.ranks[i - 1];
      const std::int64_t b = job.ranks[i];
      used = used || (a / below != b / below && a / reach == b / reach);
    }
    below = reach;
    if (!used) continue;
    const Seconds time =
        form->messages * level.latency.value +
        form->volume * job.payload / (level.achieved.value * level.bandwidth.value);
    slowest = std::max(slowest, time);
  }
  return slowest;
}

Diagnostics mistakes_in(const System& system, const CollectiveJob& job) {
  Diagnostics mistakes;
  const auto add = [&](std::string what, std::string hint) {
    mistakes.push_back({Place{"collective", 0, 0}, std::move(what), std::move(hint)});
  };
  const auto ranks = static_cast<std::int64_t>(job.ranks.size());
  if (ranks < 2) {
    add("a collective of " + std::to_string(ranks) + " ranks", "give at least 2");
    return mistakes;
  }
  if (!(job.payload > Bytes{}) || !std::isfinite(job.payload.base())) {
    add("the payload must be above 0", "give its size, such as 1 MiB");
  }
  if (!(job.start >= Seconds{}) || !std::isfinite(job.start.base())) {
    add("the start must not be negative", "count from the first job's start");
  }
  if (!phases_of(job.algorithm, job.collective, ranks)) {
    add(std::string(name_of(job.algorithm)) + " does not run " +
            std::string(name_of(job.collective)) + " of " + std::to_string(ranks) +
            " ranks message by message",
        "ring, pairwise, one_shot, two_shot; doubling and halving of 2, 4, 8, ... ranks");
  }
  std::vector<bool> seen(static_cast<std::size_t>(system.device_count()), false);
  for (const std::int64_t rank : job.ranks) {
    if (rank < 0 || rank >= system.device_count()) {
      add("rank " + std::to_string(rank) + " is not on '" + system.id + "', which has " +
              std::to_string(system.device_count()) + " devices",
          "ranks count from 0");
    } else if (seen[static_cast<std::size_t>(rank)]) {
      add("rank " + std::to_string(rank) + " is there twice", "name each rank once");
    } else {
      seen[static_cast<std::size_t>(rank)] = true;
    }
  }
  return mistakes;
}

}  // namespace

TaskId add_messages(const CollectiveJob& job, const Fabric& fabric, TaskGraph& graph,
                    SimulatedCollective& totals) {
  return MessageGraph(job, fabric, graph, totals).build();
}

Result<std::vector<SimulatedCollective>> simulate_collectives(
    const System& system, const std::vector<CollectiveJob>& jobs) {
  Diagnostics mistakes;
  for (const CollectiveJob& job : jobs) {
    for (Diagnostic& mistake : mistakes_in(system, job))
      mistakes.push_back(std::move(mistake));
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  TaskGraph graph;
  const Fabric fabric(system, graph);
  std::vector<SimulatedCollective> results(jobs.size());
  std::vector<TaskId> ends;
  for (std::size_t i = 0; i < jobs.size(); ++i)
    ends.push_back(add_messages(jobs[i], fabric, graph, results[i]));
  const GraphRun run = run_graph(graph);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    results[i].time =
        Seconds{static_cast<double>(run.end[ends[i]]) / kPicosecondsPerSecond} - jobs[i].start;
    results[i].alone = closed_form(system, jobs[i]);
  }
  return results;
}

}  // namespace fastpath
