#include "lower/task_list.h"

#include <algorithm>

namespace fastpath {
namespace {

/// The collective that changes a placement; none where each rank has what it needs already.
Collective collective_for(Placement from, Placement to) {
  if (from == to) return Collective::none;
  if (from.is_partial()) {
    return to.is_split() ? Collective::reduce_scatter : Collective::all_reduce;
  }
  if (from.is_split()) return to.is_split() ? Collective::all_to_all : Collective::all_gather;
  return Collective::none;
}

bool has_partial(const Layout& layout) {
  return std::any_of(layout.begin(), layout.end(), [](Placement p) { return p.is_partial(); });
}

}  // namespace

std::uint32_t TaskList::add(Task task) {
  task.pass = pass_;
  tasks_.push_back(std::move(task));
  return static_cast<std::uint32_t>(tasks_.size() - 1);
}

std::optional<Task> TaskList::change(const Tensor& tensor, const Layout& from, const Layout& to,
                                     std::size_t axis) const {
  const Collective collective = collective_for(from[axis], to[axis]);
  if (collective == Collective::none) return std::nullopt;
  Task task;
  task.collective = collective;
  task.axis = static_cast<MeshAxis>(axis);
  task.group = splitting_.mesh().group(task.axis);
  const Layout& larger = collective == Collective::all_gather ? to : from;
  task.payload = splitting_.bytes(tensor, larger);
  return task;
}

std::vector<std::uint32_t> TaskList::bring(const Tensor& tensor, Copies& copies,
                                           const Layout& wanted, std::uint32_t op) {
  for (const Copy& copy : copies) {
    if (copy.layout == wanted) return copy.after;
  }
  bool moves = has_partial(copies.front().layout);
  Copy current = copies.front();
  for (std::size_t axis = 0; axis < wanted.size(); ++axis) {
    Layout next = current.layout;
    next[axis] = wanted[axis];
    std::optional<Task> task = change(tensor, current.layout, next, axis);
    current.layout = next;
    if (!task) continue;
    moves = moves || task->collective == Collective::all_to_all;
    task->op = op;
    task->after = current.after;
    current.after = {add(std::move(*task))};
  }
  if (moves) {
    copies.front() = current;
  } else {
    copies.push_back(current);
  }
  return current.after;
}

std::uint32_t TaskList::reduce_statistics(std::uint32_t op, MeshAxis axis, Bytes payload,
                                          std::uint32_t after) {
  Task task;
  task.op = op;
  task.collective = Collective::all_reduce;
  task.axis = axis;
  task.group = splitting_.mesh().group(axis);
  task.payload = payload;
  task.after = {after};
  return add(std::move(task));
}

}  // namespace fastpath
