#include "store/journal.h"

#include <array>
#include <utility>

#include <sqlite3.h>

namespace fastpath {
namespace {

constexpr int kApplication = 0x46504a31;  ///< "FPJ1": SQLite's application_id of our files
constexpr int kVersion = 1;               ///< of the tables: SQLite's user_version
constexpr int kPatience = 10'000;         ///< ms to wait for another process that writes

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// A prepared statement. A failed one has no rows.
class SqlStatement {
 public:
  SqlStatement(sqlite3* database, const char* sql) {
    sqlite3_stmt* raw = nullptr;
    sqlite3_prepare_v2(database, sql, -1, &raw, nullptr);
    statement_.reset(raw);
  }

  SqlStatement& bind(int at, std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), at, value);
    return *this;
  }
  SqlStatement& bind(int at, std::string_view text) {
    sqlite3_bind_text64(statement_.get(), at, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
    return *this;
  }

  /// SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return statement_ ? sqlite3_step(statement_.get()) : SQLITE_ERROR; }
  void reset() { sqlite3_reset(statement_.get()); }

  std::int64_t whole(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  std::string text(int column) const {
    const auto* bytes =
        reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes == nullptr ? std::string() : std::string(bytes, size);
  }

 private:
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
};

bool run(sqlite3* database, const std::string& sql) {
  return sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

std::int64_t pragma(sqlite3* database, const char* sql) {
  SqlStatement statement(database, sql);
  return statement.step() == SQLITE_ROW ? statement.whole(0) : -1;
}

tl::unexpected<Diagnostics> trouble(const std::string& path, sqlite3* database) {
  const std::string why = database == nullptr ? "out of memory" : sqlite3_errmsg(database);
  return failure({.file = path}, "the journal cannot be used: " + why,
                 "check the path and the disk, or name another file");
}

Result<Database> connect(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return trouble(path, raw);
  sqlite3_busy_timeout(raw, kPatience);
  return database;
}

/// Write-ahead log: a commit survives the process; only a crash of the machine may take the last.
bool make_tables(sqlite3* database, const JournalHeader& header) {
  const std::string tables =
      "BEGIN IMMEDIATE;"
      "PRAGMA application_id = " +
      std::to_string(kApplication) +
      ";"
      "PRAGMA user_version = " +
      std::to_string(kVersion) +
      ";"
      "CREATE TABLE header (question TEXT NOT NULL, command TEXT NOT NULL, pieces INTEGER NOT NULL,"
      " shard INTEGER NOT NULL, shards INTEGER NOT NULL);"
      "CREATE TABLE record (piece INTEGER PRIMARY KEY, text TEXT NOT NULL);";
  if (!run(database, tables)) return false;
  SqlStatement insert(database, "INSERT INTO header VALUES (?, ?, ?, ?, ?)");
  insert.bind(1, header.question).bind(2, header.command).bind(3, header.pieces);
  insert.bind(4, header.shard).bind(5, header.shards);
  return insert.step() == SQLITE_DONE && run(database, "COMMIT");
}

/// Reading the header also finds files that SQLite cannot read.
Result<JournalHeader> read_header(const std::string& path, sqlite3* database) {
  if (pragma(database, "PRAGMA application_id") != kApplication) {
    return failure({.file = path}, "is not a journal of fastpath search", "name another file");
  }
  const std::int64_t version = pragma(database, "PRAGMA user_version");
  if (version != kVersion) {
    return failure({.file = path},
                   "is a journal of version " + std::to_string(version) + "; this program reads " +
                       std::to_string(kVersion),
                   "finish it with the program that began it, or start a new one");
  }
  SqlStatement select(database, "SELECT question, command, pieces, shard, shards FROM header");
  if (select.step() != SQLITE_ROW) return trouble(path, database);
  JournalHeader header;
  header.question = select.text(0);
  header.command = select.text(1);
  header.pieces = select.whole(2);
  header.shard = select.whole(3);
  header.shards = select.whole(4);
  return header;
}

std::string shard_text(const JournalHeader& header) {
  return std::to_string(header.shard) + "/" + std::to_string(header.shards);
}

/// The first line in which two questions differ.
std::string difference(std::string_view ours, std::string_view theirs) {
  const auto line = [](std::string_view& text) {
    const std::string_view first = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), first.size() + 1));
    return std::string(first);
  };
  while (!ours.empty() || !theirs.empty()) {
    const std::string mine = line(ours);
    const std::string other = line(theirs);
    if (mine == other) continue;
    std::string text = "its '";
    text.append(other).append("' is now '").append(mine).append("'");
    return text;
  }
  return {};
}

Diagnostics refusal(const std::string& path, const JournalHeader& asked, const JournalHeader& has) {
  const std::string hint = "name another file, or remove this one to start again";
  if (asked.question != has.question || asked.pieces != has.pieces) {
    return {{{.file = path},
             "is the journal of another question: " + difference(asked.question, has.question),
             hint}};
  }
  if (asked.shard != has.shard || asked.shards != has.shards) {
    return {{{.file = path},
             "is the journal of shard " + shard_text(has) + ", not " + shard_text(asked),
             hint}};
  }
  return {};
}

}  // namespace

struct Journal::State {
  std::string path;
  JournalHeader header;
  Database database;
  std::unique_ptr<SqlStatement> insert;  ///< before the database, so that it goes first
};

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

const JournalHeader& Journal::header() const { return state_->header; }

Result<Journal> Journal::open(const std::string& path, const JournalHeader& header) {
  auto database = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!database) return failure(std::move(database.error()));
  sqlite3* raw = database->get();
  const std::int64_t tables = pragma(raw, "SELECT count(*) FROM sqlite_master");
  if (tables < 0) return trouble(path, raw);
  if (tables == 0) {
    const bool made = run(raw, "PRAGMA journal_mode = WAL") && make_tables(raw, header);
    if (!made) return trouble(path, raw);
  }
  auto found = read_header(path, raw);
  if (!found) return failure(std::move(found.error()));
  Diagnostics refused = refusal(path, header, *found);
  if (!refused.empty()) return failure(std::move(refused));
  run(raw, "PRAGMA synchronous = NORMAL");
  auto state = std::make_unique<State>();
  state->path = path;
  state->header = *found;
  state->database = std::move(*database);
  state->insert = std::make_unique<SqlStatement>(raw, "INSERT OR IGNORE INTO record VALUES (?, ?)");
  return Journal(std::move(state));
}

Result<Journal> Journal::read(const std::string& path) {
  auto database = connect(path, SQLITE_OPEN_READWRITE);
  if (!database) return failure(std::move(database.error()));
  auto header = read_header(path, database->get());
  if (!header) return failure(std::move(header.error()));
  auto state = std::make_unique<State>();
  state->path = path;
  state->header = std::move(*header);
  state->database = std::move(*database);
  return Journal(std::move(state));
}

Result<std::vector<JournalRecord>> Journal::records() const {
  SqlStatement select(state_->database.get(), "SELECT piece, text FROM record ORDER BY piece");
  std::vector<JournalRecord> records;
  int code = select.step();
  for (; code == SQLITE_ROW; code = select.step())
    records.push_back({select.whole(0), select.text(1)});
  if (code != SQLITE_DONE) return trouble(state_->path, state_->database.get());
  return records;
}

Diagnostics Journal::add(const JournalRecord& record) {
  state_->insert->bind(1, record.piece).bind(2, record.text);
  const int code = state_->insert->step();
  state_->insert->reset();
  if (code == SQLITE_DONE) return {};
  return trouble(state_->path, state_->database.get()).value();
}

}  // namespace fastpath
