/// A step as tasks and links: one replica of the plan, one rank for each pipeline stage's equals.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/simulate/task_graph.h"
#include "engine/state.h"

namespace fastpath {

enum class RoleLane : std::uint8_t { joint, operators, network };

/// What tasks of the graph have in common: the same work in the same place.
struct TaskKind {
  std::uint32_t rank = 0;  ///< in pipeline
  RoleLane lane = RoleLane::joint;
  Bound bound = Bound::compute;
  std::string name;
  std::string_view category;  ///< of a pass
};

/// A slot of the schedule in the graph: joints before and after its tasks.
struct SlotTasks {
  static constexpr TaskId kNone = 0xffffffff;
  TaskId begin = 0;
  TaskId end = 0;
  TaskId input = kNone;        ///< the transfer that brings the slot's input, if any
  std::vector<TaskId> blocks;  ///< of a stage's last backward: ends of its blocks, as they run
};

/// Each pipeline rank stands for all that run the same program. Its ports are the links: one in and
/// one out for each level, busy as NetworkModel::port_use says while a transfer runs alone, and
/// shared when several do. Order on a lane is a chain of edges, as run_tasks has it.
struct RoleGraph {
  TaskGraph graph;
  std::vector<std::uint32_t> kind_of;           ///< by task
  std::vector<TaskKind> kinds;                  ///< 0 = joints
  std::vector<std::vector<SlotTasks>> slots;    ///< [rank][position]
  std::vector<std::vector<TaskId>> reductions;  ///< by rank: of gradients, in their order
  std::map<TaskId, TaskId> ready_after;         ///< of a reduction: the block that it waits for
  std::vector<std::vector<TaskId>> updates;     ///< by rank: what follows them
  std::vector<TaskId> passes_end;               ///< by rank
  std::vector<TaskId> finish;                   ///< by rank
};

/// `share_links` false: transfers take the time that they take alone.
RoleGraph role_graph(Predictor::State& state, const Plan& plan, bool share_links);

Picoseconds to_picoseconds(Seconds time);
Seconds to_seconds(Picoseconds time);

}  // namespace fastpath
