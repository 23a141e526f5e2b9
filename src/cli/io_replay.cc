#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analyze/feed_findings.h"
#include "cli/emit.h"
#include "cli/input.h"
#include "cli/io_setting.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "ir/input_names.h"
#include "measure/clock.h"
#include "measure/loader/inject.h"
#include "measure/loader/loader.h"
#include "measure/loader/page_cache.h"
#include "measure/repeats.h"
#include "model/input_pipeline.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 5> kReplayFlags{{
    {"replay", FlagKind::file, "PIPELINE.yaml",
     "run this input pipeline on the data set PATH, beside its prediction (docs/guide/storage.md)",
     "", false},
    {"epochs", FlagKind::whole, "N", "of --replay (default 3)", "", false},
    {"verify", FlagKind::yes, "",
     "compare every sample with the checksum that --make wrote, once: all that is lost or wrong",
     "", false},
    {"inject", FlagKind::choice, "ERROR",
     "of --verify: errors in one of 50 reads or files, to see that each is told: short reads "
     "(which "
     "are none), EIO, files that vanished or are cut, wrong bytes; may be repeated",
     "short|eio|vanished|cut|byte", true},
    {"one-in", FlagKind::whole, "N", "reads or files, of --inject (default 50)", "", false},
}};

/// What of a pipeline this machine runs.
LoaderSetting loader_of(const InputPipeline& pipeline, const FetchSetting& fetch) {
  LoaderSetting setting;
  setting.fetch = fetch;
  setting.workers = pipeline.workers;
  setting.augment = pipeline.augment;
  setting.collect = pipeline.collect;
  setting.batch = pipeline.batch;
  setting.prefetch = pipeline.prefetch;
  setting.compute = pipeline.compute / static_cast<double>(pipeline.accelerators);
  return setting;
}

/// A pipeline about the data set that is there.
InputPipeline on_this_set(InputPipeline pipeline, const SampleSet& set) {
  Dataset& data = pipeline.dataset;
  data.samples = static_cast<double>(set.samples.size());
  data.sample = set.sample();
  data.layout = set.layout;
  data.encoding = set.encoding;
  if (set.layout == SampleLayout::shards) {
    data.samples_per_file = data.samples / static_cast<double>(set.files.size());
  }
  return pipeline;
}

/// What differs between the file's data set and the one that is there, or is not replayed.
std::vector<std::string> doubts(const InputPipeline& plan, const InputPipeline& run) {
  std::vector<std::string> notes;
  constexpr double kSame = 0.01;
  if (plan.dataset.layout != run.dataset.layout || plan.dataset.encoding != run.dataset.encoding ||
      std::abs(plan.dataset.sample / run.dataset.sample - 1) > kSame ||
      std::abs(plan.dataset.samples / run.dataset.samples - 1) > kSame) {
    notes.emplace_back(
        "The data set is not the pipeline's: the prediction is of the one that is there.");
  }
  if (plan.copy > BytesPerSecond{}) {
    notes.emplace_back("Copies to accelerators are predicted, not replayed.");
  }
  if (plan.augment > Seconds{} || plan.collect > Seconds{}) {
    notes.emplace_back("Augmenting and collecting keep a core busy for the pipeline's times.");
  }
  return notes;
}

struct ReplayQuestion {
  InputPipeline plan;
  SampleSet set;
  FetchSetting fetch;
  ReadCache cache = ReadCache::cold;
  std::uint64_t seed = 1;
};

Diagnostics mistakes_of(const InputPipeline& pipeline, const std::string& file) {
  Diagnostics mistakes;
  if (pipeline.loaders > 1) {
    mistakes.push_back({{.file = file},
                        fmt::format("{} loaders: a replay runs one", pipeline.loaders),
                        "write loaders: 1, with all their workers"});
  }
  if (pipeline.cache_disk) {
    mistakes.push_back({{.file = file},
                        "a replay has no disk that caches",
                        "leave out cache: {disk: ...}, or copy the data set there and name it"});
  }
  return mistakes;
}

