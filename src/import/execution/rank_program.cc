#include "import/execution/rank_program.h"

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "import/execution/collective_name.h"
#include "import/execution/values.h"
#include "ir/operator_shape.h"

namespace fastpath {
namespace {

constexpr std::uint32_t kNoTask = 0xffffffff;
constexpr double kBarrierBytes = 4;
constexpr std::uint64_t kMostRank = 1 << 24;
constexpr double kMostElements = 1e15;

Bytes bytes_of(const std::vector<NodeValue>& values) {
  Bytes sum;
  for (const NodeValue& value : values)
    sum += value.bytes;
  return sum;
}

bool has_tensor(const std::vector<NodeValue>& values) {
  return std::any_of(values.begin(), values.end(),
                     [](const NodeValue& value) { return value.tensor; });
}

bool any_on_device(const std::vector<NodeValue>& values) {
  return std::any_of(values.begin(), values.end(),
                     [](const NodeValue& value) { return value.tensor && !value.on_host; });
}

/// Parts of an operator that a cost function knows.
std::vector<OpShape> parts_of(const ExecutionNode& node) {
  OperatorCall call;
  call.name = node.name;
  bool found = false;
  for (const NodeValue& input : node.inputs) {
    double elements = 1;
    for (const double size : input.sizes)
      elements *= size;
    if (!(elements <= kMostElements)) return {};
    call.sizes.push_back(input.sizes);
    call.values.push_back(input.numbers);
    if (found || !input.format) continue;
    call.format = *input.format;
    found = true;
  }
  return found ? operator_parts(call) : std::vector<OpShape>{};
}

/// Operators that only say where a tensor lies or make room for one: no kernel runs.
bool is_free(std::string_view name) {
  constexpr std::array<std::string_view, 47> kNames{"view",
                                                    "_unsafe_view",
                                                    "t",
                                                    "transpose",
                                                    "as_strided",
                                                    "reshape",
                                                    "_reshape_alias",
                                                    "flatten",
                                                    "unflatten",
                                                    "expand",
                                                    "expand_as",
                                                    "permute",
                                                    "slice",
                                                    "select",
                                                    "narrow",
                                                    "unsqueeze",
                                                    "squeeze",
                                                    "detach",
                                                    "alias",
                                                    "split",
                                                    "chunk",
                                                    "unbind",
                                                    "movedim",
                                                    "swapaxes",
                                                    "diagonal",
                                                    "empty",
                                                    "empty_like",
                                                    "new_empty",
                                                    "empty_strided",
                                                    "new_empty_strided",
                                                    "resize",
                                                    "set",
                                                    "size",
                                                    "stride",
                                                    "is_nonzero",
                                                    "lift_fresh",
                                                    "result_type",
                                                    "to",
                                                    "view_as",
                                                    "unfold",
                                                    "real",
                                                    "contiguous",
                                                    "numel",
                                                    "record_stream",
                                                    "split_with_sizes",
                                                    "is_floating_point",
                                                    "requires_grad"};
  if (const std::size_t colons = name.rfind("::"); colons != std::string_view::npos) {
    name.remove_prefix(colons + 2);
  }
  while (name.ends_with('_'))
    name.remove_suffix(1);
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Ranges of the user or the profiler, not operators.
bool is_range(const ExecutionNode& node) {
  return !node.has_schema && !(node.measured > Seconds{}) &&
         node.name.find("::") == std::string::npos && node.outputs.empty();
}

/// Sorted, each once; what is no rank is left out.
std::vector<std::int64_t> ranks_in(const nlohmann::json& list) {
  std::vector<std::int64_t> ranks;
  for (const nlohmann::json& rank : list) {
    if (rank.is_number_unsigned() && rank.get<std::uint64_t>() <= kMostRank) {
      ranks.push_back(rank.get<std::int64_t>());
    }
  }
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

/// The list that PyTorch writes into its "process_group:init" node.
void read_groups(const ExecutionNode& node, ProcessGroups& groups) {
  for (const NodeValue& value : node.inputs) {
    const nlohmann::json list = nlohmann::json::parse(value.text, nullptr, false);
    if (!list.is_array()) continue;
    for (const nlohmann::json& group : list) {
      const bool complete = group.is_object() && group.contains("pg_name") &&
                            group["pg_name"].is_string() && group.contains("ranks") &&
                            group["ranks"].is_array();
      if (complete) groups[group["pg_name"].get<std::string>()] = ranks_in(group["ranks"]);
    }
  }
}

/// A task with what the trace knows of it.
struct Pending {
  Task task;
  RecordedTask recorded;
};

class RankBuilder {
 public:
  explicit RankBuilder(const ExecutionFile& file) : file_(file) {
    for (std::size_t i = 0; i < file.nodes.size(); ++i) {
      const ExecutionNode& node = file.nodes[i];
      by_id_.try_emplace(node.id, i);
      on_device_ = on_device_ || any_on_device(node.inputs) || any_on_device(node.outputs);
      recorded_device_ = recorded_device_ || (node.kind == NodeKind::operation && !node.on_host);
      if (node.name.find("process_group:init") != std::string::npos) {
        read_groups(node, result_.groups);
      }
    }
    index_children();
  }

  RankTasks build() {
    // Chakra's nodes of hosts alone are a framework's operators inside each other.
    if (file_.nested || (!recorded_device_ && has_schemas())) {
      walk();
    } else {
      chain();
    }
    return std::move(result_);
  }

 private:
  bool has_schemas() const {
    return std::any_of(file_.nodes.begin(), file_.nodes.end(),
                       [](const ExecutionNode& node) { return node.has_schema; });
  }

  void index_children() {
    children_.resize(file_.nodes.size());
    for (std::size_t i = 0; i < file_.nodes.size(); ++i) {
      const std::int64_t parent = file_.nodes[i].parent;
      const auto found = by_id_.find(parent);
      const bool inside = found != by_id_.end() && parent != file_.nodes[i].id;
      (inside ? children_[found->second] : roots_).push_back(i);
    }
    const auto earlier = [&](std::size_t a, std::size_t b) {
      return file_.nodes[a].id < file_.nodes[b].id;
    };
    for (std::vector<std::size_t>& list : children_)
      std::stable_sort(list.begin(), list.end(), earlier);
    std::stable_sort(roots_.begin(), roots_.end(), earlier);
  }

  // Nodes inside each other: the outermost that has a cost stands for what is inside it.

  void walk() {
    std::vector<bool> seen(file_.nodes.size(), false);
    for (const std::size_t root : roots_)
      walk_from(root, seen);
    for (std::size_t i = 0; i < file_.nodes.size(); ++i) {
      if (seen[i]) continue;
      ++result_.cycles;
      walk_from(i, seen);
    }
  }

  void walk_from(std::size_t root, std::vector<bool>& seen) {
    std::vector<std::size_t> stack{root};
    while (!stack.empty()) {
      const std::size_t at = stack.back();
      stack.pop_back();
      if (seen[at]) continue;
      seen[at] = true;
      const bool whole = take(file_.nodes[at], children_[at].empty());
      if (whole) {
        result_.folded += below(at, seen);
      } else {
        stack.insert(stack.end(), children_[at].rbegin(), children_[at].rend());
      }
    }
  }

  std::int64_t below(std::size_t top, std::vector<bool>& seen) const {
    std::int64_t count = 0;
    std::vector<std::size_t> stack(children_[top]);
    while (!stack.empty()) {
      const std::size_t at = stack.back();
      stack.pop_back();
      if (seen[at]) continue;
      seen[at] = true;
      ++count;
      stack.insert(stack.end(), children_[at].begin(), children_[at].end());
    }
    return count;
  }

  /// Adds the node's tasks. False: look inside it.
  bool take(const ExecutionNode& node, bool leaf) {
    if (const auto kind = collective_of(node)) {
      if (leaf || node.name.find("record_param_comms") != std::string::npos) {
        add_by_storage(node, {collective_task(node, *kind)});
        return true;
      }
      return false;
    }
    const bool tensors = has_tensor(node.inputs) || has_tensor(node.outputs);
    if (on_device_ && tensors && !any_on_device(node.inputs) && !any_on_device(node.outputs)) {
      if (!leaf) return false;
      if (!is_free(node.name)) ++result_.on_host;
      return true;
    }
    if (is_free(node.name) && leaf) return true;
    if (const auto copy = host_copy(node)) {
      add_by_storage(node, {*copy});
      return true;
    }
    std::vector<Pending> parts = shaped(node, node.name);
    if (!parts.empty()) {
      add_by_storage(node, std::move(parts));
      return true;
    }
    if (!leaf) return false;
    if (is_range(node)) return true;
    add_by_storage(node, {uncertain(node)});
    return true;
  }

  // What a node costs.

  std::optional<RecordedCollective> collective_of(const ExecutionNode& node) const {
    if (node.kind == NodeKind::collective) {
      const auto by_type = collective_of_chakra(node.collective_type);
      return by_type ? by_type : collective_of_name(node.name);
    }
    if (node.kind == NodeKind::send || node.kind == NodeKind::receive) {
      return RecordedCollective{Collective::send_recv};
    }
    if (!node.collective.empty()) return collective_of_name(node.collective);
    if (node.name.find("record_param_comms") == std::string::npos) return std::nullopt;
    for (const NodeValue& input : node.inputs) {
      if (const auto kind = collective_of_name(input.text)) return kind;
    }
    return std::nullopt;
  }

  Pending collective_task(const ExecutionNode& node, const RecordedCollective& what) {
    Pending one;
    one.task.op = name_index(node.collective.empty() ? node.name : node.collective);
    one.task.collective = what.kind;
    RecordedTask& recorded = one.recorded;
    recorded.lane = RecordedLane::network;
    recorded.source = TimeSource::link;
    recorded.measured = node.measured;
    recorded.group = node.group;
    recorded.group_size = node.group_size;
    const double width = bytes_of_type(node.type);
    const Bytes in{width * node.elements_in};
    const Bytes out{width * node.elements_out};
    const bool gathers = what.kind == Collective::all_gather;
    if (what.barrier) {
      one.task.payload = Bytes{kBarrierBytes};
    } else if (in > Bytes{} || out > Bytes{}) {
      one.task.payload = gathers ? out : in;
    } else {
      one.task.payload = node.message > Bytes{} ? node.message : bytes_of(node.inputs);
      recorded.per_rank = gathers;
    }
    set_peer(node, recorded);
    return one;
  }

  void set_peer(const ExecutionNode& node, RecordedTask& recorded) const {
    const bool sends = node.kind == NodeKind::send;
    if (!sends && node.kind != NodeKind::receive) return;
    recorded.sends = sends;
    recorded.peer = sends ? node.destination : node.source;
    recorded.tag = node.tag;
  }

  /// aten::copy_(self, from) between the host and the device.
  std::optional<Pending> host_copy(const ExecutionNode& node) {
    if (!node.name.ends_with("::copy_") || node.inputs.size() < 2) return std::nullopt;
    const NodeValue& to = node.inputs[0];
    const NodeValue& from = node.inputs[1];
    if (!to.tensor || !from.tensor || to.on_host == from.on_host) return std::nullopt;
    return copy_task(node, to.on_host, to.bytes);
  }

  Pending copy_task(const ExecutionNode& node, bool to_host, Bytes bytes) {
    Pending one;
    one.task.op = name_index(node.name);
    one.task.copy = to_host ? HostCopy::to_host : HostCopy::from_host;
    one.task.payload = bytes;
    one.recorded.lane = to_host ? RecordedLane::to_host : RecordedLane::from_host;
    one.recorded.source = TimeSource::link;
    one.recorded.measured = node.measured;
    return one;
  }

  std::vector<Pending> shaped(const ExecutionNode& node, const std::string& name) {
    std::vector<Pending> parts;
    for (OpShape& shape : parts_of(node)) {
      Pending one;
      one.task.op = name_index(name);
      one.task.shape = shape;
      one.recorded.source = TimeSource::shape;
      one.recorded.measured = node.measured;
      parts.push_back(std::move(one));
    }
    return parts;
  }

  /// No shape of a known operator: counts, then what was measured, then bytes, then nothing.
  Pending uncertain(const ExecutionNode& node) {
    Pending one;
    one.task.op = name_index(node.name);
    one.recorded.measured = node.measured;
    OpShape& shape = one.task.shape;
    if (node.work > 0) {
      shape.kind = OpKind::matmul;
      shape.work = Flops{node.work};
      shape.read = node.traffic;
      one.recorded.source = TimeSource::counts;
      return one;
    }
    if (node.measured > Seconds{}) {
      one.recorded.source = TimeSource::measured;
    } else if (node.traffic > Bytes{}) {
      shape.read = node.traffic;
      one.recorded.source = TimeSource::counts;
      return one;
    } else if (has_tensor(node.outputs) && bytes_of(node.outputs) > Bytes{}) {
      shape.read = bytes_of(node.inputs);
      shape.write = bytes_of(node.outputs);
      one.recorded.source = TimeSource::traffic;
    } else {
      one.recorded.lane = RecordedLane::joint;
    }
    ++result_.uncertain[{node.name, one.recorded.source}];
    return one;
  }

  // Tasks that follow each other by the memory that they read and write.

  void add_by_storage(const ExecutionNode& node, std::vector<Pending> parts) {
    std::vector<std::uint32_t> after;
    for (const NodeValue& input : node.inputs) {
      if (!input.tensor || input.storage < 0) continue;
      const auto writer = writer_of_.find(input.storage);
      if (writer != writer_of_.end()) after.push_back(writer->second);
    }
    const bool collective = parts.size() == 1 && parts[0].recorded.lane == RecordedLane::network;
    std::uint32_t last = kNoTask;
    for (Pending& part : parts) {
      part.task.after = after;
      last = push(std::move(part));
      after = {last};
    }
    for (const NodeValue& output : node.outputs)
      note_writer(output, last);
    // Collectives write into what they are given.
    if (!collective) return;
    for (const NodeValue& input : node.inputs)
      note_writer(input, last);
  }

  void note_writer(const NodeValue& value, std::uint32_t task) {
    if (value.tensor && value.storage >= 0) writer_of_[value.storage] = task;
  }

  // Nodes that name what they wait for (Chakra).

  void chain() {
    count_kernels();
    std::vector<std::uint32_t> task_of(file_.nodes.size(), kNoTask);
    for (const std::size_t at : ordered()) {
      const ExecutionNode& node = file_.nodes[at];
      std::vector<Pending> parts = parts_of_graph_node(node);
      std::vector<std::uint32_t> after;
      for (const std::int64_t id : node.after) {
        const auto found = by_id_.find(id);
        if (found == by_id_.end() || task_of[found->second] == kNoTask) continue;
        after.push_back(task_of[found->second]);
      }
      for (Pending& part : parts) {
        part.task.after = after;
        task_of[at] = push(std::move(part));
        after = {task_of[at]};
      }
    }
  }

  /// Nodes after all that they wait for, otherwise in the file's order.
  std::vector<std::size_t> ordered() {
    const std::size_t count = file_.nodes.size();
    std::vector<std::vector<std::size_t>> followers(count);
    std::vector<std::size_t> waits(count, 0);
    for (std::size_t i = 0; i < count; ++i) {
      for (const std::int64_t id : file_.nodes[i].after) {
        const auto found = by_id_.find(id);
        if (found == by_id_.end()) continue;
        followers[found->second].push_back(i);
        ++waits[i];
      }
    }
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    for (std::size_t i = 0; i < count; ++i) {
      if (waits[i] == 0) ready.push(i);
    }
    std::vector<std::size_t> order;
    order.reserve(count);
    std::vector<bool> done(count, false);
    while (!ready.empty()) {
      const std::size_t at = ready.top();
      ready.pop();
      done[at] = true;
      order.push_back(at);
      for (const std::size_t follower : followers[at]) {
        if (--waits[follower] == 0) ready.push(follower);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (done[i]) continue;
      ++result_.cycles;
      order.push_back(i);
    }
    return order;
  }

  /// How many kernels each operator of the host launched.
  void count_kernels() {
    for (const ExecutionNode& node : file_.nodes) {
      if (node.kind != NodeKind::operation || node.on_host) continue;
      const auto parent = by_id_.find(node.parent);
      if (parent != by_id_.end()) ++kernels_of_[parent->second];
    }
  }

  std::vector<Pending> parts_of_graph_node(const ExecutionNode& node) {
    if (const auto kind = collective_of(node)) return {collective_task(node, *kind)};
    if (node.kind == NodeKind::load || node.kind == NodeKind::store) {
      return {copy_task(node, node.kind == NodeKind::store, node.traffic)};
    }
    if (node.kind == NodeKind::label) return {joint(node)};
    if (node.kind == NodeKind::collective) return {uncertain(node)};
    if (node.on_host) return {on_host(node)};
    std::vector<Pending> parts = shaped(node, node.name);
    // A kernel has its operator's inputs, but a name of its own.
    const auto parent = by_id_.find(node.parent);
    if (parts.empty() && parent != by_id_.end() && kernels_of_[parent->second] == 1) {
      parts = shaped(file_.nodes[parent->second], node.name);
      for (Pending& part : parts)
        part.recorded.measured = node.measured;
    }
    if (parts.empty()) parts.push_back(uncertain(node));
    return parts;
  }

  Pending joint(const ExecutionNode& node) {
    Pending one;
    one.task.op = name_index(node.name);
    one.recorded.lane = RecordedLane::joint;
    return one;
  }

  Pending on_host(const ExecutionNode& node) {
    Pending one = joint(node);
    if (!(node.measured > Seconds{})) return one;
    one.recorded.lane = RecordedLane::host;
    one.recorded.source = TimeSource::measured;
    one.recorded.measured = node.measured;
    return one;
  }

  std::uint32_t name_index(const std::string& name) {
    const auto [found, added] =
        names_.try_emplace(name, static_cast<std::uint32_t>(result_.names.size()));
    if (added) result_.names.push_back(name);
    return found->second;
  }

  std::uint32_t push(Pending part) {
    std::vector<std::uint32_t>& after = part.task.after;
    std::sort(after.begin(), after.end());
    after.erase(std::unique(after.begin(), after.end()), after.end());
    result_.block.forward.push_back(std::move(part.task));
    result_.tasks.push_back(std::move(part.recorded));
    return static_cast<std::uint32_t>(result_.tasks.size() - 1);
  }

  const ExecutionFile& file_;
  RankTasks result_;
  std::unordered_map<std::int64_t, std::size_t> by_id_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<std::size_t> roots_;
  std::unordered_map<std::int64_t, std::uint32_t> writer_of_;
  std::unordered_map<std::size_t, std::int64_t> kernels_of_;
  std::map<std::string, std::uint32_t> names_;
  bool on_device_ = false;
  bool recorded_device_ = false;
};

}  // namespace

RankTasks rank_tasks(const ExecutionFile& file) { return RankBuilder(file).build(); }

}  // namespace fastpath
