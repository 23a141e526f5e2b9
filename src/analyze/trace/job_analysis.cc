#include "analyze/trace/job_analysis.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fastpath {
namespace {

constexpr Picoseconds kPicosecondsPerNanosecond = 1000;

/// A collective of one rank with its place in the order of its name and group.
struct Key {
  std::string group;
  std::string name;
  std::int64_t sequence = 0;
  auto operator<=>(const Key&) const = default;
};

struct Part {
  std::size_t rank = 0;  ///< index into the ranks
  const CollectiveRun* run = nullptr;
};

using Joined = std::map<Key, std::vector<Part>>;

/// All ranks leave these together; a rank may leave others early.
bool joins_all(std::string_view name) {
  return name == "all_reduce" || name == "all_gather" || name == "reduce_scatter" ||
         name == "all_to_all" || name == "barrier" || name == "send_recv";
}

Joined join(const std::vector<RankAnalysis>& ranks) {
  Joined joined;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    std::map<std::pair<std::string, std::string>, std::int64_t> counts;
    for (const CollectiveRun& run : ranks[r].collectives) {
      const std::int64_t sequence = counts[{run.group, run.name}]++;
      joined[{run.group, run.name, sequence}].push_back({r, &run});
    }
  }
  return joined;
}

Picoseconds median(std::vector<Picoseconds> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Start of a rank's time 0 relative to that of rank 0, by the bases that the traces state.
Picoseconds stated_base(const std::vector<RankAnalysis>& ranks, std::size_t rank) {
  if (!ranks[rank].epoch_base || !ranks[0].epoch_base) return 0;
  constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
  const std::int64_t difference = ranks[rank].base_nanoseconds - ranks[0].base_nanoseconds;
  return std::clamp(difference, -24 * kHour, 24 * kHour) * kPicosecondsPerNanosecond;
}

std::vector<ClockOffset> align(const std::vector<RankAnalysis>& ranks, const Joined& joined,
                               const std::vector<Picoseconds>& bases) {
  std::vector<std::vector<Picoseconds>> differences(ranks.size());
  for (const auto& [key, parts] : joined) {
    if (!joins_all(key.name) || parts.size() < 2 || parts[0].rank != 0) continue;
    const auto end = [&](const Part& part) {
      return bases[part.rank] + part.run->start + part.run->duration;
    };
    for (const Part& part : parts) {
      if (part.rank != 0) differences[part.rank].push_back(end(part) - end(parts[0]));
    }
  }
  std::vector<ClockOffset> clocks;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    ClockOffset clock;
    clock.rank = ranks[r].rank;
    std::vector<Picoseconds>& list = differences[r];
    clock.collectives = static_cast<std::int64_t>(list.size());
    if (!list.empty()) {
      clock.offset = median(list);
      std::sort(list.begin(), list.end());
      clock.spread = list[3 * list.size() / 4] - list[list.size() / 4];
    }
    clocks.push_back(clock);
  }
  return clocks;
}

class JobFigures {
 public:
  explicit JobFigures(const std::vector<RankAnalysis>& ranks) : ranks_(ranks) {
    for (const RankAnalysis& rank : ranks_) {
      StragglerRow row;
      row.rank = rank.rank;
      for (const TimeBreakdown& device : rank.devices)
        row.compute += device.compute;
      stragglers_.push_back(row);
    }
  }

  JobAnalysis run() {
    const Joined joined = join(ranks_);
    for (std::size_t r = 0; r < ranks_.size(); ++r)
      shifts_.push_back(stated_base(ranks_, r));
    job_.clocks = align(ranks_, joined, shifts_);
    for (std::size_t r = 0; r < ranks_.size(); ++r)
      shifts_[r] -= job_.clocks[r].offset;
    for (const auto& [key, parts] : joined) {
      if (parts.size() == 1) {
        ++job_.unmatched;
      } else {
        add(key, parts);
      }
    }
    std::stable_sort(
        job_.collectives.begin(), job_.collectives.end(),
        [](const JointCollective& a, const JointCollective& b) { return a.start < b.start; });
    std::stable_sort(
        stragglers_.begin(), stragglers_.end(),
        [](const StragglerRow& a, const StragglerRow& b) { return a.caused > b.caused; });
    job_.stragglers = std::move(stragglers_);
    return std::move(job_);
  }

 private:
  Picoseconds start(const Part& part) const { return shifts_[part.rank] + part.run->start; }

  void add(const Key& key, const std::vector<Part>& parts) {
    JointCollective joint;
    joint.name = key.name;
    joint.group = key.group;
    joint.sequence = key.sequence;
    joint.ranks = static_cast<std::int64_t>(parts.size());
    Picoseconds first = start(parts[0]);
    Picoseconds end = first;
    std::size_t last = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      joint.payload = std::max(joint.payload, parts[i].run->payload);
      first = std::min(first, start(parts[i]));
      end = std::max(end, start(parts[i]) + parts[i].run->duration);
      if (start(parts[i]) > start(parts[last])) last = i;
    }
    joint.start = start(parts[last]);
    joint.skew = joint.start - first;
    joint.transfer = end - joint.start;
    joint.last_rank = ranks_[parts[last].rank].rank;
    for (const Part& part : parts) {
      // A rank that is done before the last one came did not wait for it.
      const Picoseconds waited = std::min(joint.start - start(part), part.run->duration);
      stragglers_[part.rank].waited += waited;
      joint.waited += waited;
    }
    StragglerRow& straggler = stragglers_[parts[last].rank];
    ++straggler.came_last;
    straggler.caused += joint.waited;
    job_.collectives.push_back(std::move(joint));
  }

  const std::vector<RankAnalysis>& ranks_;
  std::vector<Picoseconds> shifts_;  ///< of a rank's times to the first one's
  std::vector<StragglerRow> stragglers_;
  JobAnalysis job_;
};

}  // namespace

JobAnalysis analyze_job(const std::vector<RankAnalysis>& ranks) {
  if (ranks.size() < 2) return {};
  return JobFigures(ranks).run();
}

}  // namespace fastpath
