#include "validate/collective_validation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "ir/names.h"
#include "model/collective_forms.h"
#include "validate/collective_predictor.h"
#include "validate/folds.h"
#include "validate/intervals.h"

namespace fastpath {
namespace {

constexpr std::uint32_t kFolds = 8;
constexpr Bytes kLarge{0x1p20};

bool is_large(const CollectiveSample& sample) { return sample.row->bytes >= kLarge; }

std::string where(const CollectiveSample& sample) {
  if (sample.across()) return "across nodes";
  return sample.pcie ? "PCIe box" : "inside a domain";
}

std::string tie_of(const CollectiveSample& sample, CollectiveFolds folds) {
  const auto octave = std::lround(sample.octave);
  std::string run = fmt::format("{}/{}/{}/{}/{}/{}", sample.system, sample.link, sample.library,
                                sample.cluster, name_of(sample.row->collective), sample.row->ranks);
  switch (folds) {
    case CollectiveFolds::sizes: return fmt::format("{}/{}", run, octave);
    case CollectiveFolds::octaves: return fmt::format("{}", octave);
    case CollectiveFolds::ranks: return run;
    case CollectiveFolds::systems: return sample.system;
  }
  return run;
}

std::vector<std::string> regimes_of(const CollectiveSample& sample, std::string_view folds) {
  const std::string place = fmt::format("{}, {}", where(sample), folds);
  const std::string size = is_large(sample) ? "from 1 MiB" : "below 1 MiB";
  // Few rows a library across nodes and in boxes: their quantiles would be wider than needed.
  if (sample.across() || sample.pcie) return {fmt::format("{}, {}", place, size), place};
  return {fmt::format("{}, {}, {}", place, size, sample.library),
          fmt::format("{}, {}", place, size), place};
}

std::string type_of(const std::string& notes) {
  const std::size_t at = notes.find("dtype=");
  if (at == notes.npos) return "not stated";
  return notes.substr(at + 6, notes.find_first_of(" ;", at) - at - 6);
}

ScoredCollective scored(const CollectiveSample& sample, const CollectiveAnswer& answer,
                        std::string_view folds) {
  ScoredCollective result;
  result.sample = &sample;
  result.uncorrected = answer.uncorrected;
  result.algorithm = answer.cost.algorithm;
  result.protocol = answer.cost.protocol;
  result.row.id = sample.row->id;
  result.row.kind = std::string(name_of(sample.row->collective));
  result.row.device = sample.system;
  result.row.source = sample.row->source;
  result.row.format = type_of(sample.row->notes);
  result.row.regime = regimes_of(sample, folds).front();
  result.row.measured = sample.row->time;
  result.row.predicted = answer.cost.time;
  result.row.naive = naive_time(sample);
  return result;
}

/// Each row's interval comes from the residuals of other folds.
void set_intervals(std::vector<ScoredCollective>& rows, std::span<const std::uint32_t> folds,
                   std::string_view name) {
  std::vector<Residual> residuals;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ScoredRow& row = rows[i].row;
    residuals.push_back(
        {std::log(row.measured / row.predicted), regimes_of(*rows[i].sample, name), folds[i]});
  }
  const ResidualIntervals intervals(residuals);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ScoredRow& row = rows[i].row;
    const Interval interval = intervals.interval(residuals[i].regimes, folds[i]);
    row.low = interval.low * row.predicted;
    row.high = interval.high * row.predicted;
    row.regime = interval.regime;
  }
}

bool beats_the_bound(const CollectiveSample& sample) {
  // Rounded and repeated measurements may touch the bound.
  constexpr double kSlack = 0.98;
  CollectiveTuning reducing;
  reducing.nvls_ranks = nvls_ranks_of(sample.link);
  GroupPlace place = sample.place;
  place.tuning = &reducing;
  const CollectiveOptions options{.nvls = !sample.integers && !sample.no_nvls};
  return sample.row->time <
         kSlack * injection_bound(place, sample.row->collective, sample.row->bytes, options);
}

}  // namespace

std::string_view name_of(CollectiveFolds folds) {
  switch (folds) {
    case CollectiveFolds::sizes: return "size left out";
    case CollectiveFolds::octaves: return "octave left out everywhere";
    case CollectiveFolds::ranks: return "number of ranks left out";
    case CollectiveFolds::systems: return "system never seen";
  }
  return {};
}

