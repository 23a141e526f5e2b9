#include "validate/folds.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <tuple>

namespace fastpath {
namespace {

/// Disjoint sets of rows.
class Sets {
 public:
  explicit Sets(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) {
      parent_[i] = parent_[parent_[i]];
      i = parent_[i];
    }
    return i;
  }
  void join(std::size_t a, std::size_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<std::size_t> parent_;
};

struct RowGroup {
  std::vector<std::size_t> rows;
  std::string name;  ///< the smallest tie
};

std::vector<RowGroup> groups_of(std::span<const std::vector<std::string>> ties) {
  Sets sets(ties.size());
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < ties.size(); ++i) {
    for (const std::string& tie : ties[i]) {
      const auto [found, fresh] = first.try_emplace(tie, i);
      if (!fresh) sets.join(i, found->second);
    }
  }
  std::map<std::size_t, RowGroup> by_root;
  for (std::size_t i = 0; i < ties.size(); ++i) {
    RowGroup& group = by_root[sets.find(i)];
    group.rows.push_back(i);
    for (const std::string& tie : ties[i]) {
      if (group.name.empty() || tie < group.name) group.name = tie;
    }
  }
  std::vector<RowGroup> groups;
  groups.reserve(by_root.size());
  for (auto& [root, group] : by_root)
    groups.push_back(std::move(group));
  std::sort(groups.begin(), groups.end(), [](const RowGroup& a, const RowGroup& b) {
    return std::tuple(b.rows.size(), stable_hash(a.name), std::string_view(a.name)) <
           std::tuple(a.rows.size(), stable_hash(b.name), std::string_view(b.name));
  });
  return groups;
}

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

std::vector<std::uint32_t> fold_of_rows(std::span<const std::vector<std::string>> ties,
                                        std::uint32_t folds) {
  const std::vector<RowGroup> groups = groups_of(ties);
  std::vector<std::size_t> sizes(folds == 0 ? groups.size() : folds, 0);
  std::vector<std::uint32_t> result(ties.size(), 0);
  for (const RowGroup& group : groups) {
    const auto smallest = std::min_element(sizes.begin(), sizes.end());
    *smallest += group.rows.size();
    for (const std::size_t row : group.rows)
      result[row] = static_cast<std::uint32_t>(smallest - sizes.begin());
  }
  return result;
}

std::uint32_t fold_count(std::span<const std::uint32_t> folds) {
  if (folds.empty()) return 0;
  return 1 + *std::max_element(folds.begin(), folds.end());
}

}  // namespace fastpath
