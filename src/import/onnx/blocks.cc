#include "import/onnx/blocks.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "ir/semantics.h"

namespace fastpath::onnx_import {
namespace {

/// Steps [begin, end) of one region.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool is_heavy(OpKind kind) {
  return kind == OpKind::matmul || kind == OpKind::convolution || kind == OpKind::attention ||
         kind == OpKind::scan || kind == OpKind::embedding;
}

class BlockMaker {
 public:
  BlockMaker(const FlatGraph& graph, Emission emission, Workload& workload, bool as_executed)
      : graph_(graph),
        emission_(std::move(emission)),
        workload_(workload),
        as_executed_(as_executed) {}

  void run() {
    use_dims();
    find_lives();
    const bool plain = graph_.regions.size() == 1;
    const std::vector<Range> ranges =
        as_executed_ && plain ? std::vector<Range>{{0, emission_.steps.size()}} : merge(atoms());
    std::vector<std::string> signatures;
    for (const Range& range : ranges)
      signatures.push_back(signature(range));
    add_segments(ranges, signatures);
  }

 private:
  struct Life {
    std::size_t written = 0;
    std::size_t last_read = 0;
    std::size_t readers = 0;
  };

  void use_dims();
  void find_lives();
  bool is_side(const Life& life) const;
  std::vector<Range> atoms() const;
  std::vector<Range> merge(const std::vector<Range>& atoms) const;
  std::string signature(const Range& range) const;
  void add_segments(const std::vector<Range>& ranges, const std::vector<std::string>& signatures);
  Block block_of(const Range& range);
  void name_last_outputs(const Range& first, std::size_t last_begin);
  std::string name_of_range(const Range& range) const;
  std::uint32_t region(std::size_t step) const { return emission_.steps[step].region; }

