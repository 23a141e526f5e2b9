/// Time of a block's passes: its tasks on two lanes, operators on one and collectives on the other.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "fastpath/prediction.h"
#include "fastpath/program.h"

#include "engine/slot.h"
#include "model/device_model.h"
#include "model/host_link.h"
#include "model/network_model.h"

namespace fastpath {

/// The cost functions of one system under one execution mode.
struct Models {
  Models(const System& system, Execution execution);

  TaskCost cost(const Task& task) const {
    if (task.copy != HostCopy::none) return host.cost(task.payload);
    return task.collective == Collective::none
               ? device.cost(task.shape)
               : collective(task.collective, task.group, task.payload);
  }

  /// 90 % interval of a task that is no copy; `cost` is its cost.
  RelativeInterval relative_interval(const Task& task, const TaskCost& cost) const {
    return task.collective == Collective::none
               ? device.relative_interval(task.shape, cost.time)
               : fastpath::relative_interval(network.place(task.group), device_id_, task.payload);
  }

  /// As the system's framework reaches it.
  TaskCost collective(Collective kind, Group group, Bytes payload) const;

  DeviceModel device;
  NetworkModel network;
  HostLinkModel host;

 private:
  std::string device_id_;
  double network_factor_ = 1;
  double experts_factor_ = 1;
};

/// When a task of a pass runs, from the pass's start.
struct TaskRun {
  TaskCost cost;
  Seconds start;

  Seconds end() const { return start + cost.time; }
};

/// start = max(ends of predecessors, end of the lane's last task). One entry a task. Copies between
/// device and host take no time here: they run under other blocks (HostCopies).
std::vector<TaskRun> run_tasks(const std::vector<Task>& tasks, const Models& models);

/// A pass over a block. `by_bound` adds up to `time`: operators by what limits them, and waiting
/// for collectives as network.
struct PassCost {
  Seconds time;
  TimeByBound by_bound{};
  Flops work;  ///< of this rank
};

/// How far operators and collectives may err at 90 %: sums over tasks, by what bounds them.
struct Doubt {
  TimeByBound time{};
  TimeByBound late{};    ///< how much longer they may take
  TimeByBound early{};   ///< time / low - time
  Seconds extrapolated;  ///< of `time`: nothing like it was measured

  void add(const Task& task, const TaskCost& cost, const Models& models);
  void add(const Doubt& other, double times);
};

/// `doubt`: where the pass's tasks are added; null = not wanted.
PassCost cost_of_pass(const std::vector<Task>& tasks, const Models& models, Doubt* doubt = nullptr);

/// Times of a pass's copies, each direction on its own.
struct HostCopies {
  Seconds from_host;  ///< before the pass
  Seconds to_host;    ///< after it
};

HostCopies host_copies(const std::vector<Task>& tasks, const Models& models);

struct BlockCost {
  std::array<PassCost, kSlotPasses.size()> passes;  ///< by SlotPass
  Seconds gather;                                   ///< of sharded weights, before the forward
  Seconds regather;                                 ///< and before the backward
  Seconds scatter;  ///< of gradients into shards, after the backward
  HostCopies forward_copies;
  HostCopies backward_copies;
  Doubt doubt;             ///< of its passes
  Bytes kept_for_weights;  ///< activations and gradients, from the input half to the weight half

  const PassCost& of(SlotPass pass) const { return passes[static_cast<std::size_t>(pass)]; }
};

/// `block` is the block of the workload that `program` was lowered from.
BlockCost cost_of_block(const Block& block, const BlockProgram& program, const Models& models);

}  // namespace fastpath
