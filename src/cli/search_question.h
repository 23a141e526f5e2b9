/// The question of search and merge: which space of plans, of which model, where, for what.
#pragma once

#include <optional>
#include <string>

#include "fastpath/result.h"

#include "cli/arguments.h"
#include "cli/scenario.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "search/search.h"
#include "store/journal.h"

namespace fastpath::cli {

/// --space, --objective, --max-..., --front, --against.
std::span<const Flag> search_flags();

/// --on, --devices, --nodes, --catalog.
std::span<const Flag> search_system_flags();

struct SearchQuestion {
  Question question;
  Scenario scenario;  ///< its plan is of no account
  Space space;
  SearchGoal goal;
  std::optional<Plan> against;
};

/// All mistakes of model, system, space and goal together.
Result<SearchQuestion> search_question(const Session& session, const Arguments& arguments);

/// An engine for each thread that asks.
EngineMaker engine_maker(const SearchQuestion& asked);

/// What identifies the question, and how to ask it again. `shard` counts from 1.
JournalHeader journal_header(const SearchQuestion& asked, const Arguments& arguments,
                             std::int64_t shard, std::int64_t shards);

/// The arguments that `command` of such a header stands for.
Result<Arguments> arguments_of_command(const std::string& command);

}  // namespace fastpath::cli
