/// A journal of finished pieces of a long computation, in one SQLite file. A piece that was added
/// is there after a crash of the process at any later time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

namespace fastpath {

/// What a journal is of. Two journals with equal `question` and `pieces` can be merged.
struct JournalHeader {
  std::string question;     ///< all that the records depend on, as text
  std::string command;      ///< how the question was asked, to ask it again
  std::int64_t pieces = 0;  ///< of the whole question, numbered from 0
  std::int64_t shard = 1;   ///< which part of the pieces this journal is for, from 1
  std::int64_t shards = 1;

  friend bool operator==(const JournalHeader&, const JournalHeader&) = default;
};

struct JournalRecord {
  std::int64_t piece = 0;
  std::string text;
};

class Journal {
 public:
  /// Opens the journal of `header`, or makes it. Refuses a file that is no journal, a journal of
  /// another question or shard (saying which), and one of another version.
  static Result<Journal> open(const std::string& path, const JournalHeader& header);

  /// Opens an existing journal for reading.
  static Result<Journal> read(const std::string& path);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  const JournalHeader& header() const;

  /// By piece, ascending.
  Result<std::vector<JournalRecord>> records() const;

  /// Adds a record in a transaction of its own; one that is there already is left as it is.
  /// Returns the mistakes, if any: a full disk, a file taken away.
  Diagnostics add(const JournalRecord& record);

 private:
  struct State;
  explicit Journal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fastpath
