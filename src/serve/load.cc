#include "serve/load.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace fastpath {
namespace {

/// Draws that are the same on every platform (the standard's distributions are not).
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : engine_(seed) {}

  /// In (0, 1).
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }

  std::int64_t whole(const Lengths& lengths) {
    const auto choices = static_cast<double>(lengths.most - lengths.least + 1);
    return lengths.least + static_cast<std::int64_t>(uniform() * choices);
  }

  /// Gamma of shape k and scale 1; k > 0.
  double gamma(double k) {
    if (k == 1) return -std::log(uniform());
    if (k < 1) return gamma(k + 1) * std::pow(uniform(), 1 / k);
    const double d = k - 1.0 / 3;
    const double c = 1 / std::sqrt(9 * d);
    while (true) {
      const double x = normal();
      const double v = std::pow(1 + c * x, 3);
      if (v <= 0) continue;
      if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
  }

 private:
  double normal() {
    constexpr double kTurn = 6.283185307179586;
    return std::sqrt(-2 * std::log(uniform())) * std::cos(kTurn * uniform());
  }

  std::mt19937_64 engine_;
};

std::uint64_t chunk_name(std::uint64_t conversation, std::uint64_t chunk) {
  return (conversation << 24) + chunk;
}

/// A point of [0, 1) for each request: multiples of the golden ratio are evenly spread over it.
double spread_of(std::size_t request) {
  constexpr double kGolden = 0.6180339887498949;
  return std::fmod(kGolden * static_cast<double>(request + 1), 1.0);
}

std::size_t class_of(std::size_t request, const std::vector<ServiceClass>& classes) {
  double left = spread_of(request);
  std::size_t one = 0;
  while (one + 1 < classes.size() && left >= classes[one].share) {
    left -= classes[one].share;
    ++one;
  }
  return one;
}

/// Turns of one conversation: each prompt holds all that was said before.
void add_conversation(const Load& load, std::uint64_t name, Seconds arrival, Draws& lengths,
                      RequestStream& stream) {
  std::int64_t said = 0;
  for (std::int64_t turn = 0; turn < load.turns; ++turn) {
    Request request;
    request.arrival = arrival;
    request.input = said + lengths.whole(load.input);
    request.output = lengths.whole(load.output);
    said = request.input + request.output;
    if (turn > 0) {
      request.after = static_cast<std::int64_t>(stream.requests.size()) - 1;
      request.think = load.think;
    }
    for (std::int64_t chunk = 0; load.turns > 1 && chunk < said / stream.chunk; ++chunk)
      request.prefix.push_back(chunk_name(name, static_cast<std::uint64_t>(chunk)));
    stream.requests.push_back(std::move(request));
  }
}

/// The load of a request's class.
Load load_of(const Load& load, std::size_t request, const std::vector<ServiceClass>& classes) {
  if (classes.empty()) return load;
  Load own = load;
  const ServiceClass& one = classes[class_of(request, classes)];
  own.input = one.input.value_or(load.input);
  own.output = one.output.value_or(load.output);
  return own;
}

}  // namespace

RequestStream stream_of(const Load& load, std::vector<ServiceClass> classes) {
  RequestStream stream;
  stream.concurrency = load.concurrency;
  if (load.turns > 1) stream.chunk = 64;
  Draws gaps(load.seed);
  Draws lengths(load.seed ^ 0x9e3779b97f4a7c15U);
  const double shape = 1 / (load.variation * load.variation);
  double time = 0;
  for (std::int64_t i = 0; i < load.count; ++i) {
    if (load.concurrency == 0) {
      const double gap = load.variation > 0 ? gaps.gamma(shape) / shape : 1;
      time += gap / load.rate;
    }
    add_conversation(load_of(load, stream.requests.size(), classes), static_cast<std::uint64_t>(i),
                     Seconds{time}, lengths, stream);
  }
  if (classes.empty()) return stream;
  return with_classes(std::move(stream), std::move(classes));
}

RequestStream with_classes(RequestStream stream, std::vector<ServiceClass> classes) {
  for (std::size_t i = 0; i < stream.requests.size(); ++i) {
    Request& one = stream.requests[i];
    one.service_class = one.after >= 0
                            ? stream.requests[static_cast<std::size_t>(one.after)].service_class
                            : class_of(i, classes);
  }
  stream.classes = std::move(classes);
  return stream;
}

RequestStream with_adapters(RequestStream stream, std::int64_t count, double skew,
                            std::uint64_t seed) {
  if (count < 1) return stream;
  std::vector<double> upto;  // shares of adapters, added up
  upto.reserve(static_cast<std::size_t>(count));
  for (std::int64_t k = 0; k < count; ++k) {
    const double share = std::pow(static_cast<double>(k + 1), -skew);
    upto.push_back(share + (upto.empty() ? 0 : upto.back()));
  }
  Draws draws(seed ^ 0xd1b54a32d192ed03U);
  for (std::size_t i = 0; i < stream.requests.size(); ++i) {
    Request& one = stream.requests[i];
    if (one.after >= 0) {
      one.adapter = stream.requests[static_cast<std::size_t>(one.after)].adapter;
      continue;
    }
    const auto found = std::upper_bound(upto.begin(), upto.end(), draws.uniform() * upto.back());
    const auto last = static_cast<std::ptrdiff_t>(count - 1);
    one.adapter = static_cast<std::int32_t>(std::min(found - upto.begin(), last));
  }
  return stream;
}

RequestStream at_rate(RequestStream stream, double factor) {
  for (Request& request : stream.requests)
    request.arrival *= 1 / factor;
  return stream;
}

}  // namespace fastpath
