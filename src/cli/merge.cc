#include <array>
#include <map>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/emit.h"
#include "cli/search_findings.h"
#include "cli/search_question.h"
#include "cli/verbs.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 1> kMergeFlags{{
    {"into", FlagKind::file, "FILE", "also write all records to one journal", "", false},
}};

/// Records of all journals, by chunk.
struct Union {
  JournalHeader header;  ///< of the first
  std::map<std::int64_t, JournalRecord> records;
};

/// Adds a journal's records; one that is there already is as good.
Diagnostics add(const std::string& path, Union& all, bool first) {
  const Result<Journal> journal = Journal::read(path);
  if (!journal) return journal.error();
  if (first) all.header = journal->header();
  const JournalHeader& header = journal->header();
  if (header.question != all.header.question || header.pieces != all.header.pieces) {
    return {{{.file = path},
             "is the journal of another question than the first one",
             "merge journals of one search"}};
  }
  auto records = journal->records();
  if (!records) return records.error();
  for (JournalRecord& record : *records)
    all.records.try_emplace(record.piece, std::move(record));
  return {};
}

Result<Union> unite(const std::vector<std::string>& paths) {
  Union all;
  Diagnostics mistakes;
  for (const std::string& path : paths) {
    const Diagnostics more = add(path, all, &path == &paths.front());
    mistakes.insert(mistakes.end(), more.begin(), more.end());
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return all;
}

/// A row for each shard that is not complete: how much of it is missing.
Table missing_table(const Union& all) {
  Table table{"missing",
              "What is missing",
              {{"shard", Unit::none}, {"chunks", Unit::count}, {"missing", Unit::count}},
              {}};
  const std::int64_t shards = all.header.shards;
  std::vector<double> chunks(static_cast<std::size_t>(shards));
  std::vector<double> missing(static_cast<std::size_t>(shards));
  for (std::int64_t chunk = 0; chunk < all.header.pieces; ++chunk) {
    const auto shard = static_cast<std::size_t>(shard_of(chunk, shards));
    ++chunks[shard];
    if (!all.records.contains(chunk)) ++missing[shard];
  }
  for (std::size_t shard = 0; shard < missing.size(); ++shard) {
    if (missing[shard] == 0) continue;
    table.rows.push_back({fmt::format("{}/{}", shard + 1, shards), chunks[shard], missing[shard]});
  }
  return table;
}

int report_missing(Session& session, const Arguments& arguments, const Union& all) {
  Findings findings;
  findings.title = "Journals of an unfinished search";
  findings.tables.push_back(missing_table(all));
  findings.notes.push_back(fmt::format(
      "{} of {} chunks are missing: run the shards above with their journals again, then "
      "merge.",
      all.header.pieces - static_cast<std::int64_t>(all.records.size()), all.header.pieces));
  return emit(session, arguments, findings, kInfeasible);
}

Result<Tally> tally_of(const Union& all, const SearchGoal& goal) {
  Tally tally(goal);
  for (const auto& [chunk, record] : all.records) {
    Result<ChunkRecord> read = read_record(record.text, {.file = fmt::format("chunk {}", chunk)});
    if (!read) return failure(std::move(read.error()));
    tally.add(std::move(*read));
  }
  return tally;
}

/// The model and the system must still be what the journals were made with.
Diagnostics changes(const JournalHeader& then, const JournalHeader& now) {
  if (then.question == now.question && then.pieces == now.pieces) return {};
  return {{command_line(), "the model, the system or the program has changed since the search",
           "merge where the search ran, with its files and its program"}};
}

Diagnostics write_union(const std::string& path, const Union& all) {
  JournalHeader header = all.header;
  header.shard = header.shards = 1;
  Result<Journal> journal = Journal::open(path, header);
  if (!journal) return journal.error();
  for (const auto& [chunk, record] : all.records) {
    Diagnostics mistakes = journal->add(record);
    if (!mistakes.empty()) return mistakes;
  }
  return {};
}

}  // namespace

std::span<const Flag> merge_flags() { return kMergeFlags; }

int run_merge(Session& session, const Arguments& arguments) {
  const Result<Union> all = unite(arguments.operands());
  if (!all) return session.fail(all.error());
  if (const auto path = arguments.text("into")) {
    const Diagnostics mistakes = write_union(*path, *all);
    if (!mistakes.empty()) return session.fail(mistakes);
  }
  if (static_cast<std::int64_t>(all->records.size()) < all->header.pieces) {
    return report_missing(session, arguments, *all);
  }
  const Result<Arguments> original = arguments_of_command(all->header.command);
  if (!original) return session.fail(original.error());
  const Result<SearchQuestion> asked = search_question(session, *original);
  if (!asked) return session.fail(asked.error());
  const Diagnostics changed = changes(all->header, journal_header(*asked, *original, 1, 1));
  if (!changed.empty()) return session.fail(changed);
  const Result<Tally> tally = tally_of(*all, asked->goal);
  if (!tally) return session.fail(tally.error());
  const Findings findings = findings_of_search(*asked, *tally, "", asked->space.size());
  return emit(session, arguments, findings, tally->best().empty() ? kInfeasible : kAnswered);
}

}  // namespace fastpath::cli