std::string_view rule_of(CollectiveFolds folds) {
  switch (folds) {
    case CollectiveFolds::sizes:
      return "one octave of a system's library, collective and ranks is left out at a time, with "
             "all versions, element types and repeats of it; 8 folds";
    case CollectiveFolds::octaves: return "one octave of all rows is left out at a time; 8 folds";
    case CollectiveFolds::ranks:
      return "one number of ranks of a system's library and collective is left out at a time; 8 "
             "folds";
    case CollectiveFolds::systems: return "one whole system is left out at a time";
  }
  return {};
}

Seconds naive_time(const CollectiveSample& sample) {
  GroupPlace place = sample.place;
  place.tuning = nullptr;
  place.achieved = 1;
  place.topology = Topology::bus;  // a ring, nothing else
  return collective_cost(place, sample.row->collective, sample.row->bytes).time;
}

CollectiveScores cross_validate(std::span<const CollectiveSample> samples, CollectiveFolds folds) {
  CollectiveScores scores;
  std::vector<std::vector<std::string>> ties;
  std::vector<bool> usable;
  for (const CollectiveSample& sample : samples) {
    ties.push_back({tie_of(sample, folds)});
    const bool known = sample.place.bandwidth > BytesPerSecond{};
    const bool impossible = known && beats_the_bound(sample);
    if (impossible) scores.impossible.push_back(&sample);
    usable.push_back(known && !impossible);
  }
  const std::vector<std::uint32_t> fold =
      fold_of_rows(ties, folds == CollectiveFolds::systems ? 0 : kFolds);
  std::vector<std::uint32_t> fold_of_scored;
  for (std::uint32_t left_out = 0; left_out < fold_count(fold); ++left_out) {
    std::vector<bool> train = usable;
    for (std::size_t i = 0; i < samples.size(); ++i)
      train[i] = train[i] && fold[i] != left_out;
    CollectivePredictor predictor(samples, std::move(train));
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (fold[i] != left_out || !usable[i]) continue;
      scores.rows.push_back(scored(samples[i], predictor.predict(samples[i]), name_of(folds)));
      fold_of_scored.push_back(left_out);
    }
  }
  set_intervals(scores.rows, fold_of_scored, name_of(folds));
  return scores;
}

namespace {

/// Rows of a table, each the score of the rows that share a name.
class ScoreTable {
 public:
  ScoreTable(std::string name, std::string title, std::string key) {
    table_.name = std::move(name);
    table_.title = std::move(title);
    table_.columns = {{std::move(key), Unit::none},  {"rows", Unit::count},
                      {"mean_error", Unit::ratio},   {"median_error", Unit::ratio},
                      {"bias", Unit::ratio},         {"uncorrected_mean", Unit::ratio},
                      {"naive_mean", Unit::ratio},   {"coverage", Unit::ratio},
                      {"coverage_low", Unit::ratio}, {"coverage_high", Unit::ratio},
                      {"median_width", Unit::ratio}};
  }

  void add(const std::string& name, std::span<const ScoredCollective* const> rows) {
    if (rows.empty()) return;
    std::vector<ScoredRow> plain;
    double uncorrected = 0;
    for (const ScoredCollective* row : rows) {
      plain.push_back(row->row);
      uncorrected += std::abs(row->uncorrected / row->row.measured - 1);
    }
    const Score s = score(plain);
    table_.rows.push_back({name, static_cast<double>(s.rows), s.mean, s.median, s.bias,
                           uncorrected / static_cast<double>(s.rows), s.naive_mean, s.coverage,
                           s.coverage_low, s.coverage_high, s.median_width});
  }

  void add_by(std::span<const ScoredCollective> rows,
              const std::function<std::string(const ScoredCollective&)>& key) {
    std::map<std::string, std::vector<const ScoredCollective*>> groups;
    for (const ScoredCollective& row : rows)
      groups[key(row)].push_back(&row);
    for (const auto& [name, members] : groups) {
      if (!name.empty()) add(name, members);
    }
  }

  Table take() { return std::move(table_); }

