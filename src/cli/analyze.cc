#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "analyze/trace/roofline.h"
#include "analyze/trace/trace_diff.h"
#include "analyze/trace/trace_findings.h"
#include "base/text.h"
#include "cli/emit.h"
#include "cli/trace_files.h"
#include "cli/verbs.h"
#include "cli/what_if.h"
#include "import/trace/trace.h"
#include "report/annotated_trace.h"

namespace fastpath::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<Flag, 9> kAnalyzeFlags{{
    {"window", FlagKind::text, "NAME",
     "annotation that the critical path covers (default: all of the trace)", "", false},
    {"instance", FlagKind::text, "N", "which of several of that name, from 0 (default 0)", "",
     false},
    {"class", FlagKind::text, "NAME=TEXT",
     "kernels with TEXT in their name are of class NAME; 'communication' and 'copy' count as such",
     "", true},
    {"complete-steps", FlagKind::yes, "",
     "leave out the last of several profiler steps, and work without a launch", "", false},
    {"linked-only", FlagKind::yes, "", "leave out work whose launch is not in the trace", "",
     false},
    {"annotate", FlagKind::file, "FILE",
     "also write the trace with its critical path, for ui.perfetto.dev (of one trace)", "", false},
    {"what-if", FlagKind::text, "CHANGES",
     "instead: replay with changes: device=ID, format=FORMAT, kernels=FACTOR, "
     "kernels:NAME=FACTOR, collectives=FACTOR, link=FACTOR, copies=FACTOR, launch=FACTOR, "
     "host=FACTOR, "
     "sync=off, sync:NAME=off, fuse=elementwise",
     "", false},
    {"measurements", FlagKind::file, "FILE",
     "also write operators of one kernel as measurements, for fastpath calibrate", "", false},
    {"device", FlagKind::text, "ID",
     "the device that the traces were recorded on, where they do not say it", "", false},
}};

Result<AnalyzeOptions> options_of(const Arguments& arguments) {
  AnalyzeOptions options;
  Diagnostics mistakes;
  options.window = arguments.text_or("window", "");
  options.index.complete_steps = arguments.has("complete-steps");
  options.index.linked_only = arguments.has("linked-only");
  if (const auto text = arguments.text("instance")) {
    const auto number = parse_integer(*text);
    options.instance = number.value_or(0);
    if (!number || *number < 0) {
      mistakes.push_back({command_line(),
                          fmt::format("--instance {} is not a number from 0", in_quotes(*text)),
                          "such as 1, for the second"});
    }
  }
  for (const std::string& text : arguments.all("class")) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      mistakes.push_back({command_line(),
                          fmt::format("--class {} is not NAME=TEXT", in_quotes(text)),
                          "such as communication=my_all_reduce"});
      continue;
    }
    options.index.rules.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return options;
}

/// Ranks on threads; of each, only its figures are kept.
class RankReader {
 public:
  RankReader(Session& session, const std::vector<std::string>& files, const AnalyzeOptions& options)
      : session_(session),
        files_(files),
        options_(options),
        ranks_(files.size()),
        warnings_(files.size()),
        mistakes_(files.size()) {}

  Result<std::vector<RankAnalysis>> run() {
    const std::size_t count =
        std::min<std::size_t>(files_.size(), std::max(1U, std::thread::hardware_concurrency()));
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < count; ++i)
      threads.emplace_back([this] { work(); });
    work();
    threads.clear();
    session_.progress("");
    Diagnostics mistakes;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      session_.warn(warnings_[i]);
      mistakes.insert(mistakes.end(), mistakes_[i].begin(), mistakes_[i].end());
    }
    if (!mistakes.empty()) return failure(std::move(mistakes));
    number_ranks();
    return std::move(ranks_);
  }

 private:
  void work() {
    for (std::size_t i = next_++; i < files_.size(); i = next_++) {
      say(i);
      Result<Imported<Trace>> trace = read_trace(files_[i], {.functions = false});
      if (!trace) {
        mistakes_[i] = trace.error();
        continue;
      }
      warnings_[i] = std::move(trace->warnings);
      ranks_[i] = analyze_rank(trace->value, options_);
    }
  }

  void say(std::size_t file) {
    const std::scoped_lock lock(mutex_);
    session_.progress(fmt::format("reading {} ({} of {})",
                                  fs::path(files_[file]).filename().string(), file + 1,
                                  files_.size()));
  }

  /// Where traces do not say their ranks, or several say the same, their order does.
  void number_ranks() {
    std::vector<std::int64_t> seen;
    for (const RankAnalysis& rank : ranks_)
      seen.push_back(rank.rank);
    std::sort(seen.begin(), seen.end());
    const bool unique = std::adjacent_find(seen.begin(), seen.end()) == seen.end();
    if (!unique || (!seen.empty() && seen.front() < 0)) {
      for (std::size_t i = 0; i < ranks_.size(); ++i)
        ranks_[i].rank = static_cast<std::int64_t>(i);
    }
    std::stable_sort(ranks_.begin(), ranks_.end(),
                     [](const auto& a, const auto& b) { return a.rank < b.rank; });
  }

  Session& session_;
  const std::vector<std::string>& files_;
  const AnalyzeOptions& options_;
  std::vector<RankAnalysis> ranks_;
  std::vector<Diagnostics> warnings_;
  std::vector<Diagnostics> mistakes_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
};