  const FlatGraph& graph_;
  Emission emission_;
  Workload& workload_;
  bool as_executed_;
  std::map<TensorId, Life> lives_;  ///< of activations, and of inputs
  std::map<std::string, int> names_;
};

/// Only dims that a tensor has become dims of the workload.
void BlockMaker::use_dims() {
  std::map<DimId, DimId> renumbered;
  const auto use = [&](DimId id) {
    const auto [found, added] =
        renumbered.try_emplace(id, static_cast<DimId>(workload_.dims.size()));
    if (added) workload_.dims.push_back(emission_.dims[id]);
    return found->second;
  };
  for (Step& step : emission_.steps) {
    for (const auto* list : {&step.op.inputs, &step.op.outputs}) {
      for (const TensorId id : *list) {
        for (const Axis& axis : emission_.tensors[id].axes)
          use(axis.dim);
      }
    }
  }
  for (Tensor& tensor : emission_.tensors) {
    for (Axis& axis : tensor.axes)
      axis.dim = use(axis.dim);
  }
  // Attributes refer to some dimension even where all tensors are scalars.
  if (workload_.dims.empty()) workload_.dims.push_back({"scalar", 1, DimKind::other});
  for (Step& step : emission_.steps) {
    const auto found = renumbered.find(step.op.attributes.over);
    step.op.attributes.over = found == renumbered.end() ? 0 : found->second;
  }
}

void BlockMaker::find_lives() {
  for (std::size_t i = 0; i < emission_.steps.size(); ++i) {
    for (const TensorId id : emission_.steps[i].op.inputs) {
      // Data from outside is alive from its first reader on.
      const bool outside = emission_.tensors[id].role == TensorRole::input;
      const auto found = outside ? lives_.try_emplace(id, Life{i, i, 0}).first : lives_.find(id);
      if (found == lives_.end()) continue;
      found->second.last_read = i;
      ++found->second.readers;
    }
    for (const TensorId id : emission_.steps[i].op.outputs)
      lives_[id] = {i, i, 0};
  }
}

/// Read again and again over a good part of the model: a mask, positions.
bool BlockMaker::is_side(const Life& life) const {
  constexpr std::size_t kReaders = 3;
  constexpr std::size_t kShare = 8;
  return life.readers >= kReaders &&
         (life.last_read - life.written) * kShare > emission_.steps.size();
}

std::vector<Range> BlockMaker::atoms() const {
  // live[i]: activations written before step i and read at or after it.
  std::vector<int> change(emission_.steps.size() + 2, 0);
  for (const auto& [id, life] : lives_) {
    if (life.readers == 0 || is_side(life)) continue;
    ++change[life.written + 1];
    --change[life.last_read + 1];
  }
  std::vector<Range> ranges;
  int live = 0;
  for (std::size_t i = 0; i < emission_.steps.size(); ++i) {
    live += change[i];
    const bool cut = i == 0 || region(i) != region(i - 1) || live == 1;
    if (cut) ranges.push_back({i, i});
    ranges.back().end = i + 1;
  }
  return ranges;
}

/// A block ends before the next atom with a product, once it has one itself.
std::vector<Range> BlockMaker::merge(const std::vector<Range>& atoms) const {
  std::vector<Range> ranges;
  bool heavy = false;
  for (const Range& atom : atoms) {
    const auto begin = emission_.steps.begin();
    const bool atom_heavy =
        std::any_of(begin + static_cast<long>(atom.begin), begin + static_cast<long>(atom.end),
                    [](const Step& step) { return is_heavy(step.op.kind); });
    const bool loop = !ranges.empty() && region(atom.begin) != region(ranges.back().begin);
    if (ranges.empty() || loop || (heavy && atom_heavy)) {
      ranges.push_back(atom);
      heavy = atom_heavy;
    } else {
      ranges.back().end = atom.end;
      heavy = heavy || atom_heavy;
    }
  }
  return ranges;
}

/// Equal text means equal cost: dims and tensors are numbered as they appear.
std::string BlockMaker::signature(const Range& range) const {
  std::map<TensorId, std::size_t> tensors;
  std::map<DimId, std::size_t> dims;
  std::string text = std::to_string(region(range.begin)) + "|";
  const auto number = [](std::size_t n) { return std::to_string(n) + ","; };
  const auto add_dim = [&](DimId id) {
    const auto [found, added] = dims.try_emplace(id, dims.size());
    text += "d" + number(found->second);
    if (!added) return;
    const Dim& dim = workload_.dims[id];
    text += std::to_string(dim.size) + ":" + number(static_cast<std::size_t>(dim.kind));
  };
  const auto add_tensor = [&](TensorId id) {
    const auto [found, added] = tensors.try_emplace(id, tensors.size());
    text += "t" + number(found->second);
    if (!added) return;
    const Tensor& tensor = emission_.tensors[id];
    const auto life = lives_.find(id);
    const bool enters = life != lives_.end() && life->second.written < range.begin;
    const bool leaves = life != lives_.end() && life->second.last_read >= range.end;
    text += number(static_cast<std::size_t>(tensor.role)) +
            number(static_cast<std::size_t>(tensor.format)) + (tensor.tied ? "T" : "") +
            (enters ? "E" : "") + (leaves ? "L" : "");
    for (const Axis& axis : tensor.axes)
      add_dim(axis.dim);
  };
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const Op& op = emission_.steps[i].op;
    text += "o" + number(static_cast<std::size_t>(op.kind)) + op.attributes.function + "," +
            std::to_string(op.attributes.work_per_element) + "," +
            number(static_cast<std::size_t>(op.attributes.window)) +
            (op.attributes.causal ? "c" : "");
    for (const TensorId id : op.inputs)
      add_tensor(id);
    text += ">";
    for (const TensorId id : op.outputs)
      add_tensor(id);
  }
  return text;
}

/// What the names of a block's operators have in common, by their parts between slashes.
std::string BlockMaker::name_of_range(const Range& range) const {
  std::string common = emission_.steps[range.begin].op.name;
  bool cut = false;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const std::string& other = emission_.steps[i].op.name;
    std::size_t same = 0;
    while (same < common.size() && same < other.size() && common[same] == other[same])
      ++same;
    if (same < common.size()) {
      common.resize(same);
      cut = true;
    }
  }
  if (cut)
    common.resize(common.find_last_of("/.") == std::string::npos ? 0 : common.find_last_of("/."));
  while (!common.empty() && (common.front() == '/' || common.front() == '.'))
    common.erase(0, 1);
  if (!common.empty()) return common;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (is_heavy(emission_.steps[i].op.kind)) return emission_.steps[i].op.name;
  }
  return emission_.steps[range.begin].op.name;
}