 private:
  Table table_;
};

std::string size_of(const CollectiveSample& sample) {
  return is_large(sample) ? "from 1 MiB" : "below 1 MiB";
}

/// A system with fewer rows says nothing about systems.
constexpr std::size_t kSystemRows = 20;

Table system_table(std::span<const ScoredCollective> rows, std::vector<double>& means) {
  ScoreTable table("systems_never_seen", "Systems never seen, inside a domain or box", "system");
  std::map<std::string, std::vector<const ScoredCollective*>> groups;
  for (const ScoredCollective& row : rows) {
    if (!row.sample->across()) groups[row.row.device].push_back(&row);
  }
  for (const auto& [system, members] : groups) {
    table.add(system, members);
    if (members.size() < kSystemRows) continue;
    double sum = 0;
    for (const ScoredCollective* row : members)
      sum += absolute_error(row->row);
    means.push_back(sum / static_cast<double>(members.size()));
  }
  return table.take();
}

Table worst_table(std::span<const ScoredCollective> rows) {
  constexpr std::size_t kMost = 15;
  Table table{"worst_rows",
              "Worst rows",
              {{"id"},
               {"system"},
               {"library"},
               {"collective"},
               {"ranks", Unit::count},
               {"bytes", Unit::bytes},
               {"measured", Unit::seconds},
               {"predicted", Unit::seconds},
               {"error", Unit::ratio}},
              {}};
  std::vector<const ScoredCollective*> order;
  for (const ScoredCollective& row : rows)
    order.push_back(&row);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return absolute_error(a->row) > absolute_error(b->row);
  });
  for (std::size_t i = 0; i < std::min(kMost, order.size()); ++i) {
    const ScoredCollective& row = *order[i];
    table.rows.push_back({row.row.id, row.row.device, row.sample->library, row.row.kind,
                          static_cast<double>(row.sample->row->ranks),
                          row.sample->row->bytes.base(), row.row.measured.base(),
                          row.row.predicted.base(), absolute_error(row.row)});
  }
  return table;
}

Table impossible_table(std::span<const CollectiveSample* const> samples) {
  Table table{"beyond_limits",
              "Rows faster than the injection bound, not used",
              {{"id"},
               {"system"},
               {"collective"},
               {"ranks", Unit::count},
               {"bytes", Unit::bytes},
               {"measured", Unit::seconds}},
              {}};
  for (const CollectiveSample* sample : samples) {
    table.rows.push_back({sample->row->id, sample->system,
                          std::string(name_of(sample->row->collective)),
                          static_cast<double>(sample->row->ranks), sample->row->bytes.base(),
                          sample->row->time.base()});
  }
  return table;
}

/// 90 % of the rows' measured times lie between these factors of the predicted ones.
CollectiveBand band_of(std::span<const ScoredCollective> rows,
                       const std::function<bool(const CollectiveSample&)>& wanted) {
  std::vector<double> ratios;
  for (const ScoredCollective& row : rows) {
    if (wanted(*row.sample)) ratios.push_back(row.row.measured / row.row.predicted);
  }
  if (ratios.size() < kSystemRows) return {};
  return {std::min(1.0, quantile(ratios, 0.05)), std::max(1.0, quantile(ratios, 0.95))};
}

/// Means of the log residuals, near in size, of a link's rows of one collective and number of
/// ranks.
class LinkResiduals {
 public:
  LinkResiduals(std::span<const CollectiveSample> samples, const CollectiveTuning& tuning) {
    for (const CollectiveSample& sample : samples) {
      if (sample.across() || sample.library != tuning.library || sample.link != tuning.link)
        continue;
      if (sample.integers || sample.no_nvls || sample.place.bandwidth <= BytesPerSecond{}) continue;
      const double time = predict_sample(sample, tuning).time.base();
      points_[{sample.row->collective, sample.row->ranks}].push_back(
          {sample.octave, std::log(sample.row->time.base() / time)});
    }
  }

  std::vector<CollectiveCorrection> corrections() const {
    std::vector<CollectiveCorrection> all;
    for (const auto& [key, points] : points_) {
      constexpr std::size_t kEnough = 5;
      if (points.size() < kEnough) continue;
      const auto [low, high] = std::minmax_element(points.begin(), points.end());
      CollectiveCorrection one{key.first, key.second, static_cast<int>(std::floor(low->first)), {}};
      for (double octave = std::floor(low->first); octave <= std::ceil(high->first); ++octave)
        one.log_ratio.push_back(static_cast<float>(mean_at(points, octave)));
      all.push_back(std::move(one));
    }
    return all;
  }

 private:
  using Points = std::vector<std::pair<double, double>>;

  static double mean_at(const Points& points, double octave) {
    constexpr double kReach = 0.4;  // rows of the very size, where there are some
    constexpr double kPrior = 0.02;
    double sum = 0;
    double weights = kPrior;
    for (const auto& [at, value] : points) {
      const double away = (at - octave) / kReach;
      const double weight = std::exp(-away * away);
      sum += weight * value;
      weights += weight;
    }
    return std::clamp(sum / weights, -1.0, 1.0);
  }

  std::map<std::pair<Collective, std::int64_t>, Points> points_;
};

