#include "measure/io.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/emit.h"
#include "cli/io_setting.h"
#include "cli/verbs.h"
#include "measure/clock.h"

namespace fastpath::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<Flag, 10> kIoFlags{{
    {"engine", FlagKind::choice, "HOW", "pread, io_uring or mmap (default: pread and io_uring)",
     "pread|io_uring|mmap", false},
    {"block", FlagKind::text, "SIZE", "of a read (default: 4KiB and 128KiB); may be repeated", "",
     true},
    {"depth", FlagKind::whole, "N", "reads under way of a thread, io_uring (default 1 and 32)", "",
     true},
    {"threads", FlagKind::whole, "N", "that read (default 1)", "", false},
    {"cache", FlagKind::choice, "STATE",
     "direct: past the page cache (default); cold: through it, dropped before; warm: from it",
     "direct|cold|warm", false},
    {"sequential", FlagKind::yes, "", "one block after the other (default: at random places)", "",
     false},
    {"create", FlagKind::text, "SIZE",
     "write a file of this size there first, and remove it at the end", "", false},
    {"quick", FlagKind::yes, "", "fewer and shorter repeats: about 0.3 s a setting", "", false},
    {"name", FlagKind::text, "ID", "of the store in --table (default: measured)", "", false},
    {"table", FlagKind::file, "FILE.csv",
     "write the store as an entry of a catalog folder's storage/*.csv", "", false},
}};

struct ReadQuestion {
  std::string path;
  std::vector<ReadSetting> settings;
  ReadLimits limits;
  std::optional<Bytes> create;
};

ReadEngine engine_of(const std::string& name) {
  if (name == "io_uring") return ReadEngine::io_uring;
  return name == "mmap" ? ReadEngine::mmap : ReadEngine::pread;
}

ReadCache cache_of(const std::string& name) {
  if (name == "cold") return ReadCache::cold;
  return name == "warm" ? ReadCache::warm : ReadCache::direct;
}

std::vector<std::int64_t> depths_from(const Arguments& arguments) {
  std::vector<std::int64_t> depths;
  for (const std::string& text : arguments.all("depth"))
    depths.push_back(parse_integer(text).value_or(1));
  if (depths.empty()) depths = {1, 32};
  return depths;
}