/// Reads the trace once more, with all that it holds.
std::optional<Diagnostic> annotate(const std::string& path, const std::vector<std::string>& files,
                                   const AnalyzeOptions& options) {
  if (files.size() != 1) {
    return Diagnostic{command_line(), "--annotate takes one trace", "choose one of the ranks"};
  }
  const Result<Imported<Trace>> trace = read_trace(files[0]);
  if (!trace) return trace.error().front();
  const RankAnalysis rank = analyze_rank(trace->value, options);
  return write_file(path, annotated_trace(index_trace(trace->value, options.index), rank.path));
}

/// What needs the device of the traces: that of --device, or the one that they name.
std::optional<Diagnostics> add_device(Session& session, const Arguments& arguments,
                                      const std::vector<RankAnalysis>& ranks, Findings& findings) {
  const std::string named = arguments.text_or("device", "");
  const auto path = arguments.text("measurements");
  const std::string recorded = ranks.empty() ? std::string() : ranks.front().device_name;
  if (named.empty() && recorded.empty() && !path) return std::nullopt;
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return sources.error();
  std::optional<Device> device;
  if (named.empty()) {
    device = device_of_driver(*sources, recorded);
  } else {
    const Result<System> system = sources->system(named);
    if (!system) return system.error();
    device = system->device;
  }
  if (!device || !device->has_data_sheet()) {
    if (!path) return std::nullopt;
    return Diagnostics{{command_line(),
                        "--measurements: the catalog does not have the device of the traces",
                        "name it: --device nvidia-h100-sxm-80gb"}};
  }
  const auto top = static_cast<std::size_t>(arguments.whole_or("top", 10));
  Table table = roofline_table(ranks, *device, top);
  if (!table.rows.empty()) findings.tables.push_back(std::move(table));
  if (!path) return std::nullopt;
  if (auto mistake = write_file(*path, trace_measurements(ranks, *device))) {
    return Diagnostics{*std::move(mistake)};
  }
  return std::nullopt;
}

}  // namespace

std::span<const Flag> diff_flags() { return std::span(kAnalyzeFlags).subspan(2, 3); }
std::span<const Flag> analyze_flags() { return kAnalyzeFlags; }

int run_diff(Session& session, const Arguments& arguments) {
  const Result<AnalyzeOptions> options = options_of(arguments);
  if (!options) return session.fail(options.error());
  std::vector<std::vector<RankAnalysis>> sides;
  Diagnostics mistakes;
  for (const std::string& operand : arguments.operands()) {
    const Result<std::vector<std::string>> files = trace_files({operand});
    auto ranks = files ? RankReader(session, *files, *options).run()
                       : Result<std::vector<RankAnalysis>>(failure(files.error()));
    if (ranks) {
      sides.push_back(*std::move(ranks));
    } else {
      mistakes.insert(mistakes.end(), ranks.error().begin(), ranks.error().end());
    }
  }
  if (!mistakes.empty()) return session.fail(mistakes);
  const auto top = static_cast<std::size_t>(arguments.whole_or("top", 10));
  return emit(session, arguments, compare_traces(sides[0], sides[1], top), kAnswered);
}

int run_analyze(Session& session, const Arguments& arguments) {
  const Result<AnalyzeOptions> options = options_of(arguments);
  if (!options) return session.fail(options.error());
  const Result<std::vector<std::string>> files = trace_files(arguments.operands());
  if (!files) return session.fail(files.error());
  if (arguments.has("what-if")) return run_what_if(session, arguments, *files, *options);
  const Result<std::vector<RankAnalysis>> ranks = RankReader(session, *files, *options).run();
  if (!ranks) return session.fail(ranks.error());
  if (!options->window.empty() &&
      std::all_of(ranks->begin(), ranks->end(),
                  [](const RankAnalysis& rank) { return rank.path.steps.empty(); })) {
    return session.fail(
        {{command_line(),
          fmt::format("no annotation {} number {}", in_quotes(options->window), options->instance),
          "annotations are ranges of record_function and ProfilerStep#N"}});
  }
  if (const auto path = arguments.text("annotate")) {
    const std::optional<Diagnostic> mistake = annotate(*path, *files, *options);
    if (mistake) return session.fail({*mistake});
  }
  const auto top = static_cast<std::size_t>(arguments.whole_or("top", 10));
  Findings findings = describe_traces(*ranks, analyze_job(*ranks), top);
  if (const auto mistakes = add_device(session, arguments, *ranks, findings)) {
    return session.fail(*mistakes);
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
