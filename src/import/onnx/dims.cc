#include "import/onnx/dims.h"

#include <algorithm>

namespace fastpath::onnx_import {

std::string unique_among(std::map<std::string, int>& names, const std::string& name) {
  int& uses = names[name];
  std::string unique = name;
  while (++uses > 1) {
    unique = name + "_" + std::to_string(uses);
    if (names.try_emplace(unique, 1).second) break;
  }
  return unique;
}

DimTable::DimTable(const FlatGraph& graph, const Layout& layout) : layout_(layout) {
  for (const Hint& hint : layout.hints)
    apply(hint);
  for (const auto& [key, axis] : layout.kernels) {
    const char* letters = "dhwxyz";
    const std::size_t place = std::min<std::size_t>(key.second - 1, 5);
    apply({axis, DimKind::spatial, kFromOperator,
           std::string("k") + letters[place] + std::to_string(key.first)});
  }
  mark_chains(graph);
}

/// A parted axis passes its kind on where only the whole has one: the batch, to its first factor.
void DimTable::apply(const Hint& hint) {
  const AxisList leaves = layout_.axes.leaves(hint.axis);
  std::size_t real = 0;
  for (const AxisId leaf : leaves)
    real += layout_.axes.size(leaf) > 1 ? 1 : 0;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    Trait trait{hint.kind, hint.priority, hint.name};
    const bool unit = layout_.axes.size(leaves[i]) == 1;
    if (unit && !(hint.kind == DimKind::batch && i == 0)) continue;
    if (real > 1 && !(hint.kind == DimKind::batch && i == 0)) {
      trait.kind = DimKind::other;
      trait.name += "." + std::to_string(i);
      trait.priority = kGenerated;
    }
    Trait& best = traits_[leaves[i]];
    if (trait.priority > best.priority) best = std::move(trait);
  }
}

bool DimTable::is_kept(AxisId leaf) const {
  if (layout_.axes.size(leaf) > 1) return true;
  const auto found = traits_.find(leaf);
  return found != traits_.end() && found->second.kind == DimKind::batch;
}

AxisList DimTable::kept_leaves(const AxisList& list) const {
  AxisList leaves = layout_.axes.leaves(list);
  std::erase_if(leaves, [this](AxisId leaf) { return !is_kept(leaf); });
  return leaves;
}

void DimTable::mark_chains(const FlatGraph& graph) {
  std::map<AxisId, bool> split;  // decided leaves
  const auto free_kind = [this](AxisId leaf) {
    const auto found = traits_.find(leaf);
    return found == traits_.end() || found->second.kind == DimKind::other;
  };
  const auto set_kind = [this](AxisId leaf, DimKind kind) { traits_[leaf].kind = kind; };
  for (std::size_t i = 0; i < layout_.contractions.size(); ++i) {
    const auto& contraction = layout_.contractions[i];
    if (!contraction) continue;
    const ValueId w = graph.nodes[i].inputs[contraction->w_input];
    if (graph.values[w].source != Source::constant) continue;
    const AxisList depth = kept_leaves(contraction->depth);
    const AxisList columns = kept_leaves(contraction->columns);
    if (depth.empty() || columns.empty()) continue;
    const bool inputs_split = std::any_of(depth.begin(), depth.end(), [&](AxisId leaf) {
      const auto found = split.find(leaf);
      return found != split.end() && found->second;
    });
    for (const AxisId leaf : depth)
      split.try_emplace(leaf, false);
    const bool open = std::all_of(columns.begin(), columns.end(), [&](AxisId leaf) {
      return split.count(leaf) == 0 && free_kind(leaf);
    });
    for (const AxisId leaf : columns)
      split.try_emplace(leaf, false);
    if (inputs_split || !open || contraction->grouped) continue;
    const bool conv = contraction->kind == OpKind::convolution || contraction->scatters;
    if (columns.size() == 1 || conv) {
      split[columns[0]] = true;
      set_kind(columns[0], conv ? DimKind::channels : DimKind::ffn);
    } else {
      split[columns[columns.size() - 2]] = true;
      set_kind(columns[columns.size() - 2], DimKind::heads);
      set_kind(columns.back(), DimKind::head_dim);
    }
  }
}

DimId DimTable::add(const std::string& name, DimKind kind, std::int64_t size) {
  dims_.push_back({unique_among(names_, name), size, kind});
  return static_cast<DimId>(dims_.size() - 1);
}

DimId DimTable::dim_of(AxisId leaf) {
  const auto found = by_leaf_.find(leaf);
  if (found != by_leaf_.end()) return found->second;
  const auto trait = traits_.find(leaf);
  const bool named = trait != traits_.end() && !trait->second.name.empty();
  const DimKind kind = trait != traits_.end() ? trait->second.kind : DimKind::other;
  const std::int64_t size = layout_.axes.size(leaf);
  const DimId id = add(named ? trait->second.name : "d" + std::to_string(size), kind, size);
  by_leaf_.emplace(leaf, id);
  return id;
}

std::vector<Axis> DimTable::axes(const AxisList& list) {
  std::vector<Axis> result;
  for (const AxisId leaf : kept_leaves(list))
    result.push_back({dim_of(leaf), false});
  return result;
}

DimId DimTable::largest(AxisId axis) {
  const AxisList leaves = kept_leaves({axis});
  const auto most = std::max_element(leaves.begin(), leaves.end(), [this](AxisId a, AxisId b) {
    return layout_.axes.size(a) < layout_.axes.size(b);
  });
  return most == leaves.end() ? 0 : dim_of(*most);
}

}  // namespace fastpath::onnx_import