std::string sources_of(std::span<const CollectiveSample> samples, const CollectiveTuning& tuning,
                       std::vector<std::string>& systems) {
  std::set<std::string> sources;
  std::set<std::string> devices;
  for (const CollectiveSample& sample : samples) {
    const bool other = sample.library != tuning.library || sample.link != tuning.link;
    if (other || sample.across()) continue;
    sources.insert(sample.row->source);
    devices.insert(sample.system);
  }
  systems.assign(devices.begin(), devices.end());
  std::string text;
  for (const std::string& source : sources)
    text += (text.empty() ? "" : "; ") + source;
  return text;
}

}  // namespace

Findings collective_findings(std::span<const CollectiveSample> samples) {
  Findings findings;
  findings.title = "Collectives: predicted against published measurements";
  ScoreTable bars("collective_bars", "By what is left out, place and size", "rows_scored");
  CollectiveScores seen;
  for (const CollectiveFolds folds : {CollectiveFolds::sizes, CollectiveFolds::octaves,
                                      CollectiveFolds::ranks, CollectiveFolds::systems}) {
    CollectiveScores scores = cross_validate(samples, folds);
    bars.add_by(scores.rows, [&](const ScoredCollective& row) {
      return fmt::format("{}: {}, {}", name_of(folds), where(*row.sample), size_of(*row.sample));
    });
    findings.notes.push_back(fmt::format("{}: {}.", name_of(folds), rule_of(folds)));
    if (folds == CollectiveFolds::sizes) {
      seen = std::move(scores);
      continue;
    }
    if (folds != CollectiveFolds::systems) continue;
    findings.tables.push_back(bars.take());
    std::vector<double> means;
    findings.tables.push_back(system_table(scores.rows, means));
    findings.notes.push_back(fmt::format(
        "systems never seen: median {:.1f} % and worst {:.1f} % of the means of {} systems of at "
        "least {} rows.",
        100 * quantile(means, 0.5), 100 * quantile(means, 1), means.size(), kSystemRows));
  }
  ScoreTable libraries("libraries", "By library, size left out", "library");
  libraries.add_by(seen.rows, [](const ScoredCollective& row) {
    return fmt::format("{}: {}, {}", row.sample->library, where(*row.sample), size_of(*row.sample));
  });
  findings.tables.push_back(libraries.take());
  ScoreTable kinds("kinds", "By collective, size left out", "collective");
  kinds.add_by(seen.rows, [](const ScoredCollective& row) {
    return fmt::format("{}: {}, {}", row.row.kind, where(*row.sample), size_of(*row.sample));
  });
  findings.tables.push_back(kinds.take());
  ScoreTable systems("systems", "By system, size left out", "system");
  systems.add_by(seen.rows, [](const ScoredCollective& row) {
    return fmt::format("{}: {}, {}", row.row.device, where(*row.sample), size_of(*row.sample));
  });
  findings.tables.push_back(systems.take());
  findings.tables.push_back(worst_table(seen.rows));
  if (!seen.impossible.empty()) findings.tables.push_back(impossible_table(seen.impossible));
  return findings;
}

std::vector<CollectiveTuning> calibrate_collectives(std::span<const CollectiveSample> samples,
                                                    const std::string& date) {
  constexpr std::size_t kEnough = 10;
  std::map<std::pair<std::string, std::string>, std::vector<const CollectiveSample*>> groups;
  for (const CollectiveSample& sample : samples) {
    const bool usable = !sample.across() && sample.place.bandwidth > BytesPerSecond{};
    if (usable && !beats_the_bound(sample))
      groups[{sample.library, sample.link}].push_back(&sample);
  }
  const CollectiveScores seen = cross_validate(samples, CollectiveFolds::sizes);
  const CollectiveScores unseen = cross_validate(samples, CollectiveFolds::systems);
  std::vector<CollectiveTuning> tunings;
  for (const auto& [key, rows] : groups) {
    if (rows.size() < kEnough) continue;
    const auto& [library, link] = key;
    CollectiveTuning tuning = fit_tuning(rows, library, link);
    tuning.corrections = LinkResiduals(samples, tuning).corrections();
    for (const bool large : {false, true}) {
      // Named: clang 14 does not capture what a structured binding names.
      const auto here = [&, &name = library, &wire = link](const CollectiveSample& sample) {
        return !sample.across() && is_large(sample) == large && sample.library == name &&
               sample.link == wire;
      };
      tuning.seen[large ? 1 : 0] = band_of(seen.rows, here);
      tuning.unseen[large ? 1 : 0] = band_of(unseen.rows, here);
    }
    tuning.source.cite = sources_of(samples, tuning, tuning.systems);
    tuning.source.locator = "fitted: fastpath collective --calibrate";
    tuning.source.date = date;
    tuning.source.confidence = "fitted";
    tunings.push_back(std::move(tuning));
  }
  return tunings;
}

}  // namespace fastpath
