#include "serve/serve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <tuple>

#include "base/check.h"

namespace fastpath {
namespace {

/// What happens to a request outside of replicas.
enum class Arriving : std::uint8_t {
  arrives,      ///< at the front end
  enters,       ///< a pool's router
  transferred,  ///< enters the router of workers that decode, its prompt done elsewhere
  scales,       ///< no request: how many replicas are up is decided
  is_up,        ///< no request: a started replica takes requests from now on
};

struct Arrival {
  double time = 0;
  std::int32_t request = 0;
  Arriving stage = Arriving::arrives;

  /// Reversed for std::priority_queue; by request where times are equal.
  friend bool operator<(const Arrival& a, const Arrival& b) {
    return std::tie(b.time, b.request) < std::tie(a.time, a.request);
  }
};

class Cluster {
 public:
  Cluster(const RequestStream& stream, const Deployment& deployment, WaitProfile* profile,
          std::vector<IterationRecord>* log)
      : stream_(stream), deployment_(deployment), profile_(profile), log_(log) {
    add_replicas(deployment.prefill);
    prefill_ = replicas_.size();
    add_replicas(deployment.serving);
    up_.assign(replicas_.size(), State::up);
    ready_.assign(replicas_.size(), 0);
    if (scales()) {
      const auto least = prefill_ + static_cast<std::size_t>(deployment.autoscaling.least);
      std::fill(up_.begin() + static_cast<std::ptrdiff_t>(least), up_.end(), State::down);
      note_scale(0);
    }
    result_.requests.resize(stream.requests.size());
    followers_.resize(stream.requests.size());
    for (std::size_t i = 0; i < stream.requests.size(); ++i) {
      const std::int64_t after = stream.requests[i].after;
      if (after >= 0) followers_[static_cast<std::size_t>(after)].push_back(i);
    }
  }

