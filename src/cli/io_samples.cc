#include <algorithm>
#include <array>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "cli/emit.h"
#include "cli/flag_reader.h"
#include "cli/io_setting.h"
#include "cli/verbs.h"
#include "import/yaml/input_pipeline.h"
#include "ir/input_names.h"
#include "measure/clock.h"
#include "measure/loader/rates.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 13> kSampleFlags{{
    {"make", FlagKind::choice, "LAYOUT",
     "write a data set of test pictures, with checksums, into the new folder PATH",
     "files|shards|packed", false},
    {"encoding", FlagKind::choice, "HOW", "of the samples of --make (default jpeg)",
     "raw|jpeg|png|gzip|zstd", false},
    {"samples", FlagKind::whole, "N", "of --make (default 1000)", "", false},
    {"samples-per-file", FlagKind::whole, "N", "of shards of --make (default 256)", "", false},
    {"image", FlagKind::whole, "SIDE", "pixels a side, of --make and --decode (default 224)", "",
     false},
    {"seed", FlagKind::whole, "N", "of --make, of shuffles and of --inject (default 1)", "", false},
    {"decode", FlagKind::choice, "ENCODING",
     "decode test pictures in memory, or samples of the data set PATH, by --threads",
     "raw|jpeg|png|gzip|zstd", false},
    {"fetch", FlagKind::yes, "", "read the samples of the data set PATH as a loader does", "",
     false},
    {"shuffle", FlagKind::choice, "ORDER",
     "of --fetch (default: shard for shards, full for others)", "full|shard|none", false},
    {"pipeline", FlagKind::file, "FILE.yaml",
     "with --fetch: also decode with one worker, and write what was measured as an input pipeline",
     "", false},
    {"batch", FlagKind::whole, "N", "samples of a batch in --pipeline (default 32)", "", false},
    {"compute", FlagKind::text, "TIME", "of a batch in --pipeline (default: none)", "", false},
    {"workers", FlagKind::whole, "N", "in --pipeline (default 1)", "", false},
}};

void add_load(Findings& findings, bool noisy) {
  findings.notes.push_back(fmt::format("Load average {:.1f} as it ended.", load_average()));
  if (!noisy) return;
  findings.notes.emplace_back(
      "Others used more than a tenth of a core during most repeats: these are figures of a busy "
      "machine.");
}

int answer_make(Session& session, const Arguments& arguments) {
  if (arguments.operands().empty()) {
    return session.fail({{command_line(), "--make needs a folder", "fastpath io FOLDER --make"}});
  }
  MakeSetting setting;
  setting.layout =
      parse_name<SampleLayout>(arguments.text_or("make", "files")).value_or(setting.layout);
  setting.encoding =
      parse_name<SampleEncoding>(arguments.text_or("encoding", "jpeg")).value_or(setting.encoding);
  setting.samples = arguments.whole_or("samples", setting.samples);
  setting.samples_per_file = arguments.whole_or("samples-per-file", setting.samples_per_file);
  constexpr std::int64_t kMostSide = 1 << 20;  // of what is then refused
  setting.side = static_cast<int>(std::min(arguments.whole_or("image", setting.side), kMostSide));
  setting.seed = seed_of(arguments);
  const auto made = make_samples(arguments.operands().front(), setting, [&](std::int64_t samples) {
    constexpr std::int64_t kOften = 50;
    if (samples % kOften != 0) return;
    session.progress(fmt::format("sample {} of {}", samples, setting.samples));
  });
  session.progress("");
  if (!made) return session.fail(made.error());
  Findings findings;
  findings.title = "Written to " + arguments.operands().front();
  findings.tables.push_back(sample_table(*made));
  return emit(session, arguments, findings, kAnswered);
}

Table decode_table(const std::vector<DecodeRate>& rates) {
  Table table{"decoding",
              "Decoding, samples in memory",
              {{"encoding"},
               {"threads", Unit::count},
               {"samples", Unit::per_second},
               {"spread", Unit::ratio},
               {"cpu", Unit::seconds},
               {"cpu_spread", Unit::ratio},
               {"stored", Unit::bytes},
               {"decoded", Unit::bytes},
               {"stored_rate", Unit::bytes_per_second},
               {"decoded_rate", Unit::bytes_per_second},
               {"repeats", Unit::count},
               {"discarded", Unit::count}},
              {}};
  for (const DecodeRate& one : rates) {
    table.rows.push_back(
        {std::string(name_of(one.encoding)), static_cast<double>(one.threads), one.samples.median,
         one.samples.spread, one.cpu.median, one.cpu.spread, one.stored.base(), one.decoded.base(),
         one.samples.median * one.stored.base(), one.samples.median * one.decoded.base(),
         static_cast<double>(one.samples.kept), static_cast<double>(one.samples.discarded)});
  }
  return table;
}

