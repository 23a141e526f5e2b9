#include <algorithm>

#include <fmt/format.h>

#include "analyze/trace/trace_findings.h"
#include "base/units.h"

namespace fastpath {
namespace {

/// What saves less of the time is not worth a line.
constexpr double kWorthwhile = 0.01;

std::string text_of(Picoseconds time) {
  return format_quantity(Seconds{static_cast<double>(time) * 1e-12}, 3);
}

class Adviser {
 public:
  Adviser(const std::vector<RankAnalysis>& ranks, const JobAnalysis& job)
      : ranks_(ranks), job_(job) {}

  std::vector<Recommendation> run() {
    for (const RankAnalysis& rank : ranks_) {
      for (std::size_t i = 0; i < rank.devices.size(); ++i) {
        rank_ = &rank;
        time_ = &rank.devices[i];
        advise_on_device();
        if (i < rank.idle.size()) advise_on_idle(rank.idle[i]);
      }
    }
    advise_on_stragglers();
    std::stable_sort(all_.begin(), all_.end(),
                     [](const auto& a, const auto& b) { return a.saves > b.saves; });
    // Of what is said of several ranks, the one with most to gain.
    std::vector<Recommendation> first;
    for (Recommendation& one : all_) {
      const bool known = std::any_of(first.begin(), first.end(),
                                     [&](const auto& other) { return other.what == one.what; });
      if (!known) first.push_back(std::move(one));
    }
    return first;
  }

 private:
  std::string where() const {
    return ranks_.size() == 1 ? std::string() : fmt::format(" (rank {})", rank_->rank);
  }

  void add(std::string what, Picoseconds saves, const std::string& evidence) {
    if (static_cast<double>(saves) < kWorthwhile * static_cast<double>(time_->total)) return;
    all_.push_back({std::move(what), evidence + where(), saves, time_->total});
  }

  void advise_on_device() {
    add("hide communication behind compute", std::min(time_->exposed_communication, time_->compute),
        fmt::format("{} of {} exposed", text_of(time_->exposed_communication),
                    text_of(time_->communication)));
    add("hide copies behind kernels: pinned, own stream",
        std::min(time_->exposed_copies, time_->compute),
        fmt::format("{} of {} exposed", text_of(time_->exposed_copies), text_of(time_->copies)));
  }

  void advise_on_idle(const IdleCauses& idle) {
    const LaunchStatistics& launches = rank_->launches;
    add("launch faster: graphs, compile, fuse", idle.host + idle.call,
        fmt::format("{} of {} launches outlast their work", launches.short_work,
                    launches.work.count));
    add("feed input faster: workers, prefetching", idle.input,
        fmt::format("idle for {} while loading", text_of(idle.input)));
    add("remove waits of the host: .item(), synchronize", idle.sync,
        fmt::format("idle for {} after waits", text_of(idle.sync)));
  }

  void advise_on_stragglers() {
    if (job_.stragglers.empty() || ranks_.empty() || ranks_[0].devices.empty()) return;
    const StragglerRow& worst = job_.stragglers.front();
    rank_ = &ranks_[0];
    time_ = &ranks_[0].devices[0];
    const auto others = static_cast<Picoseconds>(ranks_.size() - 1);
    all_.push_back(
        {fmt::format("look at rank {}, for which the others wait", worst.rank),
         fmt::format("it comes last to {} of {} collectives; the others wait {} each "
                     "for it",
                     worst.came_last, job_.collectives.size(), text_of(worst.caused / others)),
         worst.caused / others, time_->total});
    if (static_cast<double>(all_.back().saves) < kWorthwhile * static_cast<double>(time_->total)) {
      all_.pop_back();
    }
  }

  const std::vector<RankAnalysis>& ranks_;
  const JobAnalysis& job_;
  const RankAnalysis* rank_ = nullptr;
  const TimeBreakdown* time_ = nullptr;
  std::vector<Recommendation> all_;
};

}  // namespace

std::vector<Recommendation> recommend(const std::vector<RankAnalysis>& ranks,
                                      const JobAnalysis& job) {
  return Adviser(ranks, job).run();
}

}  // namespace fastpath
