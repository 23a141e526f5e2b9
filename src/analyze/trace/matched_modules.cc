#include "analyze/trace/matched_modules.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace fastpath {
namespace {

struct Node {
  std::string name;
  std::string path;
  double time = 0;
  std::vector<std::uint32_t> children;
};

/// All ranks of one side as one tree; node 0 is above the roots.
struct Tree {
  std::vector<Node> nodes{1};
  bool predicted = false;

  std::string_view class_of(std::uint32_t node) const {
    const std::string_view name = nodes[node].name;
    const std::size_t last = name.find_last_not_of("0123456789");
    const bool numbered = last != std::string_view::npos && name[last] == '_';
    return numbered ? name.substr(0, last) : name;
  }
};

Tree tree_of(const std::vector<RankAnalysis>& ranks) {
  Tree tree;
  std::map<std::string, std::uint32_t, std::less<>> node_of;
  double devices = 0;
  for (const RankAnalysis& rank : ranks)
    devices += static_cast<double>(rank.devices.size());
  for (const RankAnalysis& rank : ranks) {
    tree.predicted = tree.predicted || rank.predicted;
    for (const ModuleRow& row : rank.modules) {
      const auto [found, added] =
          node_of.try_emplace(row.path, static_cast<std::uint32_t>(tree.nodes.size()));
      if (added) {
        const std::uint32_t parent =
            row.parent == kNone ? 0 : node_of[rank.modules[row.parent].path];
        tree.nodes[parent].children.push_back(found->second);
        Node node;
        node.name = row.name;
        node.path = row.path;
        tree.nodes.push_back(std::move(node));
      }
      tree.nodes[found->second].time +=
          static_cast<double>(row.time) * 1e-12 / std::max(1.0, devices);
    }
  }
  return tree;
}

class TreeMatcher {
 public:
  TreeMatcher(const Tree& before, const Tree& after) : trees_{&before, &after} {}

  std::vector<MatchedModule> run() {
    pair_children(0, 0);
    return std::move(matched_);
  }

 private:
  using List = std::vector<std::uint32_t>;

  const Node& node(std::size_t side, std::uint32_t index) const {
    return trees_[side]->nodes[index];
  }

  void pair_children(std::uint32_t before, std::uint32_t after) {
    std::array<List, 2> left{node(0, before).children, node(1, after).children};
    pair_equal(left, [&](std::size_t side, std::uint32_t i) {
      return std::string_view(node(side, i).name);
    });
    pair_equal(left, [&](std::size_t side, std::uint32_t i) { return trees_[side]->class_of(i); });
    if (left[0].size() == left[1].size()) {
      for (std::size_t i = 0; i < left[0].size(); ++i)
        pair_unlike(left[0][i], left[1][i]);
      return;
    }
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      for (const std::uint32_t one : left[side])
        add_alone(side, one);
    }
  }

  template <class KeyOf>
  void pair_equal(std::array<List, 2>& left, const KeyOf& key_of) {
    List rest;
    for (const std::uint32_t a : left[0]) {
      const auto b = std::find_if(left[1].begin(), left[1].end(), [&](std::uint32_t candidate) {
        return key_of(0, a) == key_of(1, candidate);
      });
      if (b == left[1].end()) {
        rest.push_back(a);
        continue;
      }
      add_pair(a, *b);
      left[1].erase(b);
    }
    left[0] = std::move(rest);
  }

  /// One of them may be a wrapper of what the other is.
  void pair_unlike(std::uint32_t a, std::uint32_t b) {
    const List& inside_a = node(0, a).children;
    const List& inside_b = node(1, b).children;
    if (inside_a.size() == 1 && trees_[0]->class_of(inside_a[0]) == trees_[1]->class_of(b)) {
      add_pair(inside_a[0], b);
    } else if (inside_b.size() == 1 && trees_[1]->class_of(inside_b[0]) == trees_[0]->class_of(a)) {
      add_pair(a, inside_b[0]);
    } else {
      add_pair(a, b);
    }
  }

  void add_pair(std::uint32_t a, std::uint32_t b) {
    matched_.push_back({{node(0, a).path, node(1, b).path}, {node(0, a).time, node(1, b).time}});
    pair_children(a, b);
  }

  void add_alone(std::size_t side, std::uint32_t index) {
    MatchedModule one;
    one.path[side] = node(side, index).path;
    one.time[side] = node(side, index).time;
    matched_.push_back(std::move(one));
  }

  std::array<const Tree*, 2> trees_;
  std::vector<MatchedModule> matched_;
};

/// Siblings of one class: the repeated blocks of a model.
struct RepeatedModules {
  std::string path;
  double time = 0;
};

RepeatedModules longest_repeated(const Tree& tree) {
  RepeatedModules longest;
  for (const Node& parent : tree.nodes) {
    std::map<std::string_view, std::pair<int, double>> classes;
    for (const std::uint32_t child : parent.children) {
      auto& [count, time] = classes[tree.class_of(child)];
      ++count;
      time += tree.nodes[child].time;
    }
    for (const auto& [name, sum] : classes) {
      if (sum.first < 2 || sum.second <= longest.time) continue;
      longest = {fmt::format("{}{}{}_* ({})", parent.path, parent.path.empty() ? "" : "/", name,
                             sum.first),
                 sum.second};
    }
  }
  return longest;
}

double time_of_roots(const Tree& tree) {
  double sum = 0;
  for (const std::uint32_t root : tree.nodes[0].children)
    sum += tree.nodes[root].time;
  return sum;
}

/// A prediction has blocks; a trace the modules of each of their repeats.
std::vector<MatchedModule> match_prediction(const Tree& before, const Tree& after) {
  std::array<RepeatedModules, 2> repeated;
  std::array<double, 2> rest{};
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    const Tree& tree = side == 0 ? before : after;
    if (tree.predicted) {
      for (const Node& block : tree.nodes) {
        if (block.time > repeated[side].time) repeated[side] = {block.path, block.time};
      }
    } else {
      repeated[side] = longest_repeated(tree);
    }
    rest[side] = time_of_roots(tree) - repeated[side].time;
  }
  return {{{repeated[0].path, repeated[1].path}, {repeated[0].time, repeated[1].time}},
          {{"all others", "all others"}, rest}};
}

}  // namespace

std::vector<MatchedModule> match_modules(const std::vector<RankAnalysis>& before,
                                         const std::vector<RankAnalysis>& after) {
  const Tree a = tree_of(before);
  const Tree b = tree_of(after);
  if (a.nodes.size() == 1 || b.nodes.size() == 1) return {};
  std::vector<MatchedModule> matched =
      a.predicted != b.predicted ? match_prediction(a, b) : TreeMatcher(a, b).run();
  std::stable_sort(matched.begin(), matched.end(), [](const auto& x, const auto& y) {
    return std::abs(x.change()) > std::abs(y.change());
  });
  return matched;
}

}  // namespace fastpath
