#include "engine/fed_run.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "engine/simulate/jitter.h"
#include "ir/input_names.h"

namespace fastpath {
namespace {

constexpr std::int64_t kMostRanks = 1024;  ///< that are simulated; more are like them
constexpr double kPicosecondsPerSecond = 1e12;

/// A rank's producer and the queue behind it. A batch that finds no room waits in the producer.
class RankInput {
 public:
  RankInput(std::int64_t prefetch, Seconds batch)
      : taken_(static_cast<std::size_t>(std::max<std::int64_t>(1, prefetch))),
        room_(static_cast<std::size_t>(prefetch)),
        batch_(batch) {}

  /// When the next batch can be taken, if its preparation takes `factor` of the usual time.
  Seconds next(double factor) {
    const Seconds made = free_ + factor * batch_;
    // The batch as many places before has left the queue.
    const Seconds room =
        room_ == 0 || count_ < room_ ? Seconds{} : taken_[(count_ - room_) % room_];
    free_ = std::max(made, room);
    return made;
  }

  void take(Seconds when) {
    if (room_ == 0) {
      free_ = std::max(free_, when);  // nobody else can hold it
    } else {
      taken_[count_ % room_] = when;
    }
    ++count_;
  }

 private:
  std::vector<Seconds> taken_;  ///< the last times, a ring
  std::size_t room_ = 0;
  std::size_t count_ = 0;
  Seconds batch_;
  Seconds free_;  ///< the producer can start the next batch
};

/// Standard deviation of the logarithm of a log-normal whose deviation over mean is `variation`.
double sigma_of(double variation) { return std::sqrt(std::log1p(variation * variation)); }

Picoseconds picoseconds(Seconds time) {
  return static_cast<Picoseconds>(std::llround(time.base() * kPicosecondsPerSecond));
}

std::uint32_t add_name(Timeline& timeline, std::string_view text) {
  timeline.names.emplace_back(text);
  return static_cast<std::uint32_t>(timeline.names.size() - 1);
}

/// Lanes that begin a process.
std::vector<std::uint32_t> first_lanes(const Timeline& timeline) {
  std::vector<std::uint32_t> lanes;
  for (std::size_t i = 0; i < timeline.lanes.size(); ++i) {
    if (i == 0 || timeline.lanes[i].process != timeline.lanes[i - 1].process) {
      lanes.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return lanes;
}

void shift(Timeline& timeline, Picoseconds by) {
  for (Span& span : timeline.spans)
    span.start += by;
  for (CounterSample& sample : timeline.counters)
    sample.time += by;
}

void add_stalls(Timeline& timeline, Picoseconds stall, std::vector<Span>& spans) {
  if (stall <= 0) return;
  const std::uint32_t name = add_name(timeline, "wait for samples");
  const std::uint32_t category = add_name(timeline, "stall");
  for (const std::uint32_t lane : first_lanes(timeline))
    spans.push_back({lane, name, category, 0, stall, Bound::bubble});
}

void add_stages(Timeline& timeline, const FedStep& step, const FedEpoch& epoch,
                std::vector<Span>& spans) {
  const std::uint32_t category = add_name(timeline, "input");
  const Picoseconds period = makespan(timeline);
  for (const StageRate& stage : epoch.feed.stages) {
    if (stage.stage == InputStage::accelerator) continue;
    const std::uint32_t name = add_name(timeline, name_of(stage.stage));
    timeline.lanes.push_back({"input", std::string(name_of(stage.stage))});
    const Seconds busy{step.samples / stage.rate.base()};
    const Bound bound = stage.stage == InputStage::fetch ? Bound::memory : Bound::compute;
    spans.push_back({static_cast<std::uint32_t>(timeline.lanes.size() - 1), name, category, 0,
                     std::min(picoseconds(busy), period), bound});
  }
}

}  // namespace

FedRun simulate_fed(const FedStep& step, const FedEpoch& epoch, const FedRunOptions& options) {
  const std::int64_t ranks = std::min(step.pipeline.accelerators, kMostRanks);
  const Seconds batch{step.samples / epoch.feed.input.base()};
  Jitter draw(sigma_of(step.pipeline.variation));
  draw.start(options.seed, 0, 0, 0);
  std::vector<RankInput> inputs(static_cast<std::size_t>(ranks),
                                RankInput(step.pipeline.prefetch, batch));
  FedRun run;
  run.steps = options.steps;
  Seconds end;
  Seconds first_end;
  for (std::int64_t i = 0; i < options.steps; ++i) {
    Seconds start = end;
    for (RankInput& input : inputs)
      start = std::max(start, input.next(draw.next()));
    for (RankInput& input : inputs)
      input.take(start);
    end = start + step.compute;
    if (i == 0) {
      run.first = start;
      first_end = end;
    }
  }
  const double later = static_cast<double>(std::max<std::int64_t>(1, options.steps - 1));
  run.step = options.steps > 1 ? (end - first_end) / later : end;
  run.stall = std::max(Seconds{}, run.step - step.compute);
  return run;
}

Timeline with_input(Timeline timeline, const FedStep& step, const FedEpoch& epoch) {
  const Picoseconds stall = picoseconds(epoch.stall);
  shift(timeline, stall);
  std::vector<Span> spans;
  add_stalls(timeline, stall, spans);
  add_stages(timeline, step, epoch, spans);
  // All of them start at 0, in front of the others; edges name spans by their place.
  for (Edge& edge : timeline.edges) {
    edge.from += static_cast<std::uint32_t>(spans.size());
    edge.to += static_cast<std::uint32_t>(spans.size());
  }
  timeline.spans.insert(timeline.spans.begin(), spans.begin(), spans.end());
  timeline.notes.emplace_back(
      "one period of the steady state: the pipeline makes the next step's samples meanwhile");
  return timeline;
}

}  // namespace fastpath
