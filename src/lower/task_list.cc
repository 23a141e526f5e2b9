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

/// The axes that change together with `axis`: those whose ranks exchange the tensor all to all.
std::vector<MeshAxis> exchanged_with(const Layout& from, const Layout& to, std::size_t axis) {
  std::vector<MeshAxis> axes{static_cast<MeshAxis>(axis)};
  if (collective_for(from[axis], to[axis]) != Collective::all_to_all) return axes;
  for (std::size_t other = axis + 1; other < from.size(); ++other) {
    const bool exchanges = collective_for(from[other], to[other]) == Collective::all_to_all;
    if (exchanges) axes.push_back(static_cast<MeshAxis>(other));
  }
  return axes;
}

bool has_partial(const Layout& layout) {
  return std::any_of(layout.begin(), layout.end(), [](Placement p) { return p.is_partial(); });
}

}  // namespace

bool streams(OpKind kind) {
  switch (kind) {
    case OpKind::elementwise:
    case OpKind::rope:
    case OpKind::copy:
    case OpKind::cache_append:
    case OpKind::rms_norm:
    case OpKind::layer_norm:
    case OpKind::softmax: return true;
    default: return false;
  }
}

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
    const std::vector<MeshAxis> joined = exchanged_with(current.layout, wanted, axis);
    Layout next = current.layout;
    for (const MeshAxis one : joined)
      next[static_cast<std::size_t>(one)] = wanted[static_cast<std::size_t>(one)];
    std::optional<Task> task = change(tensor, current.layout, next, axis);
    if (task && joined.size() > 1) task->group = joint_group(splitting_.mesh(), joined);
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

std::uint32_t TaskList::kernel_of(std::uint32_t task) const {
  while (tasks_[task].shape.fused)
    task = tasks_[task].after.front();
  return task;
}

std::uint32_t TaskList::add_fused(Task task, std::uint32_t host, Bytes not_read,
                                  Bytes not_written) {
  host = kernel_of(host);
  OpShape& kernel = tasks_[host].shape;
  kernel.work += task.shape.work;
  kernel.read += task.shape.read - not_read;
  kernel.write += task.shape.write - not_written;
  kernel.weights += task.shape.weights;
  OpShape inside;
  inside.kind = task.shape.kind;
  inside.compute_format = task.shape.compute_format;
  inside.launches = 0;
  inside.fused = true;
  task.shape = inside;
  task.after = {host};
  return add(std::move(task));
}

std::optional<std::uint32_t> TaskList::kernel_to_join(
    const std::vector<std::uint32_t>& after) const {
  if (after.empty()) return std::nullopt;
  const std::uint32_t host = kernel_of(*std::max_element(after.begin(), after.end()));
  const auto known = [&](std::uint32_t task) { return kernel_of(task) <= host; };
  const bool joins =
      tasks_[host].collective == Collective::none && streams(tasks_[host].shape.kind);
  if (!joins || !std::all_of(after.begin(), after.end(), known)) return std::nullopt;
  return host;
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