Result<std::vector<std::int64_t>> blocks_from(const Arguments& arguments) {
  std::vector<std::string> texts = arguments.all("block");
  if (texts.empty()) texts = {"4KiB", "128KiB"};
  std::vector<std::int64_t> blocks;
  Diagnostics mistakes;
  for (const std::string& text : texts) {
    const Result<Bytes> size = parse_quantity<Bytes>(text, command_line());
    if (!size) {
      mistakes.insert(mistakes.end(), size.error().begin(), size.error().end());
    } else {
      blocks.push_back(static_cast<std::int64_t>(std::min(size->base(), 1e15)));
    }
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return blocks;
}

/// One at a time where several reads cannot be under way.
std::vector<ReadSetting> settings_from(const Arguments& arguments,
                                       const std::vector<std::int64_t>& blocks) {
  std::vector<ReadEngine> engines = {ReadEngine::pread, ReadEngine::io_uring};
  if (const auto name = arguments.text("engine")) engines = {engine_of(*name)};
  std::vector<ReadSetting> settings;
  for (const std::int64_t block : blocks) {
    for (const ReadEngine engine : engines) {
      const bool asked = arguments.has("depth") && engines.size() == 1;
      std::vector<std::int64_t> depths = {1};
      if (engine == ReadEngine::io_uring || asked) depths = depths_from(arguments);
      for (const std::int64_t depth : depths) {
        settings.push_back({engine, cache_of(arguments.text_or("cache", "direct")), block,
                            static_cast<int>(std::min<std::int64_t>(depth, 1 << 20)),
                            static_cast<int>(arguments.whole_or("threads", 1)),
                            arguments.has("sequential")});
      }
    }
  }
  return settings;
}

Result<ReadQuestion> question_from(const Arguments& arguments) {
  ReadQuestion question;
  question.path = arguments.operands().front();
  const auto blocks = blocks_from(arguments);
  if (!blocks) return failure(blocks.error());
  question.settings = settings_from(arguments, *blocks);
  question.limits = read_limits(arguments);
  const auto create = arguments.text("create");
  if (!create) return question;
  const Result<Bytes> size = parse_quantity<Bytes>(*create, command_line());
  if (!size) return failure(size.error());
  question.create = *size;
  std::error_code error;
  if (fs::exists(question.path, error)) {
    return failure({.file = question.path}, "is there already",
                   "leave out --create to read it, or name a new file");
  }
  return question;
}

Table reads_table() {
  return {"reads",
          "Reads",
          {{"engine"},
           {"cache"},
           {"order"},
           {"block", Unit::bytes},
           {"depth", Unit::count},
           {"threads", Unit::count},
           {"reads", Unit::per_second},
           {"spread", Unit::ratio},
           {"rate", Unit::bytes_per_second},
           {"median", Unit::seconds},
           {"p99", Unit::seconds},
           {"p999", Unit::seconds},
           {"cpu", Unit::ratio},
           {"repeats", Unit::count},
           {"discarded", Unit::count}},
          {}};
}

std::vector<Cell> row_of(const ReadResult& result) {
  const ReadSetting& setting = result.setting;
  return {std::string(name_of(setting.engine)),
          std::string(name_of(setting.cache)),
          std::string(setting.sequential ? "sequential" : "random"),
          static_cast<double>(setting.block),
          static_cast<double>(setting.depth),
          static_cast<double>(setting.threads),
          result.reads.median,
          result.reads.spread,
          result.rate.base(),
          result.median.base(),
          result.p99.base(),
          result.p999.base(),
          result.cpu,
          static_cast<double>(result.reads.kept),
          static_cast<double>(result.reads.discarded)};
}

void add_notes(Findings& findings, const std::vector<ReadResult>& results) {
  constexpr double kCold = 0.01;
  const auto any = [&](auto wanted) { return std::any_of(results.begin(), results.end(), wanted); };
  findings.notes.push_back(fmt::format("Load average {:.1f} as it ended.", load_average()));
  if (any([](const ReadResult& r) { return r.refused_direct; })) {
    findings.notes.emplace_back(
        "The file system refuses O_DIRECT: measured through the page cache, dropped before each "
        "repeat.");
  }
  if (any([](const ReadResult& r) {
        return r.setting.cache != ReadCache::warm && r.cached_before > kCold;
      })) {
    findings.notes.emplace_back(
        "The page cache did not drop the file: cold figures are partly of memory.");
  }
  if (any([](const ReadResult& r) { return r.reads.noisy; })) {
    findings.notes.emplace_back(
        "Others used more than a tenth of a core during most repeats: these are figures of a busy "
        "machine.");
  }
  findings.notes.emplace_back(
      "A virtual disk may be cached by its host, which no guest can see: reads faster than the "
      "medium are a sign.");
}

/// A row of a catalog folder's storage/*.csv: the best sequential or large reads, and the best
/// small random ones.
std::string catalog_row(const std::string& id, const std::string& path,
                        const std::vector<ReadResult>& results) {
  constexpr std::int64_t kSmall = 4096;
  double rate = 0;
  double reads = 0;
  double latency = 0;
  for (const ReadResult& result : results) {
    rate = std::max(rate, result.rate.base());
    if (result.setting.block != kSmall || result.reads.median <= reads) continue;
    reads = result.reads.median;
    latency = result.median.base();
  }
  return fmt::format(
      "id,name,kind,read [MB/s],read rate [1/s],read latency [us],confidence,source,locator,date,"
      "notes\n{},{},measured,{:.1f},{:.0f},{:.1f},measured,fastpath io,{},{},\"one client, load "
      "average {:.1f}\"\n",
      id, id, rate / 1e6, reads, latency * 1e6, '"' + path + '"', today(), load_average());
}

int answer_files(Session& session, const Arguments& arguments, const ReadQuestion& question) {
  const int threads = static_cast<int>(arguments.whole_or("threads", 1));
  const auto result = measure_small_files(question.path, threads, question.limits);
  if (!result) return session.fail(result.error());
  Findings findings;
  findings.title = "Files of " + question.path;
  findings.tables.push_back(
      {"files",
       "Files opened, read whole and closed, at random",
       {{"files", Unit::count},
        {"threads", Unit::count},
        {"opens", Unit::per_second},
        {"spread", Unit::ratio},
        {"rate", Unit::bytes_per_second},
        {"open", Unit::seconds},
        {"repeats", Unit::count},
        {"discarded", Unit::count}},
       {{static_cast<double>(result->files), static_cast<double>(threads), result->opens.median,
         result->opens.spread, result->rate.base(), result->open.base(),
         static_cast<double>(result->opens.kept), static_cast<double>(result->opens.discarded)}}});
  findings.notes.push_back(fmt::format("Load average {:.1f} as it ended.", load_average()));
  findings.notes.emplace_back("Through the page cache as it was.");
  return emit(session, arguments, findings, kAnswered);
}

Result<std::vector<ReadResult>> measure_all(Session& session, const ReadQuestion& question) {
  std::vector<ReadResult> results;
  for (const ReadSetting& setting : question.settings) {
    session.progress(fmt::format("{} of {}: {} bytes by {}, {} deep", results.size() + 1,
                                 question.settings.size(), setting.block, name_of(setting.engine),
                                 setting.depth));
    auto result = measure_reads(question.path, setting, question.limits);
    if (!result) return failure(result.error());
    results.push_back(*result);
  }
  session.progress("");
  return results;
}

}  // namespace

std::span<const Flag> io_flags() { return kIoFlags; }

int run_io(Session& session, const Arguments& arguments) {
  if (arguments.has("replay") || arguments.has("verify") || arguments.has("inject")) {
    return run_io_replay(session, arguments);
  }
  if (arguments.has("make") || arguments.has("decode") || arguments.has("fetch") ||
      arguments.has("pipeline")) {
    return run_io_samples(session, arguments);
  }
  if (arguments.operands().empty()) {
    return session.fail({{command_line(), "no file or folder is named",
                          "fastpath io PATH, or fastpath io --decode jpeg"}});
  }
  const Result<ReadQuestion> question = question_from(arguments);
  if (!question) return session.fail(question.error());
  std::error_code error;
  if (fs::is_directory(question->path, error)) return answer_files(session, arguments, *question);
  if (question->create) {
    const auto wrote =
        write_test_file(question->path, static_cast<std::int64_t>(question->create->base()));
    if (!wrote) {
      fs::remove(question->path, error);
      return session.fail(wrote.error());
    }
  }
  const auto results = measure_all(session, *question);
  if (question->create) fs::remove(question->path, error);
  if (!results) return session.fail(results.error());
  Findings findings;
  findings.title = "Reads of " + question->path;
  findings.tables.push_back(reads_table());
  for (const ReadResult& result : *results)
    findings.tables.front().rows.push_back(row_of(result));
  add_notes(findings, *results);
  if (const auto table = arguments.text("table")) {
    const std::string row =
        catalog_row(arguments.text_or("name", "measured"), question->path, *results);
    if (const auto wrong = write_file(*table, row)) return session.fail({*wrong});
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