int answer_decode(Session& session, const Arguments& arguments) {
  auto encoding =
      parse_name<SampleEncoding>(arguments.text_or("decode", "")).value_or(SampleEncoding::jpeg);
  Result<std::vector<SampleBytes>> samples;
  if (arguments.operands().empty()) {
    constexpr std::int64_t kSide = 224;
    constexpr std::int64_t kMostSide = 8192;
    const std::int64_t side = arguments.whole_or("image", kSide);
    if (side > kMostSide) {
      return session.fail({{command_line(), fmt::format("--image {} is too large", side),
                            fmt::format("up to {}", kMostSide)}});
    }
    session.progress("test pictures");
    samples = test_samples(encoding, static_cast<int>(side));
  } else {
    const auto set = samples_from(arguments, nullptr);
    if (!set) return session.fail(set.error());
    if (set->encoding != encoding) {
      return session.fail({{{.file = set->path},
                            fmt::format("has {} samples", name_of(set->encoding)),
                            fmt::format("use --decode {}", name_of(set->encoding))}});
    }
    samples = some_samples(*set);
  }
  if (!samples) return session.fail(samples.error());
  std::vector<DecodeRate> rates;
  std::vector<int> threads = {1};
  constexpr std::int64_t kMostThreads = 1024;
  const auto asked = static_cast<int>(std::min(arguments.whole_or("threads", 1), kMostThreads));
  if (asked > 1) threads.push_back(asked);
  for (const int count : threads) {
    session.progress(fmt::format("{} by {} threads", name_of(encoding), count));
    const auto rate = measure_decode(encoding, *samples, count, read_limits(arguments));
    if (!rate) return session.fail(rate.error());
    rates.push_back(*rate);
  }
  session.progress("");
  Findings findings;
  findings.title = fmt::format("Decoding {}", name_of(encoding));
  findings.tables.push_back(decode_table(rates));
  add_load(findings, rates.front().samples.noisy);
  findings.notes.emplace_back("Raw samples are copied. cpu is the time of a core for a sample.");
  return emit(session, arguments, findings, kAnswered);
}

std::int64_t batch_of(const Arguments& arguments) {
  constexpr std::int64_t kBatch = 32;
  return arguments.whole_or("batch", kBatch);
}

/// What a pipeline needs besides the rate of fetching.
struct DecodingHost {
  DecodeRate one;
  double cores = 1;  ///< cores' worth of work by all cores together
};

Result<DecodingHost> measure_host(Session& session, const SampleSet& set,
                                  const FetchQuestion& question) {
  session.progress("decode: one worker");
  const auto one = measure_prepare(set, question, 1);
  if (!one) return failure(one.error());
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  DecodingHost host{one->decode, 1};
  if (cores == 1) return host;
  session.progress(fmt::format("decode: {} workers", cores));
  const auto all = measure_prepare(set, question, cores);
  if (!all) return failure(all.error());
  // Threads of one core share its units, so a sample takes each of them longer. CPU time, since
  // other processes' turns are not of the pipeline.
  const double slower = std::max(1.0, all->cpu / one->cpu);
  host.cores = static_cast<double>(cores) / slower;
  return host;
}

/// The store's rate is that of this data set's own reads: nothing is left to a layout's usual load.
InputPipeline pipeline_of(const Arguments& arguments, const SampleSet& set, const Shuffle& shuffle,
                          const FetchRate& fetch, const DecodingHost& host) {
  InputPipeline pipeline;
  pipeline.dataset.samples = static_cast<double>(set.samples.size());
  pipeline.dataset.sample = set.sample();
  pipeline.dataset.layout = set.layout;
  if (set.layout == SampleLayout::shards) {
    pipeline.dataset.samples_per_file =
        static_cast<double>(set.samples.size()) / static_cast<double>(set.files.size());
  }
  pipeline.dataset.encoding = set.encoding;
  pipeline.shuffle = shuffle;
  pipeline.store.sequential = fetch.rate;
  pipeline.load = ReadLoad{};
  pipeline.workers = arguments.whole_or("workers", 1);
  pipeline.decode = Seconds{host.one.cpu.median};
  pipeline.cores = host.cores;
  pipeline.read = fetch.cpu;
  pipeline.batch = batch_of(arguments);
  return pipeline;
}

