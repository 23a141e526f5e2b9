/// One rank's nodes to tasks.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "import/execution/node.h"
#include "ir/recorded_program.h"

namespace fastpath {

/// Ranks of process groups, by name, where a trace lists them.
using ProcessGroups = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

/// What one file becomes.
struct RankTasks {
  BlockProgram block;
  std::vector<std::string> names;   ///< of Task::op
  std::vector<RecordedTask> tasks;  ///< parallel to the forward
  ProcessGroups groups;
  std::int64_t folded = 0;
  std::int64_t on_host = 0;
  std::int64_t cycles = 0;  ///< nodes that wait for themselves: what they wait for is left out
  std::map<std::pair<std::string, TimeSource>, std::int64_t> uncertain;
};

RankTasks rank_tasks(const ExecutionFile& file);

}  // namespace fastpath
