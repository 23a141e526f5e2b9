/// Time of a block's passes: its tasks on two lanes, operators on one and collectives on the other.
#pragma once

#include <array>
#include <vector>

#include "fastpath/prediction.h"
#include "fastpath/program.h"

#include "engine/schedule.h"
#include "model/device_model.h"
#include "model/network_model.h"

namespace fastpath {

/// The cost functions of one system under one execution mode.
struct Models {
  DeviceModel device;
  NetworkModel network;

  TaskCost cost(const Task& task) const {
    return task.collective == Collective::none
               ? device.cost(task.shape)
               : network.cost(task.collective, task.group, task.payload);
  }
};

/// When a task of a pass runs, from the pass's start.
struct TaskRun {
  TaskCost cost;
  Seconds start;

  Seconds end() const { return start + cost.time; }
};

/// start = max(ends of predecessors, end of the lane's last task). One entry a task.
std::vector<TaskRun> run_tasks(const std::vector<Task>& tasks, const Models& models);

/// A pass over a block. `by_bound` adds up to `time`: operators by what limits them, and waiting
/// for collectives as network.
struct PassCost {
  Seconds time;
  TimeByBound by_bound{};
  Flops work;  ///< of this rank
};

PassCost cost_of_pass(const std::vector<Task>& tasks, const Models& models);

struct BlockCost {
  std::array<PassCost, kSlotPasses.size()> passes;  ///< by SlotPass
  Seconds gather;                                   ///< of sharded weights, before each pass
  Bytes kept_for_weights;  ///< activations and gradients, from the input half to the weight half

  const PassCost& of(SlotPass pass) const { return passes[static_cast<std::size_t>(pass)]; }
};

/// `block` is the block of the workload that `program` was lowered from.
BlockCost cost_of_block(const Block& block, const BlockProgram& program, const Models& models);

}  // namespace fastpath
