#include "lower/tiling.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace fastpath {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// A message to the neighbour in a ring. The link between the ring's ends is its slowest.
Task step(const Task& like, Group ring, Bytes payload) {
  Task task = like;
  task.collective = Collective::send_recv;
  task.group = {2, ring.stride * (ring.size - 1)};
  task.payload = payload;
  task.shape = OpShape{};
  task.replication = 1;
  return task;
}

bool is_product(const Task& task) {
  return task.collective == Collective::none &&
         (task.shape.kind == OpKind::matmul || task.shape.kind == OpKind::grouped_matmul);
}

bool over_tensor(const Task& task, Collective collective) {
  return task.collective == collective && task.axis == MeshAxis::tensor && task.group.size > 1;
}

bool waits_for(const Task& task, std::uint32_t other) {
  return std::find(task.after.begin(), task.after.end(), other) != task.after.end();
}

/// One of `pieces` of a product's rows. Each reads the weights.
Task piece_of(const Task& product, double pieces) {
  Task piece = product;
  OpShape& shape = piece.shape;
  shape.m /= pieces;
  shape.work = shape.work / pieces;
  shape.read = (shape.read - shape.weights) / pieces + shape.weights;
  shape.write = shape.write / pieces;
  return piece;
}

class Tiling {
 public:
  explicit Tiling(std::vector<Task> tasks) : tasks_(std::move(tasks)) {
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      pair_up(i);
  }

  std::vector<Task> run() {
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      emit(i);
    return std::move(out_);
  }

 private:
  /// A gather with the first product that waits for it, a reduction with the product before it.
  void pair_up(std::uint32_t i) {
    if (over_tensor(tasks_[i], Collective::all_gather)) {
      for (std::uint32_t j = i + 1; j < tasks_.size(); ++j) {
        if (!waits_for(tasks_[j], i)) continue;
        if (is_product(tasks_[j]) && partner_.count(j) == 0) join(j, i);
        return;
      }
    }
    if (over_tensor(tasks_[i], Collective::reduce_scatter) && tasks_[i].after.size() == 1) {
      const std::uint32_t product = tasks_[i].after.front();
      if (is_product(tasks_[product]) && partner_.count(product) == 0) join(product, i);
    }
  }

  void join(std::uint32_t product, std::uint32_t collective) {
    partner_[product] = collective;
    partner_[collective] = product;
  }

  std::uint32_t add(Task task) {
    out_.push_back(std::move(task));
    return static_cast<std::uint32_t>(out_.size() - 1);
  }

  /// The task with what it waits for, besides `without`, in the new list.
  Task moved(std::uint32_t i, std::uint32_t without = kNone) const {
    Task task = tasks_[i];
    task.after.clear();
    for (const std::uint32_t before : tasks_[i].after) {
      if (before != without) {
        const std::vector<std::uint32_t>& ends = ends_[before];
        task.after.insert(task.after.end(), ends.begin(), ends.end());
      }
    }
    return task;
  }

  void emit(std::uint32_t i) {
    ends_.emplace_back();
    const auto found = partner_.find(i);
    if (found == partner_.end()) {
      ends_[i] = {add(moved(i))};
    } else if (over_tensor(tasks_[i], Collective::all_gather)) {
      emit_gather(i);
    } else if (!is_product(tasks_[i])) {
      emit_reduction(i);
    } else {
      emit_product(i, found->second);
    }
  }

  void emit_gather(std::uint32_t i) {
    const Task whole = moved(i);
    const Group ring = whole.group;
    Task exchange = step(whole, ring, whole.payload / static_cast<double>(ring.size));
    for (std::int64_t n = 1; n < ring.size; ++n) {
      const std::uint32_t done = add(exchange);
      steps_[i].push_back(done);
      exchange.after = {done};
    }
    ends_[i] = {steps_[i].back()};
  }

  void emit_product(std::uint32_t i, std::uint32_t collective) {
    const bool gathered = tasks_[collective].collective == Collective::all_gather;
    const Task whole = moved(i, gathered ? collective : kNone);
    const std::int64_t pieces = tasks_[collective].group.size;
    for (std::int64_t n = 0; n < pieces; ++n) {
      Task piece = piece_of(whole, static_cast<double>(pieces));
      if (gathered && n > 0)
        piece.after.push_back(steps_[collective][static_cast<std::size_t>(n) - 1]);
      pieces_[i].push_back(add(std::move(piece)));
    }
    ends_[i] = {pieces_[i].back()};
  }

  /// The last piece stays where it is.
  void emit_reduction(std::uint32_t i) {
    const Task whole = moved(i);
    const Group ring = whole.group;
    const std::vector<std::uint32_t>& pieces = pieces_[tasks_[i].after.front()];
    std::uint32_t last = kNone;
    for (std::size_t n = 0; n + 1 < pieces.size(); ++n) {
      Task exchange = step(whole, ring, whole.payload / static_cast<double>(ring.size));
      exchange.after = {pieces[n]};
      last = add(std::move(exchange));
    }
    ends_[i] = {last, pieces.back()};
  }

  std::vector<Task> tasks_;
  std::map<std::uint32_t, std::uint32_t> partner_;              ///< product to collective and back
  std::map<std::uint32_t, std::vector<std::uint32_t>> steps_;   ///< of a gather, in the new list
  std::map<std::uint32_t, std::vector<std::uint32_t>> pieces_;  ///< of a product, in the new list
  std::vector<std::vector<std::uint32_t>> ends_;  ///< by old task: what its readers wait for
  std::vector<Task> out_;
};

}  // namespace

Ring ring_of(const Splitting& splitting, const Block& block, const Op& op, const Layout& split) {
  Ring ring;
  ring.group = splitting.mesh().group(MeshAxis::context);
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    const bool seen = std::find(op.inputs.begin(), op.inputs.begin() + static_cast<long>(i),
                                op.inputs[i]) != op.inputs.begin() + static_cast<long>(i);
    const Tensor& tensor = block.tensors[op.inputs[i]];
    if (seen || tensor.role == TensorRole::weight || tensor.role == TensorRole::constant) continue;
    const Bytes bytes = splitting.bytes(tensor, splitting.of_input(block, op, i, split));
    (i == 0 ? ring.queries : ring.payload) += bytes;
  }
  return ring;
}

std::uint32_t add_ring_attention(TaskList& list, Task attention, const Ring& ring) {
  const auto steps = static_cast<double>(ring.group.size);
  Task passed = step(attention, ring.group, ring.payload);
  passed.axis = MeshAxis::context;
  OpShape& shape = attention.shape;
  shape.work = shape.work / steps;
  shape.n /= steps;
  shape.read = (shape.read - ring.queries) / steps + ring.queries;
  std::uint32_t done = list.add(attention);
  for (std::int64_t n = 1; n < ring.group.size; ++n) {
    const std::uint32_t arrived = list.add(passed);
    passed.after = {arrived};
    Task next = attention;
    next.after = {done, arrived};
    done = list.add(std::move(next));
  }
  return done;
}

std::vector<Task> tile_tensor_collectives(std::vector<Task> tasks) {
  return Tiling(std::move(tasks)).run();
}

}  // namespace fastpath
