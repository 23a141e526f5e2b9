#include <array>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/deploy.h"
#include "cli/emit.h"
#include "cli/search_findings.h"
#include "cli/search_question.h"
#include "cli/verbs.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 3> kRunFlags{{
    {"threads", FlagKind::whole, "N", "threads (default: all of this machine's)", "", false},
    {"journal", FlagKind::file, "FILE",
     "keep what is finished in FILE, and go on from there if it is there already", "", false},
    {"shard", FlagKind::text, "I/N", "search only part I of N; fastpath merge unites journals", "",
     false},
}};

constexpr std::int64_t kMostShards = 100'000;

/// Set by Ctrl-C: a signal handler has nothing else to talk to.
volatile std::sig_atomic_t& interrupted() {
  static volatile std::sig_atomic_t flag = 0;
  return flag;
}

extern "C" void interrupt(int /*signal*/) { interrupted() = 1; }

/// Catches Ctrl-C while it lives, once: a second one ends the program at once.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted() = 0;
    struct sigaction action = {};
    action.sa_handler = interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &before_);
  }
  ~InterruptGuard() { sigaction(SIGINT, &before_, nullptr); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  InterruptGuard(InterruptGuard&&) = delete;
  InterruptGuard& operator=(InterruptGuard&&) = delete;

 private:
  struct sigaction before_ = {};
};

struct Shard {
  std::int64_t number = 1;  ///< from 1
  std::int64_t count = 1;
};

Result<Shard> shard_from(const Arguments& arguments) {
  const std::optional<std::string> text = arguments.text("shard");
  if (!text) return Shard{};
  const std::vector<std::string_view> parts = split(*text, '/');
  const auto number = parts.size() == 2 ? parse_integer(parts[0]) : std::nullopt;
  const auto count = parts.size() == 2 ? parse_integer(parts[1]) : std::nullopt;
  if (!number || !count || *number < 1 || *number > *count || *count > kMostShards) {
    return failure(command_line(),
                   fmt::format("--shard takes I/N with I from 1 to N, not '{}'", *text),
                   "for example --shard 3/7");
  }
  return Shard{*number, *count};
}

/// The progress bar, at most a few times a second.
class ProgressBar {
 public:
  ProgressBar(Session& session, const SearchQuestion& asked, std::int64_t points)
      : session_(session), asked_(asked), points_(points) {}

  void show(const Tally& tally) {
    constexpr auto kPause = std::chrono::milliseconds(100);
    const auto now = std::chrono::steady_clock::now();
    if (!session_.shows_progress() || now - last_ < kPause) return;
    last_ = now;
    constexpr int kWidth = 24;
    const double share = static_cast<double>(tally.coverage().points()) /
                         static_cast<double>(std::max<std::int64_t>(1, points_));
    const int filled = static_cast<int>(share * kWidth);
    std::string line =
        fmt::format("[{:#>{}}{:->{}}] {:3.0f} %", "", filled, "", kWidth - filled, 100 * share);
    if (!tally.best().empty()) {
      const FoundPlan& best = tally.best().front();
      line += fmt::format("  best {}  {}", format_quantity(best.figures.step),
                          describe_plan(asked_.space.at(best.index).plan));
    }
    constexpr std::size_t kLongest = 120;
    session_.progress(line.substr(0, kLongest));
  }

  void clear() { session_.progress(""); }

 private:
  Session& session_;
  const SearchQuestion& asked_;
  std::int64_t points_;
  std::chrono::steady_clock::time_point last_{};
};

std::int64_t points_of(const Space& space, const std::vector<std::int64_t>& chunks) {
  std::int64_t points = 0;
  for (const std::int64_t chunk : chunks)
    points += std::min(kChunkPoints, space.size() - chunk * kChunkPoints);
  return points;
}

/// One run: from the journal's records to the answer.
class Run {
 public:
  Run(Session& session, const Arguments& arguments, const SearchQuestion& asked, Shard shard)
      : session_(session), arguments_(arguments), asked_(asked), shard_(shard), tally_(asked.goal) {
    for (const std::int64_t chunk : chunks_in_order(asked.space)) {
      if (shard_of(chunk, shard.count) == shard.number - 1) chunks_.push_back(chunk);
    }
    wanted_ = points_of(asked.space, chunks_);
  }

  /// Opens the journal and takes what is in it.
  Diagnostics begin() {
    const std::optional<std::string> path = arguments_.text("journal");
    if (!path) return {};
    Result<Journal> journal =
        Journal::open(*path, journal_header(asked_, arguments_, shard_.number, shard_.count));
    if (!journal) return journal.error();
    journal_ = std::move(*journal);
    const auto records = journal_->records();
    if (!records) return records.error();
    std::set<std::int64_t> done;
    for (const JournalRecord& record : *records) {
      Result<ChunkRecord> chunk = read_record(record.text, {.file = *path});
      if (!chunk) return chunk.error();
      if (done.insert(record.piece).second) tally_.add(std::move(*chunk));
    }
    chunks_.erase(std::remove_if(chunks_.begin(), chunks_.end(),
                                 [&](std::int64_t chunk) { return done.contains(chunk); }),
                  chunks_.end());
    return {};
  }

