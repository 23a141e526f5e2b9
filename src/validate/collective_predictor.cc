#include "validate/collective_predictor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "validate/score.h"

namespace fastpath {
namespace {

/// Weights of a training row that differs from the sample in one respect. Chosen on a grid; the
/// errors move by less than a point for half or twice of each.
constexpr double kOtherSystemSameLink = 0.1;
constexpr double kOtherLink = 0.02;
constexpr double kOtherVersion = 0.15;
constexpr double kOtherType = 0.2;
constexpr double kOtherRanks = 0.1;
constexpr double kOtherCluster = 0.02;
/// Octaves over which a residual speaks for its neighbours.
constexpr double kReach = 0.8;
/// Weight of "no correction".
constexpr double kPrior = 0.02;
constexpr double kMostCorrection = 1;

std::string link_class(const std::string& link) {
  return link.substr(0, link.find_first_of("0123456789-"));
}

double weight(const CollectiveSample& known, const CollectiveSample& asked) {
  const double away = (known.octave - asked.octave) / kReach;
  double w = std::exp(-away * away);
  if (w < 1e-6) return 0;
  if (known.system != asked.system)
    w *= known.link == asked.link ? kOtherSystemSameLink : kOtherLink;
  else if (known.link != asked.link)
    w *= kOtherLink;
  if (known.version != asked.version) w *= kOtherVersion;
  if (known.integers != asked.integers) w *= kOtherType;
  if (known.row->ranks != asked.row->ranks) w *= kOtherRanks;
  if (known.cluster != asked.cluster) w *= kOtherCluster;
  return w;
}

}  // namespace

CollectivePredictor::CollectivePredictor(std::span<const CollectiveSample> samples,
                                         std::vector<bool> train)
    : samples_(samples), train_(std::move(train)) {}

std::vector<const CollectiveSample*> CollectivePredictor::matching(
    const std::function<bool(const CollectiveSample&)>& wanted) const {
  std::vector<const CollectiveSample*> found;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const CollectiveSample& sample = samples_[i];
    if (train_[i] && !sample.across() && wanted(sample)) found.push_back(&sample);
  }
  return found;
}

/// From the library on the link to anything of its kind anywhere.
const CollectiveTuning& CollectivePredictor::tuning(const std::string& library,
                                                    const std::string& link) {
  constexpr std::size_t kEnough = 10;
  const auto [entry, fresh] = tunings_.try_emplace({library, link});
  if (!fresh) return entry->second;
  const auto same_class = [&](const CollectiveSample& s) {
    return link_class(s.link) == link_class(link);
  };
  const auto same_kind = [&](const CollectiveSample& s) {
    return is_direct_kernel(s.library) == is_direct_kernel(library);
  };
  const auto same_mode = [&](const CollectiveSample& s) {
    return s.library.ends_with("eager") == library.ends_with("eager");
  };
  const std::array<std::function<bool(const CollectiveSample&)>, 6> chain{
      [&](const CollectiveSample& s) { return s.library == library && s.link == link; },
      [&](const CollectiveSample& s) { return s.library == library && same_class(s); },
      [&](const CollectiveSample& s) { return s.library == library; },
      [&](const CollectiveSample& s) { return same_kind(s) && same_mode(s) && same_class(s); },
      [&](const CollectiveSample& s) { return same_kind(s) && same_class(s); },
      [&](const CollectiveSample& s) { return same_kind(s); }};
  for (const auto& wanted : chain) {
    const auto rows = matching(wanted);
    if (rows.size() < kEnough) continue;
    entry->second = fit_tuning(rows, rows.front()->library, link);
    break;
  }
  if (!library.ends_with("eager")) {
    entry->second.host = Seconds{};
    entry->second.copy = 0;
  }
  return entry->second;
}

const FabricFit& CollectivePredictor::fabric(const CollectiveSample& sample) {
  constexpr std::size_t kEnough = 2;
  const auto [entry, fresh] = fabrics_.try_emplace(sample.cluster);
  if (!fresh) return entry->second;
  std::vector<const CollectiveSample*> own;
  std::vector<const CollectiveSample*> all;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    if (!train_[i] || !samples_[i].across()) continue;
    all.push_back(&samples_[i]);
    if (samples_[i].cluster == sample.cluster) own.push_back(&samples_[i]);
  }
  const auto& rows = own.size() >= kEnough ? own : all;
  entry->second = fit_fabric(rows, tuning(sample.library, sample.link));
  return entry->second;
}

Seconds CollectivePredictor::uncorrected(const CollectiveSample& sample) {
  const CollectiveTuning& constants = tuning(sample.library, sample.link);
  if (!sample.across()) return predict_sample(sample, constants).time;
  CollectiveSample moved = sample;
  moved.place = with_fabric(sample.place, fabric(sample));
  return predict_sample(moved, constants).time;
}

const std::vector<CollectivePredictor::Residual>& CollectivePredictor::residuals(
    const std::string& library, Collective collective) {
  const auto [entry, fresh] = residuals_.try_emplace({library, collective});
  if (!fresh) return entry->second;
  using Key = std::tuple<std::string, std::string, std::string, bool, std::int64_t, double>;
  std::map<Key, std::pair<const CollectiveSample*, std::vector<double>>> cells;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const CollectiveSample& sample = samples_[i];
    if (!train_[i] || sample.library != library || sample.row->collective != collective) continue;
    if (sample.place.bandwidth <= BytesPerSecond{}) continue;
    auto& cell = cells[{sample.system + sample.link, sample.version, sample.cluster,
                        sample.integers, sample.row->ranks, sample.octave}];
    cell.first = &sample;
    cell.second.push_back(std::log(sample.row->time / uncorrected(sample)));
  }
  for (const auto& [key, cell] : cells)
    entry->second.push_back({cell.first, quantile(cell.second, 0.5)});
  return entry->second;
}

double CollectivePredictor::correction(const CollectiveSample& sample) {
  double sum = 0;
  double weights = kPrior;
  for (const Residual& known : residuals(sample.library, sample.row->collective)) {
    const double w = weight(*known.sample, sample);
    sum += w * known.log_ratio;
    weights += w;
  }
  return std::clamp(sum / weights, -kMostCorrection, kMostCorrection);
}

CollectiveAnswer CollectivePredictor::predict(const CollectiveSample& sample) {
  CollectiveAnswer answer;
  const CollectiveTuning& constants = tuning(sample.library, sample.link);
  CollectiveSample moved = sample;
  if (sample.across()) moved.place = with_fabric(sample.place, fabric(sample));
  answer.cost = predict_sample(moved, constants);
  answer.uncorrected = answer.cost.time;
  const double factor = std::exp(correction(sample));
  answer.cost.time = std::max(factor * answer.cost.time, answer.cost.bound);
  return answer;
}

}  // namespace fastpath
