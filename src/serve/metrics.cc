#include "serve/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fastpath {
namespace {

double at_quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

bool within(Seconds time, Seconds limit) { return limit == Seconds{} || time <= limit; }

}  // namespace

Latencies latencies_of(std::vector<double> seconds) {
  Latencies result;
  result.count = seconds.size();
  if (seconds.empty()) return result;
  std::sort(seconds.begin(), seconds.end());
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  result.mean = Seconds{sum / static_cast<double>(seconds.size())};
  result.p50 = Seconds{at_quantile(seconds, 0.5)};
  result.p90 = Seconds{at_quantile(seconds, 0.9)};
  result.p99 = Seconds{at_quantile(seconds, 0.99)};
  return result;
}

Latencies latencies_of(std::span<const std::pair<Seconds, double>> weighted) {
  Latencies result;
  double all = 0;
  double sum = 0;
  for (const auto& [value, weight] : weighted) {
    all += weight;
    sum += weight * value.base();
  }
  if (all <= 0) return result;
  result.count = static_cast<std::size_t>(all);
  result.mean = Seconds{sum / all};
  const auto quantile = [&](double q) {
    double below = 0;
    for (const auto& [value, weight] : weighted) {
      below += weight;
      if (below >= q * all) return value;
    }
    return weighted.back().first;
  };
  result.p50 = quantile(0.5);
  result.p90 = quantile(0.9);
  result.p99 = quantile(0.99);
  return result;
}

ServeMetrics metrics_of(const ServeResult& result, const ServiceObjective& objective) {
  ServeMetrics metrics;
  std::vector<double> queue;
  std::vector<double> ttft;
  std::vector<double> tpot;
  std::vector<double> latency;
  double inputs = 0;
  for (const RequestOutcome& one : result.requests) {
    if (one.replica < 0) continue;
    ++metrics.served;
    queue.push_back((one.scheduled - one.arrival).base());
    ttft.push_back(one.ttft().base());
    latency.push_back(one.latency().base());
    if (one.output > 1) tpot.push_back(one.tpot().base());
    metrics.output_tokens += static_cast<double>(one.generated);
    inputs += static_cast<double>(one.input);
    const bool good = within(one.ttft(), objective.first_token) &&
                      within(one.tpot(), objective.per_token) &&
                      within(one.latency(), objective.total);
    metrics.good += good ? 1 : 0;
  }
  metrics.queue = latencies_of(std::move(queue));
  metrics.ttft = latencies_of(std::move(ttft));
  metrics.tpot = latencies_of(std::move(tpot));
  metrics.latency = latencies_of(std::move(latency));
  metrics.itl = latencies_of(result.token_gaps);
  const double duration = result.duration.base();
  if (duration > 0) {
    metrics.requests_per_second = static_cast<double>(metrics.served) / duration;
    metrics.goodput = static_cast<double>(metrics.good) / duration;
    metrics.input_tokens_per_second = inputs / duration;
    metrics.output_tokens_per_second = metrics.output_tokens / duration;
  }
  return metrics;
}

std::vector<ClassMetrics> metrics_by_class(const RequestStream& stream, const ServeResult& result) {
  std::vector<ClassMetrics> classes;
  for (std::size_t c = 0; c < stream.classes.size(); ++c) {
    ServeResult of_class;
    of_class.duration = result.duration;
    for (std::size_t i = 0; i < stream.requests.size(); ++i) {
      if (stream.requests[i].service_class == c) of_class.requests.push_back(result.requests[i]);
    }
    classes.push_back({stream.classes[c].name, of_class.requests.size(),
                       metrics_of(of_class, stream.classes[c].limits)});
  }
  return classes;
}

}  // namespace fastpath
