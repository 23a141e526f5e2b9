/// Builds a list of tasks while tracking how each tensor lies on the mesh: the layout changes that
/// an operator's needs require become collectives.
#pragma once

#include <optional>
#include <vector>

#include "lower/splitting.h"

namespace fastpath {

/// A tensor in one layout, and the tasks after which it is there (none: from the start).
struct Copy {
  Layout layout;
  std::vector<std::uint32_t> after;
};

/// The layouts in which a tensor is at hand. The first is its home, where it is kept.
using Copies = std::vector<Copy>;

/// Kinds that a compiler fuses: maps, and reductions along rows with the maps around them. Products
/// keep their own kernels, as in PyTorch's default back end (ASPLOS 2024,
/// doi:10.1145/3620665.3640366, section 4).
bool streams(OpKind kind);

class TaskList {
 public:
  TaskList(const Splitting& splitting, Pass pass) : splitting_(splitting), pass_(pass) {}

  /// Appends and returns the index.
  std::uint32_t add(Task task);

  /// Brings `copies` of `tensor` into `wanted` for operator `op`, with as few collectives as the
  /// layouts need; returns the tasks to wait for. Resolved partial sums, and what an all-to-all has
  /// moved, become the home layout; gathered copies are temporary.
  std::vector<std::uint32_t> bring(const Tensor& tensor, Copies& copies, const Layout& wanted,
                                   std::uint32_t op);

  /// The task in whose kernel a task runs: itself, unless it is fused.
  std::uint32_t kernel_of(std::uint32_t task) const;

  /// The kernel that a task which waits for `after` can run in: that of its latest predecessor, if
  /// that one streams and all others come before it.
  std::optional<std::uint32_t> kernel_to_join(const std::vector<std::uint32_t>& after) const;

  /// Appends a task that runs inside the kernel of task `host`: it takes over the work and the
  /// traffic but what stays inside, `not_read` and `not_written`.
  std::uint32_t add_fused(Task task, std::uint32_t host, Bytes not_read, Bytes not_written);

  /// A collective that no layout change explains: statistics of a split reduction.
  std::uint32_t reduce_statistics(std::uint32_t op, MeshAxis axis, Bytes payload,
                                  std::uint32_t after);

  void set_pass(Pass pass) { pass_ = pass; }
  std::vector<Task>& tasks() { return tasks_; }
  const std::vector<Task>& tasks() const { return tasks_; }

 private:
  std::optional<Task> change(const Tensor& tensor, const Layout& from, const Layout& to,
                             std::size_t axis) const;

  const Splitting& splitting_;
  Pass pass_;
  std::vector<Task> tasks_;
};

}  // namespace fastpath