  ServeResult run() {
    first_arrivals();
    if (scales()) arrivals_.push({0, -1, Arriving::scales});
    while (true) {
      const std::size_t soonest = soonest_replica();
      const double end = soonest == kNone ? kNever : *replicas_[soonest].next();
      if (!arrivals_.empty() && arrivals_.top().time <= end) {
        const Arrival arrival = arrivals_.top();
        arrivals_.pop();
        handle(arrival);
      } else if (soonest != kNone) {
        events_.clear();
        replicas_[soonest].advance(events_);
        for (const TokenEvent& event : events_)
          record(event, soonest);
      } else {
        break;
      }
    }
    finish();
    return std::move(result_);
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  enum class State : std::uint8_t { down, starting, up, draining };

  void add_replicas(const ReplicaGroup& group) {
    for (std::int64_t i = 0; i < group.count; ++i) {
      replicas_.emplace_back(group.engine, group.pool,
                             IterationCost(group.table, group.engine, group.draft), profile_);
      if (log_ != nullptr)
        replicas_.back().record_to(*log_, static_cast<std::int32_t>(replicas_.size() - 1));
    }
  }

  void handle(const Arrival& arrival) {
    switch (arrival.stage) {
      case Arriving::arrives: pass_front_end(arrival); break;
      case Arriving::scales: scale(arrival.time); break;
      case Arriving::is_up: take_up(static_cast<std::size_t>(arrival.request), arrival.time); break;
      case Arriving::enters:
      case Arriving::transferred: route(arrival); break;
    }
  }

  bool scales() const { return deployment_.autoscaling.least > 0; }

  /// Replicas that are paid for.
  std::int64_t running_replicas() const {
    const auto down =
        std::count(up_.begin() + static_cast<std::ptrdiff_t>(prefill_), up_.end(), State::down);
    return static_cast<std::int64_t>(up_.size() - prefill_) - down;
  }

  void note_scale(double time) {
    const std::int64_t count = running_replicas();
    paid_ += static_cast<double>(paid_count_) * (time - paid_until_);
    paid_until_ = time;
    paid_count_ = count;
    const bool same = !result_.scaling.empty() && result_.scaling.back().second == count;
    if (!same) result_.scaling.emplace_back(Seconds{time}, count);
  }

  void start_replicas(double time, std::int64_t count) {
    for (std::size_t i = prefill_; i < replicas_.size() && count > 0; ++i) {
      if (up_[i] == State::up || up_[i] == State::starting) continue;
      const bool warm = up_[i] == State::draining;
      up_[i] = warm ? State::up : State::starting;
      ready_[i] = time + deployment_.autoscaling.start_up.base();
      if (!warm) arrivals_.push({ready_[i], static_cast<std::int32_t>(i), Arriving::is_up});
      --count;
    }
  }

  /// What is still starting is given up first, so that one that takes requests is always left.
  void stop_replicas(std::int64_t count) {
    for (const State state : {State::starting, State::up}) {
      for (std::size_t i = replicas_.size(); i-- > prefill_ && count > 0;) {
        if (up_[i] != state) continue;
        up_[i] = replicas_[i].outstanding() == 0 ? State::down : State::draining;
        --count;
      }
    }
  }

  /// As many replicas as bring the load of each to the target, between the least and all.
  void scale(double time) {
    const Autoscaling& rule = deployment_.autoscaling;
    for (std::size_t i = prefill_; i < replicas_.size(); ++i) {
      if (up_[i] == State::draining && replicas_[i].outstanding() == 0) up_[i] = State::down;
    }
    const auto most = static_cast<std::int64_t>(replicas_.size() - prefill_);
    const auto load =
        static_cast<std::int64_t>(std::ceil(static_cast<double>(present_) / rule.target));
    const std::int64_t wanted = std::clamp(load, rule.least, most);
    std::int64_t there = 0;
    for (std::size_t i = prefill_; i < replicas_.size(); ++i)
      there += up_[i] == State::up || up_[i] == State::starting ? 1 : 0;
    start_replicas(time, wanted - there);
    stop_replicas(there - wanted);
    note_scale(time);
    if (present_ > 0 || ended_ < stream_.requests.size())
      arrivals_.push({time + rule.interval.base(), -1, Arriving::scales});
  }

  /// Unless it was given up since, and perhaps started again.
  void take_up(std::size_t replica, double time) {
    if (up_[replica] == State::starting && time >= ready_[replica]) up_[replica] = State::up;
  }

  void first_arrivals() {
    const bool closed = stream_.concurrency > 0;
    for (std::size_t i = 0; i < stream_.requests.size(); ++i) {
      if (stream_.requests[i].after >= 0) continue;
      if (closed && next_ >= static_cast<std::size_t>(stream_.concurrency)) break;
      next_ = i + 1;
      arrive(i, closed ? 0 : stream_.requests[i].arrival.base());
    }
  }

  void arrive(std::size_t request, double time) {
    result_.requests[request].arrival = Seconds{time};
    arrivals_.push({time, static_cast<std::int32_t>(request), Arriving::arrives});
  }

  /// The front end serves the streams of all requests in turn.
  void pass_front_end(Arrival arrival) {
    const Engine& engine = (prefill_ > 0 ? deployment_.prefill : deployment_.serving).engine;
    if (deployment_.most_present > 0) {
      const auto up =
          std::count(up_.begin() + static_cast<std::ptrdiff_t>(prefill_), up_.end(), State::up);
      if (present_ >= deployment_.most_present * static_cast<std::int64_t>(up)) {
        ++present_;
        ++result_.refused;
        turn_away(arrival);
        return;
      }
    }
    const auto others = static_cast<double>(present_++);
    if (profile_ != nullptr) profile_->others += others;
    const Seconds delay = engine.request.value + others * engine.client.value;
    arrival.stage = Arriving::enters;
    arrival.time += delay.base();
    if (delay > Seconds{}) {
      arrivals_.push(arrival);
    } else {
      route(arrival);
    }
  }

  std::size_t soonest_replica() const {
    std::size_t soonest = kNone;
    double time = kNever;
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      const auto next = replicas_[i].next();
      if (!next || *next >= time) continue;
      time = *next;
      soonest = i;
    }
    return soonest;
  }

  double load(std::size_t replica, const Request& request) const {
    const Replica& one = replicas_[replica];
    double tokens = static_cast<double>(one.outstanding_tokens());
    if (deployment_.routing == Routing::prefix_aware) {
      tokens -= static_cast<double>(one.known_chunks(request.prefix)) *
                static_cast<double>(stream_.chunk);
    }
    return tokens;
  }

