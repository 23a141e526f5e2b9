#include "validate/storage.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "model/input_pipeline.h"
#include "validate/robust_fit.h"
#include "validate/score.h"

namespace fastpath {
namespace {

constexpr double kNoise = 0.05;

/// Whole files that many threads read at a time can look random to a drive or not: any share.
/// Record files are streams, each read from its beginning to its end with readahead: hardly any. A
/// file costs at least an open and a close: 11 us on a local drive (catalog/storage).
std::array<FitParameter, 2> load_parameters(bool streams) {
  return {{{.low = 0.01, .high = 1, .prior = streams ? 0.02 : 0.3, .spread = 1},
           {.low = 1e-6, .high = 1e-2, .prior = 11e-6, .spread = 1.5}}};
}

/// Shares of decoding: taking an image from a worker, and putting it into a batch.
constexpr std::array<FitParameter, 2> kCollectParameters{
    {{.low = 0.01, .high = 3, .prior = 0.2, .spread = 1},
     {.low = 1e-3, .high = 0.3, .prior = 0.02, .spread = 1}}};

StoreRates store_of(const StorageRun& run) {
  return {.sequential = *run.drive_read, .random_4k = run.drive_random, .open = {}, .readers = 1};
}

/// Not rounded down.
double feeds(const StorageRun& run, const ReadLoad& load) {
  const double each = run.batch / run.compute.base() * run.utilisation * run.sample.base();
  return delivered(store_of(run), load, run.samples_per_file * run.sample).base() / each;
}

/// 0 in the middle between n and n + 1 accelerators, little inside, the distance outside.
double misfit(double fed, double accelerators) {
  constexpr double kInside = 0.3;
  const double off = std::log(fed / (accelerators + 0.5));
  const double half = std::log((accelerators + 0.5) / accelerators);
  if (std::abs(off) <= half) return kInside * off;
  return std::copysign(std::abs(off) - (1 - kInside) * half, off);
}

ReadLoad load_at(std::span<const double> values) { return {values[0], Seconds{values[1]}}; }

Table bars_table() {
  return {"bars",
          "Bars",
          {{"of", Unit::none},
           {"rows", Unit::count},
           {"mean_error", Unit::ratio},
           {"median_error", Unit::ratio},
           {"naive_mean", Unit::ratio},
           {"bar", Unit::ratio}},
          {}};
}

double error_of(double predicted, double measured) { return std::abs(predicted / measured - 1); }

std::vector<Cell> score_row(const std::string& name, std::span<const ScoredRun> runs, Cell bar) {
  std::vector<double> errors;
  double sum = 0;
  double naive = 0;
  for (const ScoredRun& run : runs) {
    errors.push_back(error_of(run.predicted, run.measured));
    sum += errors.back();
    naive += error_of(run.naive, run.measured);
  }
  const double count = std::max<double>(1, static_cast<double>(runs.size()));
  return {name,          static_cast<double>(runs.size()),
          sum / count,   quantile(errors, 0.5),
          naive / count, std::move(bar)};
}

Table by_group(std::string name, std::string title, std::span<const ScoredRun> runs) {
  Table table = bars_table();
  table.name = std::move(name);
  table.title = std::move(title);
  table.columns.pop_back();
  std::map<std::string, std::vector<ScoredRun>> groups;
  for (const ScoredRun& run : runs)
    groups[run.group + ", " + run.kind].push_back(run);
  for (const auto& [group, members] : groups) {
    table.rows.push_back(score_row(group, members, {}));
    table.rows.back().pop_back();
  }
  return table;
}

Table every_row(std::string name, std::string title, Unit unit, std::span<const ScoredRun> runs) {
  Table table{std::move(name),
              std::move(title),
              {{"id"},
               {"left_out"},
               {"of"},
               {"measured", unit},
               {"predicted", unit},
               {"naive", unit},
               {"error", Unit::ratio}},
              {}};
  for (const ScoredRun& run : runs) {
    table.rows.push_back({run.id, run.group, run.kind, run.measured, run.predicted, run.naive,
                          error_of(run.predicted, run.measured)});
  }
  return table;
}

using Medians = std::map<std::string, double>;

/// Seconds a CPU decodes an image alone, the median of its decoders.
Medians typical_decode(std::span<const DecodeRun> alone) {
  std::map<std::string, std::vector<double>> times;
  for (const DecodeRun& run : alone)
    times[run.device].push_back(1 / run.rate.base());
  Medians medians;
  for (auto& [device, values] : times)
    medians[device] = quantile(values, 0.5);
  return medians;
}

struct DecodeData {
  std::vector<DecodeRun> alone;
  std::vector<DecodeRun> loaded;  ///< of decoders whose rate alone is known
  std::map<std::pair<std::string, std::string>, double> seconds;  ///< alone
};

DecodeData decode_data(std::span<const DecodeRun> runs) {
  DecodeData data;
  for (const DecodeRun& run : runs) {
    if (!run.alone) continue;
    data.alone.push_back(run);
    data.seconds[{run.device, run.decoder}] = 1 / run.rate.base();
  }
  for (const DecodeRun& run : runs) {
    if (!run.alone && data.seconds.contains({run.device, run.decoder})) data.loaded.push_back(run);
  }
  return data;
}

/// `typical`: seconds in which the CPU decodes an image. Without workers nothing is handed over.
Hertz loader_rate(const DecodeRun& run, Seconds decode, const Collecting& shares, double typical) {
  const double share = run.workers > 0 ? shares.from_worker : shares.alone;
  return prepared(run.workers, decode, Seconds{share * typical});
}

Table load_table(std::span<const StorageRun> runs) {
  Table table{
      "read_loads",
      "How a layout's reads load a drive, fitted to all drives",
      {{"of"}, {"rows", Unit::count}, {"random_share", Unit::ratio}, {"per_file", Unit::seconds}},
      {}};
  std::map<std::string, std::vector<const StorageRun*>> groups;
  for (const StorageRun& run : runs) {
    if (!run.drive_read) continue;
    groups[run.workload].push_back(&run);
    groups[run.layout == SampleLayout::files ? "files" : "shards"].push_back(&run);
  }
  for (const auto& [name, members] : groups) {
    const ReadLoad load = fit_read_load(members);
    table.rows.push_back(
        {name, static_cast<double>(members.size()), load.random_share, load.per_file.base()});
  }
  return table;
}

}  // namespace

ReadLoad fit_read_load(std::span<const StorageRun* const> runs) {
  const bool streams =
      std::all_of(runs.begin(), runs.end(), [](const StorageRun* run) { return run->streams; });
  const FitResult fit =
      robust_fit(load_parameters(streams), kNoise, [&](std::span<const double> logs) {
        const std::array<double, 2> values{std::exp(logs[0]), std::exp(logs[1])};
        std::vector<double> residuals;
        for (const StorageRun* run : runs)
          residuals.push_back(misfit(feeds(*run, load_at(values)), run->accelerators));
        return residuals;
      });
  return load_at(fit.values);
}

std::vector<ScoredRun> validate_drives(std::span<const StorageRun> runs) {
  std::vector<ScoredRun> scored;
  for (const StorageRun& run : runs) {
    if (!run.drive_read) continue;
    std::vector<const StorageRun*> others;
    for (const StorageRun& other : runs) {
      if (other.drive_read && other.system != run.system && other.workload == run.workload) {
        others.push_back(&other);
      }
    }
    const auto whole = [](double fed) { return std::max(1.0, std::floor(fed)); };
    scored.push_back({run.id, run.system, run.workload, run.accelerators,
                      whole(feeds(run, fit_read_load(others))), whole(feeds(run, {}))});
  }
  return scored;
}

std::vector<ScoredRun> validate_sample_rates(std::span<const StorageRun> runs) {
  const auto bound = [](const StorageRun& run) {
    return run.accelerators * run.batch / run.compute.base();
  };
  std::vector<ScoredRun> scored;
  for (const StorageRun& run : runs) {
    std::vector<double> ratios;
    for (const StorageRun& other : runs) {
      if (other.organisation != run.organisation && other.workload == run.workload) {
        ratios.push_back(other.rate.base() / bound(other));
      }
    }
    scored.push_back({run.id, run.organisation, run.workload, run.rate.base(),
                      bound(run) * quantile(ratios, 0.5), bound(run)});
  }
  return scored;
}

Collecting fit_collecting(std::span<const DecodeRun* const> runs,
                          std::span<const DecodeRun> alone) {
  const Medians typical = typical_decode(alone);
  std::map<std::pair<std::string, std::string>, double> seconds;
  for (const DecodeRun& run : alone)
    seconds[{run.device, run.decoder}] = 1 / run.rate.base();
  const FitResult fit = robust_fit(kCollectParameters, kNoise, [&](std::span<const double> logs) {
    const Collecting shares{std::exp(logs[0]), std::exp(logs[1])};
    std::vector<double> residuals;
    for (const DecodeRun* run : runs) {
      const Hertz rate = loader_rate(*run, Seconds{seconds.at({run->device, run->decoder})}, shares,
                                     typical.at(run->device));
      residuals.push_back(std::log(rate / run->rate));
    }
    return residuals;
  });
  return {fit.values[0], fit.values[1]};
}

std::vector<ScoredRun> validate_decoding(std::span<const DecodeRun> runs, DecodeFolds folds) {
  const DecodeData data = decode_data(runs);
  const Medians typical = typical_decode(data.alone);
  std::set<std::pair<std::string, std::string>> left_out;
  for (const DecodeRun& run : data.loaded) {
    left_out.emplace(run.device, folds == DecodeFolds::cpus ? "" : run.decoder);
  }
  std::vector<ScoredRun> scored;
  for (const auto& group : left_out) {
    const std::string& device = group.first;
    const std::string& decoder = group.second;
    const auto tested = [&](const DecodeRun& run) {
      return run.device == device && (folds == DecodeFolds::cpus || run.decoder == decoder);
    };
    std::vector<const DecodeRun*> train;
    for (const DecodeRun& run : data.loaded) {
      const bool usable = folds == DecodeFolds::cpus || run.device == device;
      if (usable && !tested(run)) train.push_back(&run);
    }
    const Collecting shares = fit_collecting(train, data.alone);
    for (const DecodeRun& run : data.loaded) {
      if (!tested(run)) continue;
      const double alone = data.seconds.at({run.device, run.decoder});
      scored.push_back({run.id, run.device, fmt::format("{} workers", run.workers), run.rate.base(),
                        loader_rate(run, Seconds{alone}, shares, typical.at(run.device)).base(),
                        std::max(1, run.workers) / alone});
    }
  }
  return scored;
}

Findings storage_findings(std::span<const StorageRun> storage, std::span<const DecodeRun> decode) {
  const std::vector<ScoredRun> drives = validate_drives(storage);
  const std::vector<ScoredRun> rates = validate_sample_rates(storage);
  const std::vector<ScoredRun> decoders = validate_decoding(decode, DecodeFolds::decoders);
  const std::vector<ScoredRun> cpus = validate_decoding(decode, DecodeFolds::cpus);
  Findings findings;
  findings.title = "Predicted against measured storage and decoding";
  Table bars = bars_table();
  bars.rows = {score_row("accelerators a drive feeds, drive left out", drives, 0.12),
               score_row("decoding by workers, decoder left out", decoders, 0.15),
               score_row("decoding by workers, CPU never seen", cpus, 0.15),
               score_row("samples a second, organisation left out", rates, {})};
  findings.tables.push_back(std::move(bars));
  findings.tables.push_back(by_group("drives", "Accelerators, by drive and workload", drives));
  findings.tables.push_back(by_group("decoding", "Decoding, CPU never seen, by workers", cpus));
  findings.tables.push_back(load_table(storage));
  const DecodeData data = decode_data(decode);
  std::vector<const DecodeRun*> all;
  for (const DecodeRun& run : data.loaded)
    all.push_back(&run);
  const Collecting shares = fit_collecting(all, data.alone);
  findings.tables.push_back({"collecting",
                             "Collecting an image over decoding it, fitted to all CPUs",
                             {{"from_worker", Unit::ratio}, {"alone", Unit::ratio}},
                             {{shares.from_worker, shares.alone}}});
  findings.tables.push_back(
      every_row("drive_rows", "Accelerators: every row", Unit::count, drives));
  findings.tables.push_back(
      every_row("decoding_rows", "Decoding, CPU never seen: every row", Unit::per_second, cpus));
  findings.notes.emplace_back(
      "errors are |predicted / measured - 1|; naive: the drive's rated bandwidth over what an "
      "accelerator needs; a worker's rate times the workers; accelerators x batch / compute time");
  return findings;
}

}  // namespace fastpath
