#include "measure/loader/epoch_order.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

namespace fastpath {
namespace {

/// Fisher and Yates; std::shuffle differs between libraries.
template <class T>
void shuffle_all(std::vector<T>& values, std::mt19937_64& random) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[random() % i]);
}

/// Samples of a file follow each other in a set.
std::vector<std::uint32_t> by_files(const SampleSet& set, std::mt19937_64& random) {
  std::vector<std::size_t> firsts;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    if (i == 0 || set.samples[i].file != set.samples[i - 1].file) firsts.push_back(i);
  }
  shuffle_all(firsts, random);
  std::vector<std::uint32_t> order;
  order.reserve(set.samples.size());
  for (const std::size_t first : firsts) {
    const std::uint32_t file = set.samples[first].file;
    for (std::size_t i = first; i < set.samples.size() && set.samples[i].file == file; ++i)
      order.push_back(static_cast<std::uint32_t>(i));
  }
  return order;
}

std::vector<std::uint32_t> through_buffer(const std::vector<std::uint32_t>& stored,
                                          std::size_t places, std::mt19937_64& random) {
  std::vector<std::uint32_t> held;
  std::vector<std::uint32_t> order;
  held.reserve(std::min(places, stored.size()));
  order.reserve(stored.size());
  std::size_t next = 0;
  while (order.size() < stored.size()) {
    while (held.size() < places && next < stored.size())
      held.push_back(stored[next++]);
    std::swap(held[random() % held.size()], held.back());
    order.push_back(held.back());
    held.pop_back();
  }
  return order;
}

}  // namespace

EpochOrder epoch_order(const SampleSet& set, const Shuffle& shuffle, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  EpochOrder order;
  order.fetch.resize(set.samples.size());
  std::iota(order.fetch.begin(), order.fetch.end(), std::uint32_t{0});
  switch (shuffle.order) {
    case ShuffleOrder::none: break;
    case ShuffleOrder::full: shuffle_all(order.fetch, random); break;
    case ShuffleOrder::shard: order.fetch = by_files(set, random); break;
    case ShuffleOrder::buffer: {
      const auto places = static_cast<std::size_t>(std::max<std::int64_t>(1, shuffle.buffer));
      order.deliver = through_buffer(order.fetch, places, random);
      order.ahead = std::min(places, order.fetch.size()) - 1;
      return order;
    }
  }
  order.deliver = order.fetch;
  return order;
}

}  // namespace fastpath