  std::size_t pick(const Request& request, std::size_t first, std::size_t last) {
    if (deployment_.routing == Routing::round_robin) {
      std::size_t& turn = first == 0 ? turn_ : decode_turn_;
      while (up_[first + turn % (last - first)] != State::up)
        ++turn;
      return first + turn++ % (last - first);
    }
    std::size_t best = first;
    double least = kNever;
    for (std::size_t i = first; i < last; ++i) {
      if (up_[i] != State::up) continue;
      const double tokens = load(i, request);
      if (tokens >= least) continue;
      least = tokens;
      best = i;
    }
    return best;
  }

  void route(const Arrival& arrival) {
    const Request& request = stream_.requests[static_cast<std::size_t>(arrival.request)];
    RequestOutcome& outcome = result_.requests[static_cast<std::size_t>(arrival.request)];
    outcome.input = request.input;
    outcome.output = request.output;
    const bool apart = prefill_ > 0;
    const bool transferred = arrival.stage == Arriving::transferred;
    const bool prefills = apart && !transferred;
    const std::size_t chosen =
        prefills ? pick(request, 0, prefill_) : pick(request, prefill_, replicas_.size());
    const std::int64_t tokens = request.input + request.output;
    if (!replicas_[chosen].fits(tokens) || (prefills && !replicas_[prefill_].fits(tokens))) {
      reject(arrival);
      return;
    }
    outcome.replica = static_cast<std::int32_t>(chosen);
    Job job;
    job.request = arrival.request;
    job.prompt = request.input;
    job.output = prefills ? 1 : request.output - (transferred ? 1 : 0);
    job.transferred = transferred;
    job.prefix = request.prefix;
    const Engine& engine = (prefills ? deployment_.prefill : deployment_.serving).engine;
    if (engine.adapters.slots > 0) job.adapter = request.adapter;
    if (engine.order == QueueOrder::priority && !stream_.classes.empty())
      job.priority = stream_.classes[request.service_class].priority;
    replicas_[chosen].enqueue(job, arrival.time);
  }

  void reject(const Arrival& arrival) {
    ++result_.rejected;
    turn_away(arrival);
  }

  void turn_away(const Arrival& arrival) {
    RequestOutcome& outcome = result_.requests[static_cast<std::size_t>(arrival.request)];
    outcome.input = stream_.requests[static_cast<std::size_t>(arrival.request)].input;
    outcome.output = stream_.requests[static_cast<std::size_t>(arrival.request)].output;
    outcome.replica = -1;
    outcome.scheduled = outcome.first_token = outcome.finish = Seconds{arrival.time};
    ended(arrival.request, arrival.time);
  }

  void record(const TokenEvent& event, std::size_t replica) {
    RequestOutcome& outcome = result_.requests[static_cast<std::size_t>(event.request)];
    const bool decodes_apart = prefill_ > 0 && replica >= prefill_;
    switch (event.kind) {
      case TokenEvent::Kind::scheduled:
        if (decodes_apart) break;
        outcome.scheduled = Seconds{event.time};
        outcome.cached = event.tokens;
        break;
      case TokenEvent::Kind::first_token:
        if (!decodes_apart) outcome.first_token = Seconds{event.time};
        break;
      case TokenEvent::Kind::preempted: ++outcome.preemptions; break;
      case TokenEvent::Kind::finished:
        outcome.generated += event.tokens;
        if (outcome.generated < outcome.output) {
          transfer(event);
        } else {
          outcome.finish = Seconds{event.time};
          ended(event.request, event.time);
        }
    }
  }

  void transfer(const TokenEvent& event) {
    const Request& request = stream_.requests[static_cast<std::size_t>(event.request)];
    const Bytes bytes = static_cast<double>(request.input) * deployment_.cache_token;
    Seconds time = deployment_.transfer_latency;
    if (deployment_.transfer_bandwidth > BytesPerSecond{}) {
      time += bytes / deployment_.transfer_bandwidth;
    }
    arrivals_.push({event.time + time.base(), event.request, Arriving::transferred});
  }