  /// Searches what is left, and answers.
  int finish() {
    ProgressBar bar(session_, asked_, wanted_);
    const InterruptGuard guard;
    const auto start = std::chrono::steady_clock::now();
    const ChunkListener listener = [&](std::int64_t chunk, const ChunkRecord& record,
                                       const Tally& tally) {
      bar.show(tally);
      if (journal_) trouble_ = journal_->add({chunk, write_record(record)});
      return trouble_.empty() && interrupted() == 0;
    };
    const std::int64_t before = tally_.coverage().points();
    search(listener);
    bar.clear();
    if (!trouble_.empty()) return session_.fail(trouble_);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    talk(before, seconds.count());
    return answer();
  }

 private:
  void search(const ChunkListener& listener) {
    const SearchTask task{asked_.space, asked_.goal, chunks_};
    if (session_.ranks() != nullptr) {
      coordinate_ranks(task, *session_.ranks(), tally_, listener);
      return;
    }
    const auto all = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
    const std::int64_t threads = std::min<std::int64_t>(arguments_.whole_or("threads", all), 1024);
    search_on_threads(task, engine_maker(asked_), static_cast<int>(threads), tally_, listener);
  }

  void talk(std::int64_t before, double seconds) {
    const std::int64_t done = tally_.coverage().points() - before;
    if (before > 0) {
      session_.say(fmt::format("{} points were in the journal already.",
                               format_number(static_cast<double>(before), 12)));
    }
    if (!session_.shows_progress()) return;
    session_.say(fmt::format("{} points in {}, {} a second.",
                             format_number(static_cast<double>(done), 12),
                             format_quantity(Seconds{seconds}),
                             format_number(static_cast<double>(done) / std::max(seconds, 1e-9))));
  }

  int answer() {
    const std::string part =
        shard_.count > 1 ? fmt::format("shard {}/{}", shard_.number, shard_.count) : "";
    const Findings findings = findings_of_search(asked_, tally_, part, wanted_);
    return emit(session_, arguments_, findings, tally_.best().empty() ? kInfeasible : kAnswered);
  }

  Session& session_;
  const Arguments& arguments_;
  const SearchQuestion& asked_;
  Shard shard_;
  Tally tally_;
  std::vector<std::int64_t> chunks_;
  std::int64_t wanted_ = 0;
  std::optional<Journal> journal_;
  Diagnostics trouble_;
};

/// A rank other than the first. All ranks first agree that the first one can begin, then that the
/// others can: a model that is missing on one machine must not leave the rest waiting.
int work(Session& session, const Result<SearchQuestion>& asked, const RankLink& ranks) {
  if (ranks.worst(kAnswered) != kAnswered) return kUserMistake;
  const int code = asked ? kAnswered : session.fail(asked.error());
  if (ranks.worst(code) != kAnswered) return kUserMistake;
  work_for_rank_0({asked->space, asked->goal, {}}, engine_maker(*asked), ranks);
  return kAnswered;
}

}  // namespace

std::span<const Flag> search_run_flags() { return kRunFlags; }

int run_search(Session& session, const Arguments& arguments) {
  if (arguments.has("serve")) {
    const bool first = session.ranks() == nullptr || session.ranks()->rank == 0;
    return first ? run_deploy_search(session, arguments) : kAnswered;
  }
  const Diagnostics misplaced = misplaced_search_flags(arguments);
  if (!misplaced.empty()) return session.fail(misplaced);
  const Result<Shard> shard = shard_from(arguments);
  if (!shard) return session.fail(shard.error());
  const Result<SearchQuestion> asked = search_question(session, arguments);
  const RankLink* ranks = session.ranks();
  if (ranks != nullptr && ranks->rank > 0) return work(session, asked, *ranks);
  std::optional<Run> run;
  Diagnostics mistakes = asked ? Diagnostics{} : asked.error();
  if (asked) mistakes = run.emplace(session, arguments, *asked, *shard).begin();
  const int code = mistakes.empty() ? kAnswered : session.fail(mistakes);
  if (ranks != nullptr && (ranks->worst(code) != 0 || ranks->worst(kAnswered) != 0)) {
    return kUserMistake;
  }
  if (code != kAnswered) return code;
  session.warn(asked->scenario.warnings);
  return run->finish();
}

}  // namespace fastpath::cli