Result<ReplayQuestion> question_from(Session& session, const Arguments& arguments) {
  ReplayQuestion question;
  Diagnostics mistakes;
  const auto add = [&](const Diagnostics& more) {
    mistakes.insert(mistakes.end(), more.begin(), more.end());
  };
  const auto file = arguments.text("replay");
  if (file) {
    const Result<Sources> sources = Sources::open(session, arguments);
    if (!sources) return failure(sources.error());
    const auto plan = input_pipeline_from(*file, *sources);
    if (plan) {
      question.plan = *plan;
      add(mistakes_of(*plan, *file));
    } else {
      add(plan.error());
    }
  }
  const auto fetch = fetch_setting(session, arguments);
  const auto cache = loader_cache(arguments);
  if (!fetch) add(fetch.error());
  if (!cache) add(cache.error());
  if (!arguments.has("verify") && arguments.has("inject")) {
    add({{command_line(), "--inject puts errors into --verify", "add --verify"}});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  question.fetch = *fetch;
  question.cache = *cache;
  question.seed = seed_of(arguments);
  auto set = samples_from(arguments, file ? &question.plan : nullptr);
  if (!set) return failure(set.error());
  if (question.plan.shuffle.order == ShuffleOrder::shard && set->layout != SampleLayout::shards) {
    return failure({.file = *file}, "only shards can be shuffled by shard", "write shuffle: full");
  }
  if (!file && set->layout == SampleLayout::shards) {
    question.plan.shuffle.order = ShuffleOrder::shard;
  }
  question.set = std::move(*set);
  return question;
}

/// Epochs that ran under the same conditions.
struct Kind {
  std::string name;
  const EpochFeed* predicted = nullptr;
  std::vector<EpochRun> runs;

  Repeated rates() const {
    std::vector<Repeat> repeats;
    repeats.reserve(runs.size());
    for (const EpochRun& run : runs)
      repeats.push_back({static_cast<double>(run.samples) / run.wall.base(), run.others});
    return summarise(repeats, {.least = 1, .most = runs.size()});
  }

  /// Median of a figure.
  template <class Figure>
  double middle(Figure figure) const {
    std::vector<Repeat> repeats;
    repeats.reserve(runs.size());
    for (const EpochRun& run : runs)
      repeats.push_back({figure(run), run.others});
    return summarise(repeats, {.least = 1, .most = runs.size()}).median;
  }
};

/// Busy for nearly all of the time: the accelerators, the cores, or else whichever the workers wait
/// for, or the workers.
InputStage limit_of(const Kind& kind, const InputPipeline& pipeline, double cores) {
  constexpr double kBusy = 0.93;
  const double computing = kind.middle([](const EpochRun& run) { return run.computing; });
  if (pipeline.compute > Seconds{} && computing >= kBusy) return InputStage::accelerator;
  const double cpu = kind.middle([](const EpochRun& run) { return run.cpu / run.wall; });
  if (cpu >= kBusy * cores) return InputStage::host;
  const double starving = kind.middle([](const EpochRun& run) { return run.starving; });
  const double preparing = kind.middle([](const EpochRun& run) { return run.preparing; });
  const double blocked = kind.middle([](const EpochRun& run) { return run.blocked; });
  if (starving >= preparing && starving >= blocked) return InputStage::fetch;
  if (blocked > preparing && pipeline.collect > Seconds{}) return InputStage::collect;
  return InputStage::prepare;
}

Table rate_table(const std::vector<Kind>& kinds, const InputPipeline& pipeline, double cores) {
  Table table{"replay",
              "Measured and predicted",
              {{"epochs"},
               {"runs", Unit::count},
               {"measured", Unit::per_second},
               {"spread", Unit::ratio},
               {"predicted", Unit::per_second},
               {"error", Unit::ratio},
               {"limit"},
               {"predicted_limit"},
               {"utilisation", Unit::ratio},
               {"predicted_utilisation", Unit::ratio},
               {"stalls", Unit::count},
               {"stalled", Unit::seconds}},
              {}};
  for (const Kind& kind : kinds) {
    const Repeated rates = kind.rates();
    const bool computes = pipeline.compute > Seconds{};
    std::vector<Cell> row = {kind.name, static_cast<double>(kind.runs.size()), rates.median,
                             rates.spread};
    if (kind.predicted != nullptr) {
      row.insert(row.end(),
                 {kind.predicted->rate.base(), kind.predicted->rate.base() / rates.median - 1});
    } else {
      row.insert(row.end(), {Cell{}, Cell{}});
    }
    row.emplace_back(std::string(name_of(limit_of(kind, pipeline, cores))));
    row.push_back(kind.predicted == nullptr ? Cell{}
                                            : Cell{std::string(name_of(kind.predicted->limit))});
    row.push_back(computes ? Cell{kind.middle([](const EpochRun& run) { return run.computing; })}
                           : Cell{});
    row.push_back(computes && kind.predicted != nullptr ? Cell{kind.predicted->utilisation}
                                                        : Cell{});
    row.emplace_back(
        kind.middle([](const EpochRun& run) { return static_cast<double>(run.stalls); }));
    row.emplace_back(kind.middle([](const EpochRun& run) { return run.stalled.base(); }));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table work_table(const std::vector<Kind>& kinds) {
  Table table{"work",
              "What was done, as shares of the time",
              {{"epochs"},
               {"fetching", Unit::ratio},
               {"preparing", Unit::ratio},
               {"waiting_for_samples", Unit::ratio},
               {"waiting_for_room", Unit::ratio},
               {"cores", Unit::none},
               {"cpu", Unit::seconds},
               {"decoding_cpu", Unit::seconds},
               {"stored_rate", Unit::bytes_per_second},
               {"decoded_rate", Unit::bytes_per_second},
               {"others", Unit::none}},
              {}};
  const auto number = [](double value) { return fmt::format("{:.2f}", value); };
  for (const Kind& kind : kinds) {
    const auto each = [&](auto figure) {
      return kind.middle([&](const EpochRun& run) {
        return figure(run).base() / static_cast<double>(run.samples);
      });
    };
    table.rows.push_back(
        {kind.name, kind.middle([](const EpochRun& run) { return run.fetching; }),
         kind.middle([](const EpochRun& run) { return run.preparing; }),
         kind.middle([](const EpochRun& run) { return run.starving; }),
         kind.middle([](const EpochRun& run) { return run.blocked; }),
         number(kind.middle([](const EpochRun& run) { return run.cpu / run.wall; })),
         each([](const EpochRun& run) { return run.cpu; }),
         each([](const EpochRun& run) { return run.decoding; }),
         kind.middle([](const EpochRun& run) { return run.stored.base() / run.wall.base(); }),
         kind.middle([](const EpochRun& run) { return run.decoded.base() / run.wall.base(); }),
         number(kind.middle([](const EpochRun& run) { return run.others; }))});
  }
  return table;
}

/// Runs epochs by kind: all of one kind where each begins cold, or all warm.
Result<std::vector<Kind>> run_epochs(Session& session, const Arguments& arguments,
                                     const ReplayQuestion& question, double& cached) {
  const bool warm = question.cache == ReadCache::warm;
  const bool keeps = question.plan.cache >= question.set.bytes();
  std::vector<Kind> kinds;
  kinds.push_back({warm ? "from the page cache" : keeps ? "first" : "each from the store", {}, {}});
  if (!warm && keeps) kinds.push_back({"later", {}, {}});
  if (warm) bring_into_cache(question.set);
  const LoaderSetting setting = loader_of(question.plan, question.fetch);
  const ReadHooks none;
  Loader loader(question.set, setting, none);
  constexpr std::int64_t kEpochs = 3;
  const std::int64_t epochs = arguments.whole_or("epochs", kEpochs);
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    const bool cold = !warm && (epoch == 0 || !keeps);
    if (cold) {
      drop_from_cache(question.set);
      cached = std::max(cached, cached_share(question.set));
    }
    const EpochOrder order = epoch_order(question.set, question.plan.shuffle,
                                         question.seed + static_cast<std::uint64_t>(epoch));
    auto run = loader.run(order, [&](std::size_t samples) {
      session.progress(fmt::format("epoch {} of {}: sample {} of {}", epoch + 1, epochs, samples,
                                   question.set.samples.size()));
    });
    if (!run) return failure(run.error());
    kinds[epoch > 0 && kinds.size() > 1 ? 1 : 0].runs.push_back(std::move(*run));
  }
  session.progress("");
  if (kinds.back().runs.empty()) kinds.pop_back();
  return kinds;
}

/// With all samples in memory where they are, and an accelerator that takes no time as one that
/// takes next to none.
Result<Feed> predict_run(InputPipeline pipeline, ReadCache cache) {
  if (!(pipeline.compute > Seconds{})) pipeline.compute = Seconds{1e-9};
  if (cache == ReadCache::warm) {
    pipeline.cache = pipeline.dataset.samples * pipeline.dataset.sample;
    pipeline.cache_policy = CachePolicy::pinned;
  }
  return feed(pipeline);
}

int answer_replay(Session& session, const Arguments& arguments, const ReplayQuestion& question) {
  double cached = 0;
  auto kinds = run_epochs(session, arguments, question, cached);
  if (!kinds) return session.fail(kinds.error());
  const InputPipeline pipeline = on_this_set(question.plan, question.set);
  Findings findings;
  findings.title = fmt::format("{} on {}", *arguments.text("replay"), question.set.path);
  std::optional<Feed> predicted;
  if (pipeline.store.sequential > BytesPerSecond{}) {
    Result<Feed> answer = predict_run(pipeline, question.cache);
    if (!answer) return session.fail(answer.error());
    predicted = std::move(*answer);
    const bool warm = question.cache == ReadCache::warm;
    kinds->front().predicted = warm ? &predicted->later : &predicted->first;
    if (kinds->size() > 1) kinds->back().predicted = &predicted->later;
  } else {
    findings.notes.emplace_back(
        "No prediction: the pipeline names no store. --fetch --pipeline measures one.");
  }
  const double cores = pipeline.cores > 0 ? pipeline.cores : HUGE_VAL;
  findings.tables = {sample_table(question.set), rate_table(*kinds, pipeline, cores),
                     work_table(*kinds)};
  if (predicted) findings.tables.push_back(input_stage_table(*predicted));
  for (std::string& note : doubts(question.plan, pipeline))
    findings.notes.push_back(std::move(note));
  constexpr double kCold = 0.01;
  if (cached > kCold) {
    findings.notes.emplace_back(
        "The page cache did not drop the files: cold epochs are partly of memory.");
  }
  if (pipeline.cache > Bytes{} && pipeline.cache < question.set.bytes()) {
    findings.notes.emplace_back(
        "A cache that holds a part of the data set is not replayed: each epoch begins cold.");
  }
  const bool busy = std::any_of(kinds->begin(), kinds->end(),
                                [](const Kind& kind) { return kind.rates().noisy; });
  if (busy) {
    findings.notes.emplace_back(
        "Others used more than a tenth of a core: these are figures of a busy machine.");
  }
  findings.notes.push_back(fmt::format("Load average {:.1f} as it ended.", load_average()));
  return emit(session, arguments, findings, kAnswered);
}

std::vector<InjectedError> errors_of(const Arguments& arguments) {
  std::vector<InjectedError> errors;
  for (const std::string& name : arguments.all("inject")) {
    for (const InjectedError error :
         {InjectedError::short_read, InjectedError::io_error, InjectedError::vanished,
          InjectedError::cut, InjectedError::wrong_byte}) {
      if (name_of(error) == name) errors.push_back(error);
    }
  }
  return errors;
}

int answer_verify(Session& session, const Arguments& arguments, const ReplayQuestion& question) {
  constexpr std::int64_t kOneIn = 50;
  const std::vector<InjectedError> errors = errors_of(arguments);
  ReadHooks hooks;
  if (!errors.empty()) {
    hooks = inject(errors, question.seed,
                   static_cast<std::uint64_t>(arguments.whole_or("one-in", kOneIn)));
  }
  Diagnostics mistakes = check_archives(question.set, hooks);
  LoaderSetting setting = loader_of(question.plan, question.fetch);
  setting.compute = {};
  setting.augment = {};
  setting.collect = {};
  setting.verify = true;
  const EpochOrder order = epoch_order(question.set, question.plan.shuffle, question.seed);
  const auto run = run_epoch(question.set, setting, order, hooks, [&](std::size_t samples) {
    session.progress(fmt::format("sample {} of {}", samples, question.set.samples.size()));
  });
  session.progress("");
  if (!run) return session.fail(run.error());
  mistakes.insert(mistakes.end(), run->mistakes.begin(), run->mistakes.end());
  if (!mistakes.empty()) {
    // Threads tell them in any order.
    std::sort(mistakes.begin(), mistakes.end(), [](const Diagnostic& a, const Diagnostic& b) {
      return std::tie(a.place.file, a.what) < std::tie(b.place.file, b.what);
    });
    session.say(
        fmt::format("{} of {} samples are lost or wrong", run->lost, question.set.samples.size()));
    return session.fail(mistakes);
  }
  Findings findings;
  findings.title = "Verified: " + question.set.path;
  findings.tables = {sample_table(question.set),
                     {"verified",
                      "Read, compared and decoded",
                      {{"samples", Unit::count},
                       {"bytes", Unit::bytes},
                       {"decoded", Unit::bytes},
                       {"time", Unit::seconds}},
                      {{static_cast<double>(run->samples), run->stored.base(), run->decoded.base(),
                        run->wall.base()}}}};
  if (!question.set.manifest) {
    findings.notes.emplace_back(
        "No manifest: samples were read whole and decoded, and compared with nothing.");
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace

std::span<const Flag> io_replay_flags() { return kReplayFlags; }

int run_io_replay(Session& session, const Arguments& arguments) {
  const Result<ReplayQuestion> question = question_from(session, arguments);
  if (!question) return session.fail(question.error());
  if (arguments.has("verify")) return answer_verify(session, arguments, *question);
  return answer_replay(session, arguments, *question);
}

}  // namespace fastpath::cli
