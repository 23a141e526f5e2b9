#include "validate/collective_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "validate/score.h"

namespace fastpath {
namespace {

/// A constant being fitted: where it is, where it starts and its bounds, all positive.
struct FreeNumber {
  double* value = nullptr;
  double start = 1;
  double low = 0;
  double high = 1;
};

/// One size of one configuration: the median of its repeats.
struct RowsOfOneSize {
  const CollectiveSample* sample = nullptr;
  double log_time = 0;
};

const double kOutlier = std::log(3.0);

std::vector<RowsOfOneSize> cells_of(std::span<const CollectiveSample* const> samples) {
  using Key = std::tuple<std::string, std::string, bool, Collective, std::int64_t, double>;
  std::map<Key, std::vector<const CollectiveSample*>> by_key;
  for (const CollectiveSample* sample : samples) {
    if (sample->across() || sample->place.bandwidth <= BytesPerSecond{}) continue;
    by_key[{sample->system, sample->version, sample->integers, sample->row->collective,
            sample->row->ranks, sample->octave}]
        .push_back(sample);
  }
  std::vector<RowsOfOneSize> cells;
  for (const auto& [key, repeats] : by_key) {
    std::vector<double> times;
    for (const CollectiveSample* sample : repeats)
      times.push_back(sample->row->time.base());
    cells.push_back({repeats.front(), std::log(quantile(times, 0.5))});
  }
  return cells;
}

/// Every so many-th cell, so that a fit takes milliseconds.
std::vector<RowsOfOneSize> thinned(std::vector<RowsOfOneSize> cells) {
  constexpr std::size_t kMost = 600;
  if (cells.size() <= kMost) return cells;
  std::vector<RowsOfOneSize> some;
  for (std::size_t i = 0; i < kMost; ++i)
    some.push_back(cells[i * cells.size() / kMost]);
  return some;
}

/// Cyclic coordinate search on a log scale. `loss` sees the knobs' values in place.
void search(std::vector<FreeNumber>& knobs, const std::function<double()>& loss) {
  constexpr double kFirstStep = 0.7;
  constexpr double kLastStep = 0.01;
  for (const FreeNumber& knob : knobs)
    *knob.value = std::clamp(knob.start, knob.low, knob.high);
  double best = loss();
  for (double step = kFirstStep; step > kLastStep; step /= 2) {
    for (int round = 0; round < 6; ++round) {
      const double before = best;
      for (const FreeNumber& knob : knobs) {
        const double kept = *knob.value;
        double winner = kept;
        for (const double factor : {std::exp(step), std::exp(-step)}) {
          *knob.value = std::clamp(kept * factor, knob.low, knob.high);
          const double now = loss();
          if (now < best - 1e-9) {
            best = now;
            winner = *knob.value;
          }
        }
        *knob.value = winner;
      }
      if (before - best < 1e-4) break;
    }
  }
}

/// The numbers of a tuning in us and shares, so that every knob is a plain number near 1.
struct Numbers {
  std::array<std::array<double, 3>, 3> ring{};
  std::array<std::array<double, 3>, 3> pairwise{};
  std::array<double, 3> nvls{};
  std::array<double, 3> one_shot{};
  std::array<double, 3> two_shot{};
  double few_ranks = 0;
  double handover = 0;  ///< MiB
  double host = 0;
  double copy = 0;
};

CollectiveLine line_of(const std::array<double, 3>& numbers) {
  return {Seconds{numbers[0] * 1e-6}, Seconds{numbers[1] * 1e-6}, numbers[2]};
}

void put(const Numbers& numbers, CollectiveTuning& tuning) {
  for (std::size_t i = 0; i < 3; ++i) {
    tuning.ring[i] = line_of(numbers.ring[i]);
    tuning.pairwise[i] = line_of(numbers.pairwise[i]);
  }
  tuning.nvls = line_of(numbers.nvls);
  tuning.one_shot = line_of(numbers.one_shot);
  tuning.two_shot = line_of(numbers.two_shot);
  tuning.few_ranks = numbers.few_ranks;
  tuning.handover = Bytes{numbers.handover * 0x1p20};
  tuning.host = Seconds{numbers.host * 1e-6};
  tuning.copy = numbers.copy;
}

/// What a share of the bandwidth may be: LL moves as many flags as data and stops at a few
/// channels, LL128 keeps 120 of 128 B, and nothing passes the data sheet.
struct Shares {
  double low = 0.01;
  double high = 1;
};
constexpr Shares kAnyShare{};
constexpr Shares kLl128Shares{0.1, 0.9375};
constexpr Shares kLlShares{0.005, 0.35};

/// Bounds by meaning: a base of 0.5 to 200 us, a hop of 0.02 to 30 us.
void add_line(std::vector<FreeNumber>& knobs, std::array<double, 3>& line,
              std::array<double, 3> start, Shares shares, bool hops = true) {
  knobs.push_back({&line[0], start[0], 0.5, 200});
  if (hops) knobs.push_back({&line[1], start[1], 0.02, 30});
  knobs.push_back({&line[2], start[2], shares.low, shares.high});
}

/// Starts: NVIDIA/nccl@5067397c src/graph/tuning.cc, base and NVLink hop; its LL and LL128 shares.
void library_knobs(Numbers& numbers, bool pairwise, bool nvls, std::vector<FreeNumber>& knobs) {
  add_line(knobs, numbers.ring[0], {8.4, 3.4, 0.75}, kAnyShare);
  add_line(knobs, numbers.ring[1], {14.0, 1.9, 0.6}, kLl128Shares);
  add_line(knobs, numbers.ring[2], {6.6, 0.6, 0.1}, kLlShares);
  knobs.push_back({&numbers.few_ranks, 0.5, 0.01, 3});
  if (pairwise) {
    add_line(knobs, numbers.pairwise[0], {10, 1.0, 0.75}, kAnyShare);
    add_line(knobs, numbers.pairwise[2], {6.6, 0.3, 0.1}, kLlShares);
  }
  if (nvls) add_line(knobs, numbers.nvls, {25, 1, 0.6}, kAnyShare, false);
}

/// The lines are alike to a fit; the protocol with the larger share of the bandwidth is Simple,
/// then LL128, then LL.
void name_protocols(Numbers& numbers) {
  const auto larger = [](const auto& a, const auto& b) { return a[2] > b[2]; };
  std::stable_sort(numbers.ring.begin(), numbers.ring.end(), larger);
  if (larger(numbers.pairwise[2], numbers.pairwise[0])) {
    std::swap(numbers.pairwise[0], numbers.pairwise[2]);
  }
}

void kernel_knobs(Numbers& numbers, bool nvls, bool eager, std::vector<FreeNumber>& knobs) {
  add_line(knobs, numbers.ring[0], {15, 2, 0.7}, kAnyShare);
  knobs.push_back({&numbers.few_ranks, 0.5, 0.01, 3});
  add_line(knobs, numbers.one_shot, {3, 0.2, 0.6}, kAnyShare);
  add_line(knobs, numbers.two_shot, {5, 0.5, 0.6}, kAnyShare);
  if (nvls) add_line(knobs, numbers.nvls, {25, 1, 0.6}, kAnyShare, false);
  knobs.push_back({&numbers.handover, 16, 0.25, 4096});
  if (eager) {
    knobs.push_back({&numbers.host, 20, 1, 200});
    knobs.push_back({&numbers.copy, 5, 0.5, 100});
  }
}

}  // namespace

bool is_direct_kernel(const std::string& library) {
  return library.starts_with("vllm") || library.starts_with("sglang") ||
         library.starts_with("trtllm");
}

CollectiveCost predict_sample(const CollectiveSample& sample, const CollectiveTuning& tuning) {
  GroupPlace place = sample.place;
  place.tuning = &tuning;
  CollectiveOptions options;
  options.nvls = !sample.integers && !sample.no_nvls;
  return collective_cost(place, sample.row->collective, sample.row->bytes, options);
}

CollectiveTuning fit_tuning(std::span<const CollectiveSample* const> samples,
                            const std::string& library, const std::string& link) {
  CollectiveTuning tuning;
  tuning.library = library;
  tuning.link = link;
  tuning.nvls_ranks = nvls_ranks_of(link);
  const std::vector<RowsOfOneSize> cells = cells_of(samples);
  bool pairwise = false;
  bool nvls = false;
  for (const RowsOfOneSize& cell : cells) {
    const Collective kind = cell.sample->row->collective;
    pairwise = pairwise || kind == Collective::all_to_all || kind == Collective::send_recv;
    nvls = nvls || (tuning.nvls_ranks > 0 && cell.sample->row->ranks >= tuning.nvls_ranks);
  }
  Numbers numbers;
  std::vector<FreeNumber> knobs;
  if (is_direct_kernel(library)) {
    kernel_knobs(numbers, nvls, library.ends_with("eager"), knobs);
  } else {
    library_knobs(numbers, pairwise, nvls, knobs);
  }
  const std::vector<RowsOfOneSize> some = thinned(cells);
  search(knobs, [&] {
    put(numbers, tuning);
    double sum = 0;
    for (const RowsOfOneSize& cell : some) {
      const double time = predict_sample(*cell.sample, tuning).time.base();
      sum += std::min(kOutlier, std::abs(std::log(time) - cell.log_time));
    }
    return sum / std::max<double>(1, static_cast<double>(some.size()));
  });
  name_protocols(numbers);
  put(numbers, tuning);
  std::vector<double> residuals;
  for (const RowsOfOneSize& cell : cells) {
    const double time = predict_sample(*cell.sample, tuning).time.base();
    residuals.push_back(std::abs(std::log(time) - cell.log_time));
  }
  tuning.spread = quantile(residuals, 0.5);
  tuning.rows = samples.size();
  return tuning;
}

GroupPlace with_fabric(GroupPlace place, const FabricFit& fabric) {
  place.out_latency = fabric.latency;
  place.out = fabric.share * place.out_sheet;
  place.spread = fabric.share * place.spread_sheet;
  place.port = fabric.share * place.port_sheet;
  return place;
}

FabricFit fit_fabric(std::span<const CollectiveSample* const> samples,
                     const CollectiveTuning& tuning) {
  double latency = 20;
  double share = 0.8;
  std::vector<FreeNumber> knobs{{&latency, 20, 0.5, 300}, {&share, 0.8, 0.002, 1}};
  search(knobs, [&] {
    double sum = 0;
    for (const CollectiveSample* sample : samples) {
      CollectiveSample moved = *sample;
      moved.place = with_fabric(sample->place, {Seconds{latency * 1e-6}, share});
      const double time = predict_sample(moved, tuning).time.base();
      sum += std::min(kOutlier, std::abs(std::log(time / sample->row->time.base())));
    }
    return sum;
  });
  return {Seconds{latency * 1e-6}, share};
}

}  // namespace fastpath
