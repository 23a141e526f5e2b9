#include "engine/simulate/fair_share.h"

#include <algorithm>
#include <limits>

namespace fastpath {
namespace {

/// Links within rounding of the fullest one fill at once.
constexpr double kRounding = 1 + 1e-12;

}  // namespace

FairShare::FairShare(std::span<const double> capacities) : links_(capacities.size()) {
  for (std::size_t i = 0; i < capacities.size(); ++i)
    links_[i].capacity = capacities[i];
}

double FairShare::alone(const FlowState& flow) const {
  double rate = flow.cap;
  for (const LinkUse& use : flow.path)
    rate = std::min(rate, links_[use.link].capacity / use.use);
  return rate;
}

FairShare::Flow FairShare::add(std::span<const LinkUse> path, double cap) {
  Flow flow = static_cast<Flow>(flows_.size());
  if (free_.empty()) {
    flows_.emplace_back();
  } else {
    flow = free_.back();
    free_.pop_back();
  }
  FlowState& state = flows_[flow];
  state.path = path;
  state.cap = cap;
  bool shared = false;
  for (const LinkUse& use : path) {
    LinkState& link = links_[use.link];
    if (!link.flows.empty()) {
      shared = true;
      touched_.push_back(use.link);
    }
    link.flows.push_back(flow);
  }
  state.rate = shared ? 0 : alone(state);
  if (!shared) changed_.push_back(flow);
  return flow;
}

void FairShare::remove(Flow flow) {
  for (const LinkUse& use : flows_[flow].path) {
    std::vector<Flow>& flows = links_[use.link].flows;
    const auto found = std::find(flows.begin(), flows.end(), flow);
    *found = flows.back();
    flows.pop_back();
    if (!flows.empty()) touched_.push_back(use.link);
  }
  free_.push_back(flow);
}

std::span<const FairShare::Flow> FairShare::settle() {
  ++epoch_;
  for (const std::uint32_t link : touched_) {
    if (links_[link].seen == epoch_) continue;
    collect_component(link);
    fill();
  }
  touched_.clear();
  settled_.clear();
  settled_.swap(changed_);
  return settled_;
}

void FairShare::collect_component(std::uint32_t link) {
  component_.clear();
  component_links_.clear();
  links_[link].seen = epoch_;
  component_links_.push_back(link);
  for (std::size_t i = 0; i < component_links_.size(); ++i) {
    for (const Flow flow : links_[component_links_[i]].flows) {
      FlowState& state = flows_[flow];
      if (state.seen == epoch_) continue;
      state.seen = epoch_;
      component_.push_back(flow);
      for (const LinkUse& use : state.path) {
        if (links_[use.link].seen == epoch_) continue;
        links_[use.link].seen = epoch_;
        component_links_.push_back(use.link);
      }
    }
  }
}

/// The rate at which the first link would be full if all flows rose to it.
double FairShare::level_of_links() const {
  double level = std::numeric_limits<double>::infinity();
  for (const std::uint32_t id : component_links_) {
    const LinkState& link = links_[id];
    if (link.rising > 0) level = std::min(level, std::max(0.0, link.left) / link.demand);
  }
  return level;
}

void FairShare::fix(Flow flow, double rate) {
  FlowState& state = flows_[flow];
  state.fixed = true;
  if (state.rate != rate) changed_.push_back(flow);
  state.rate = rate;
  for (const LinkUse& use : state.path) {
    LinkState& link = links_[use.link];
    link.left -= rate * use.use;
    link.demand -= use.use;
    --link.rising;
  }
}

void FairShare::fill() {
  for (const std::uint32_t id : component_links_) {
    LinkState& link = links_[id];
    link.left = link.capacity;
    link.demand = 0;
    link.rising = link.flows.size();
  }
  for (const Flow flow : component_) {
    flows_[flow].fixed = false;
    for (const LinkUse& use : flows_[flow].path)
      links_[use.link].demand += use.use;
  }
  while (!component_.empty()) {
    const double level = level_of_links();
    bool capped = false;
    for (const Flow flow : component_) {
      if (flows_[flow].cap > level) continue;
      fix(flow, flows_[flow].cap);
      capped = true;
    }
    if (!capped) fix_on_full_links(level);
    std::erase_if(component_, [this](Flow flow) { return flows_[flow].fixed; });
  }
}

void FairShare::fix_on_full_links(double level) {
  full_.clear();
  for (const std::uint32_t id : component_links_) {
    const LinkState& link = links_[id];
    if (link.rising > 0 && std::max(0.0, link.left) / link.demand <= level * kRounding)
      full_.push_back(id);
  }
  for (const std::uint32_t id : full_) {
    for (const Flow flow : links_[id].flows) {
      if (!flows_[flow].fixed) fix(flow, level);
    }
  }
}

}  // namespace fastpath