  void ended(std::int32_t request, double time) {
    --present_;
    ++ended_;
    last_ = std::max(last_, time);
    for (const std::size_t follower : followers_[static_cast<std::size_t>(request)])
      arrive(follower, time + stream_.requests[follower].think.base());
    if (stream_.concurrency == 0) return;
    while (next_ < stream_.requests.size()) {
      const std::size_t next = next_++;
      if (stream_.requests[next].after >= 0) continue;
      arrive(next, time);
      return;
    }
  }

  void finish() {
    GapCounts gaps;
    for (const Replica& replica : replicas_) {
      result_.replicas.push_back(replica.stats());
      for (const auto& [gap, count] : replica.gaps().sorted())
        gaps.add(gap.base(), count);
    }
    result_.token_gaps = gaps.sorted();
    result_.duration = Seconds{last_};
    if (scales()) note_scale(std::max(last_, paid_until_));
    result_.replica_time = scales()
                               ? Seconds{paid_}
                               : static_cast<double>(replicas_.size() - prefill_) * Seconds{last_};
  }

  const RequestStream& stream_;
  const Deployment& deployment_;
  WaitProfile* profile_ = nullptr;
  std::vector<IterationRecord>* log_ = nullptr;
  std::vector<Replica> replicas_;
  std::vector<State> up_;      ///< by replica
  std::vector<double> ready_;  ///< by replica: when a started one takes requests
  std::size_t ended_ = 0;
  double paid_ = 0;  ///< replica-seconds until `paid_until_`
  double paid_until_ = 0;
  std::int64_t paid_count_ = 0;
  std::size_t prefill_ = 0;  ///< replicas before it prefill for those behind it
  std::priority_queue<Arrival> arrivals_;
  std::vector<std::vector<std::size_t>> followers_;
  std::vector<TokenEvent> events_;
  std::int64_t present_ = 0;  ///< requests that came and have not ended
  std::size_t next_ = 0;      ///< closed loop: the request that is sent next
  std::size_t turn_ = 0;
  std::size_t decode_turn_ = 0;
  double last_ = 0;
  ServeResult result_;
};

Diagnostics mistakes_in(const RequestStream& stream, const Deployment& deployment) {
  Diagnostics mistakes;
  const auto mistake = [&](std::string what, std::string hint) {
    mistakes.push_back({{"requests", 0, 0}, std::move(what), std::move(hint)});
  };
  if (stream.requests.empty()) mistake("there are no requests", "give a trace or a rate");
  for (std::size_t i = 0; i < stream.requests.size() && mistakes.empty(); ++i) {
    const Request& one = stream.requests[i];
    const std::string name = "request " + std::to_string(i);
    if (one.input < 1 || one.output < 1) mistake(name + " has no tokens", "at least one each way");
    if (one.after >= static_cast<std::int64_t>(i)) mistake(name + " waits for a later one", "");
  }
  for (const Request& one : stream.requests) {
    if (one.service_class < std::max<std::size_t>(1, stream.classes.size())) continue;
    mistake("a request is of a class that is not there", "");
    break;
  }
  const Autoscaling& scaling = deployment.autoscaling;
  if (scaling.least > deployment.serving.count || !(scaling.target > 0) ||
      !(scaling.interval > Seconds{})) {
    mistake("autoscaling has more least replicas than there are, or no target or interval", "");
  }
  for (const ReplicaGroup* group : {&deployment.prefill, &deployment.serving}) {
    const Speculation& speculation = group->engine.speculation;
    if (speculation.length >= 0 && speculation.accept >= 0 && speculation.accept < 1) continue;
    mistake("speculation accepts a share from 0 to below 1", "");
    break;
  }
  if (deployment.serving.pool.blocks < 1) {
    mistake("no memory is left for keys and values", "use more devices or a smaller format");
  }
  return mistakes;
}

}  // namespace

Result<ServeResult> serve(const RequestStream& stream, const Deployment& deployment,
                          WaitProfile* profile, std::vector<IterationRecord>* log) {
  Diagnostics mistakes = mistakes_in(stream, deployment);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  ServeResult result = Cluster(stream, deployment, profile, log).run();
  for (const ReplicaGroup* group : {&deployment.prefill, &deployment.serving}) {
    for (const auto& table : {group->table, group->draft}) {
      if (table && !table->mistakes().empty()) return failure(table->mistakes());
    }
  }
  return result;
}

}  // namespace fastpath