Block BlockMaker::block_of(const Range& range) {
  Block block;
  const std::string base = name_of_range(range);
  int& uses = names_[base];
  block.name = base;
  while (++uses > 1) {
    block.name = base + "_" + std::to_string(uses);
    if (names_.try_emplace(block.name, 1).second) break;
  }
  std::map<TensorId, TensorId> local;
  const auto localise = [&](std::vector<TensorId> ids) {
    for (TensorId& id : ids) {
      const auto [found, added] =
          local.try_emplace(id, static_cast<TensorId>(block.tensors.size()));
      if (added) block.tensors.push_back(emission_.tensors[id]);
      id = found->second;
    }
    return ids;
  };
  for (std::size_t i = range.begin; i < range.end; ++i) {
    Op op = emission_.steps[i].op;
    op.inputs = localise(std::move(op.inputs));
    op.outputs = localise(std::move(op.outputs));
    block.ops.push_back(std::move(op));
  }
  return block;
}

/// What reads the last of a run's blocks finds its outputs under the names of the first.
void BlockMaker::name_last_outputs(const Range& first, std::size_t last_begin) {
  for (std::size_t i = 0; last_begin != first.begin && first.begin + i < first.end; ++i) {
    const std::vector<TensorId>& own = emission_.steps[first.begin + i].op.outputs;
    const std::vector<TensorId>& last = emission_.steps[last_begin + i].op.outputs;
    for (std::size_t j = 0; j < own.size() && j < last.size(); ++j)
      emission_.tensors[last[j]].name = emission_.tensors[own[j]].name;
  }
}

/// Runs of equal patterns of one to four blocks, the longest run first.
void BlockMaker::add_segments(const std::vector<Range>& ranges,
                              const std::vector<std::string>& signatures) {
  constexpr std::size_t kLongestPattern = 4;
  std::size_t i = 0;
  while (i < ranges.size()) {
    std::size_t pattern = 1;
    std::size_t times = 1;
    for (std::size_t length = 1; length <= kLongestPattern; ++length) {
      std::size_t count = 1;
      const auto equal = [&](std::size_t at) {
        if (at + length > ranges.size()) return false;
        return std::equal(signatures.begin() + static_cast<long>(i),
                          signatures.begin() + static_cast<long>(i + length),
                          signatures.begin() + static_cast<long>(at));
      };
      const bool one_region = region(ranges[i].begin) == 0;
      while (one_region && equal(i + count * length))
        ++count;
      if (count > 1 && count * length > pattern * times) {
        pattern = length;
        times = count;
      }
    }
    const Range whole{ranges[i].begin, ranges[i + pattern - 1].end};
    Segment segment;
    segment.block = static_cast<std::uint32_t>(workload_.blocks.size());
    const double repeat = graph_.regions[region(whole.begin)].repeat * static_cast<double>(times);
    segment.repeat = static_cast<std::int64_t>(std::clamp(repeat, 1.0, 0x1p62));
    workload_.blocks.push_back(block_of(whole));
    workload_.segments.push_back(segment);
    name_last_outputs(whole, ranges[i + pattern * (times - 1)].begin);
    i += pattern * times;
  }
}

}  // namespace

Workload make_workload(const FlatGraph& graph, Emission emission, std::string name, Phase phase,
                       bool as_executed) {
  Workload workload;
  workload.name = std::move(name);
  workload.phase = phase;
  if (as_executed) {
    for (Op& op : emission.host)
      emission.steps.push_back({std::move(op), 0});
  }
  BlockMaker(graph, std::move(emission), workload, as_executed).run();
  return workload;
}

}  // namespace fastpath::onnx_import