Table fetch_table(const SampleSet& set, const FetchQuestion& question, const FetchRate& rate) {
  return {"fetching",
          "Samples read, nothing decoded",
          {{"engine"},
           {"depth", Unit::count},
           {"cache"},
           {"order"},
           {"samples", Unit::per_second},
           {"spread", Unit::ratio},
           {"opens", Unit::per_second},
           {"rate", Unit::bytes_per_second},
           {"cpu", Unit::seconds},
           {"cached_before", Unit::ratio},
           {"repeats", Unit::count},
           {"discarded", Unit::count}},
          {{std::string(name_of(question.fetch.engine)), static_cast<double>(question.fetch.depth),
            std::string(name_of(question.cache)), std::string(name_of(question.shuffle.order)),
            rate.samples.median, rate.samples.spread,
            set.layout == SampleLayout::files ? Cell{rate.samples.median} : Cell{},
            rate.rate.base(), rate.cpu.base(), rate.cached_before,
            static_cast<double>(rate.samples.kept), static_cast<double>(rate.samples.discarded)}}};
}

/// --shuffle, or what suits the layout.
Result<Shuffle> shuffle_of(const Arguments& arguments, const SampleSet& set) {
  const bool shards = set.layout == SampleLayout::shards;
  const std::string usual = shards ? "shard" : "full";
  Shuffle shuffle;
  shuffle.order =
      parse_name<ShuffleOrder>(arguments.text_or("shuffle", usual)).value_or(ShuffleOrder::full);
  if (shuffle.order == ShuffleOrder::shard && !shards) {
    return failure(command_line(), "only shards can be shuffled by shard", "use --shuffle full");
  }
  return shuffle;
}

int answer_fetch(Session& session, const Arguments& arguments) {
  FlagReader flags(arguments);
  const Seconds compute = flags.quantity<Seconds>("compute").value_or(Seconds{});
  Diagnostics mistakes = flags.mistakes();
  const auto add = [&](const auto& result) {
    if (!result) mistakes.insert(mistakes.end(), result.error().begin(), result.error().end());
  };
  const auto fetch = fetch_setting(session, arguments);
  const auto cache = loader_cache(arguments);
  add(fetch);
  add(cache);
  if (!mistakes.empty()) return session.fail(mistakes);
  const auto set = samples_from(arguments, nullptr);
  if (!set) return session.fail(set.error());
  const auto shuffle = shuffle_of(arguments, *set);
  if (!shuffle) return session.fail(shuffle.error());
  const FetchQuestion question{*fetch, *shuffle, *cache, batch_of(arguments),
                               read_limits(arguments).repeats};
  const auto rate =
      measure_fetch(*set, question, [&](std::string_view what) { session.progress(what); });
  if (!rate) return session.fail(rate.error());
  Findings findings;
  findings.title = "Samples of " + set->path;
  findings.tables = {sample_table(*set), fetch_table(*set, question, *rate)};
  bool noisy = rate->samples.noisy;
  if (const auto file = arguments.text("pipeline")) {
    const auto host = measure_host(session, *set, question);
    if (!host) return session.fail(host.error());
    InputPipeline pipeline = pipeline_of(arguments, *set, *shuffle, *rate, *host);
    pipeline.compute = compute;
    if (const auto wrong = write_file(*file, write_input_pipeline(pipeline))) {
      return session.fail({*wrong});
    }
    findings.tables.push_back(decode_table({host->one}));
    findings.notes.push_back(
        fmt::format("All cores together decode as {:.2f} of one do.", host->cores));
    noisy = noisy || host->one.samples.noisy;
  }
  session.progress("");
  constexpr double kCold = 0.01;
  if (*cache == ReadCache::cold && rate->cached_before > kCold) {
    findings.notes.emplace_back(
        "The page cache did not drop the files: cold figures are partly of memory.");
  }
  add_load(findings, noisy);
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace

std::span<const Flag> io_sample_flags() { return kSampleFlags; }

int run_io_samples(Session& session, const Arguments& arguments) {
  if (arguments.has("make")) return answer_make(session, arguments);
  if (arguments.has("decode")) return answer_decode(session, arguments);
  return answer_fetch(session, arguments);
}

}  // namespace fastpath::cli
