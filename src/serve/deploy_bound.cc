#include "serve/deploy_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace fastpath {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
/// Sums of many times are rounded.
constexpr double kRounding = 1e-9;

/// Nodes of an axis from 0 to `most`, and `most` itself.
std::vector<double> nodes_to(double most) {
  std::vector<double> nodes;
  for (int i = 0; axis_node(i) < most; ++i)
    nodes.push_back(axis_node(i));
  nodes.push_back(most);
  return nodes;
}

/// Corners of the cells in which an iteration's time is linear in (decoding, prompt tokens):
/// nodes of decoding, nodes of their sum, and the ends of both.
class Corners {
 public:
  explicit Corners(const IterationRange& range) : range_(range) {
    most_ = range.mixes ? static_cast<double>(range.sequences) : 0;
    const auto piece = static_cast<double>(range.piece);
    const std::vector<double> sums = nodes_to(most_ + piece);
    for (const double n : nodes_to(most_)) {
      add(n, 1);
      add(n, piece);
      for (const double sum : sums)
        add(n, sum - n);
    }
    for (const double sum : sums) {
      add(sum - 1, 1);
      add(sum - piece, piece);
    }
  }

  /// (decoding, prompt tokens)
  const std::vector<std::pair<double, double>>& all() const { return corners_; }

 private:
  void add(double n, double q) {
    if (n < 0 || n > most_ || q < 1 || q > static_cast<double>(range_.piece)) return;
    corners_.emplace_back(n, q);
  }

  const IterationRange& range_;
  double most_ = 0;
  std::vector<std::pair<double, double>> corners_;
};

std::size_t needed(std::size_t count, double share) {
  if (count == 0) return 0;
  // A percentile between two order statistics is at least the lower one.
  return static_cast<std::size_t>(share * static_cast<double>(count - 1)) + 1;
}

/// Least time to a request's first token.
double first_time(const BoundedDeployment& one, double prompt) {
  const double computed = std::max(one.prefill.prompt, one.prefill.prompt_token * prompt);
  return one.front_end + (1 - kRounding) * computed;
}

bool misses_total(const BoundedLoad& load, const BoundedDeployment& one) {
  if (load.limits.total == Seconds{}) return false;
  std::vector<double> times;
  for (const auto& [prompt, output] : load.requests)
    times.push_back(first_time(one, prompt) + (1 - kRounding) * one.decode.decode * output);
  std::sort(times.begin(), times.end());
  return times[needed(times.size(), load.share) - 1] > load.limits.total.base();
}

/// Prompts of enough requests are computed by the last arrival and the limit of the first token.
bool too_many_prompts(const BoundedLoad& load, const BoundedDeployment& one) {
  if (load.limits.first_token == Seconds{}) return false;
  const auto count = static_cast<std::ptrdiff_t>(needed(load.prompts.size(), load.share));
  const double tokens = std::accumulate(load.prompts.begin(), load.prompts.begin() + count, 0.0);
  const double window = load.last_arrival + load.limits.first_token.base();
  return (1 - kRounding) * one.prefill.prompt_token * tokens > one.prefill_replicas * window;
}

/// Requests that keep both limits have ended by the last arrival and all that they may take.
bool too_much_work(const BoundedLoad& load, const BoundedDeployment& one) {
  if (load.limits.first_token == Seconds{} || load.limits.per_token == Seconds{}) return false;
  const std::size_t count = load.requests.size();
  const std::size_t kept = 2 * needed(count, load.share);
  if (kept <= count) return false;
  std::vector<double> work;
  for (const auto& [prompt, output] : load.requests) {
    const double beside = one.apart ? 0 : one.prefill.prompt_beside * prompt;
    work.push_back(one.decode.decode_token * output + beside);
  }
  std::sort(work.begin(), work.end());
  const auto least = static_cast<std::ptrdiff_t>(kept - count);
  const double sum = std::accumulate(work.begin(), work.begin() + least, 0.0);
  const double longest = load.outputs.empty() ? 0 : load.outputs.back();
  const double window =
      load.last_arrival + load.limits.first_token.base() + longest * load.limits.per_token.base();
  return (1 - kRounding) * sum > one.decode_replicas * window;
}

}  // namespace

IterationBounds iteration_bounds(IterationCost& cost, const Engine& engine,
                                 const IterationRange& range) {
  const double step = engine.step.value.base();
  const double sequence = engine.sequence.value.base();
  IterationBounds bounds;
  bounds.decode = bounds.decode_token = kNever;
  const auto decode = [&](double n) {
    return n <= 0 ? 0 : cost.least_decode(n, range.least_context, range.most_context);
  };
  for (const double n : nodes_to(static_cast<double>(range.sequences))) {
    if (n < 1) continue;
    const double time = step + sequence * n + decode(n);
    bounds.decode = std::min(bounds.decode, time);
    bounds.decode_token = std::min(bounds.decode_token, time / n);
  }
  if (range.sequences < 1) bounds.decode = bounds.decode_token = 0;
  const Corners corners(range);
  double prompt = kNever;
  double token = kNever;
  double beside = kNever;
  for (const auto& [n, q] : corners.all()) {
    const double more = cost.prompt(n + q) - cost.prompt(n);
    const double time = step + sequence * (n + 1) + decode(n) + more;
    prompt = std::min(prompt, time);
    token = std::min(token, time / q);
    beside = std::min(beside, (time - bounds.decode_token * n) / q);
  }
  bounds.prompt = std::max(prompt, step + sequence);
  bounds.prompt_token = std::max(0.0, token);
  bounds.prompt_beside = std::max(0.0, beside);
  return bounds;
}

BoundedLoad bounded_load(const RequestStream& stream, const ServiceObjective& limits, double share,
                         bool prefixes_kept) {
  BoundedLoad load;
  load.share = share;
  load.limits = limits;
  for (const Request& one : stream.requests) {
    // Of a prompt whose beginning is known, one token at least is computed.
    const bool known = prefixes_kept && !one.prefix.empty();
    const double prompt = known ? 1 : static_cast<double>(one.input);
    load.requests.emplace_back(prompt, static_cast<double>(one.output - 1));
    load.prompts.push_back(prompt);
    if (one.output > 1) load.outputs.push_back(static_cast<double>(one.output - 1));
    load.last_arrival = std::max(load.last_arrival, one.arrival.base());
    if (one.after >= 0) load.last_arrival = kNever;
  }
  if (stream.concurrency > 0) load.last_arrival = kNever;
  std::sort(load.prompts.begin(), load.prompts.end());
  std::sort(load.outputs.begin(), load.outputs.end());
  return load;
}

Missed surely_missed(const BoundedLoad& load, const BoundedDeployment& one) {
  const ServiceObjective& limits = load.limits;
  if (load.requests.empty()) return Missed::none;
  const double prompt = load.prompts[needed(load.prompts.size(), load.share) - 1];
  if (limits.first_token > Seconds{} && first_time(one, prompt) > limits.first_token.base()) {
    return Missed::first_token;
  }
  const bool decodes = !load.outputs.empty();
  if (decodes && limits.per_token > Seconds{} &&
      (1 - kRounding) * one.decode.decode > limits.per_token.base()) {
    return Missed::per_token;
  }
  if (misses_total(load, one)) return Missed::total;
  if (too_many_prompts(load, one) || too_much_work(load, one)) return Missed::work;
  return Missed::none;
}

}  // namespace fastpath
