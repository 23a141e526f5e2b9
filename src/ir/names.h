/// One table per enumeration: for parsing, printing and "did you mean".
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/collective.h"
#include "fastpath/prediction.h"
#include "fastpath/program.h"
#include "fastpath/system.h"
#include "fastpath/timeline.h"
#include "fastpath/workload.h"

namespace fastpath {

template <class E>
using NameTable = std::span<const std::pair<std::string_view, E>>;

NameTable<DimKind> names_of(DimKind);
NameTable<TensorRole> names_of(TensorRole);
NameTable<OpKind> names_of(OpKind);
NameTable<DimRole> names_of(DimRole);
NameTable<Phase> names_of(Phase);
NameTable<SegmentUse> names_of(SegmentUse);
NameTable<MeshAxis> names_of(MeshAxis);
NameTable<Recompute> names_of(Recompute);
NameTable<Schedule> names_of(Schedule);
NameTable<ContextExchange> names_of(ContextExchange);
NameTable<Execution> names_of(Execution);
NameTable<TablePlacement> names_of(TablePlacement);
NameTable<Optimizer> names_of(Optimizer);
NameTable<Collective> names_of(Collective);
NameTable<HostCopy> names_of(HostCopy);
NameTable<CollectiveAlgorithm> names_of(CollectiveAlgorithm);
NameTable<CollectiveProtocol> names_of(CollectiveProtocol);
NameTable<Pass> names_of(Pass);
NameTable<Bound> names_of(Bound);
NameTable<KernelClass> names_of(KernelClass);
NameTable<Topology> names_of(Topology);
NameTable<Origin> names_of(Origin);
NameTable<NumberFormat> names_of(NumberFormat);

template <class E>
std::string_view name_of(E value) {
  for (const auto& [name, candidate] : names_of(value)) {
    if (candidate == value) return name;
  }
  return "?";
}

template <class E>
std::optional<E> parse_name(std::string_view text) {
  for (const auto& [name, value] : names_of(E{})) {
    if (name == text) return value;
  }
  return std::nullopt;
}

/// All names, for a hint.
template <class E>
std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const auto& [name, value] : names_of(E{}))
    names.emplace_back(name);
  return names;
}

}  // namespace fastpath
