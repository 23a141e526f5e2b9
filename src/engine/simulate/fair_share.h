/// Max-min fair rates of flows that share links, kept up to date as flows come and go.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fastpath {

/// A flow takes `use` units of the link's capacity for each unit of its own rate.
struct LinkUse {
  std::uint32_t link = 0;
  double use = 1;
};

/// Rates by progressive filling (Bertsekas, Gallager, "Data Networks", 2nd ed., section 6.5.2): all
/// rates rise together until a link is full or a flow has all it can take. With `use` below 1 a
/// flow counts by its most used link, as dominant resources do (Ghodsi et al., NSDI 2011).
///
/// No flow's rate can then rise without lowering one that is no larger. Only flows that are
/// connected over shared links to one that came or went are looked at again. Rates are
/// deterministic in the order of calls. Capacities and caps are positive; units are the caller's.
class FairShare {
 public:
  using Flow = std::uint32_t;

  explicit FairShare(std::span<const double> capacities);

  /// `path` must outlive the flow. `cap` bounds the rate, whatever the links give. A flow without
  /// links must have a finite cap. Its rate is valid after the next `settle`.
  Flow add(std::span<const LinkUse> path, double cap);
  void remove(Flow flow);

  /// Brings rates up to date. Flows whose rate changed, in no order of meaning; valid until the
  /// next call of anything.
  std::span<const Flow> settle();

  double rate(Flow flow) const { return flows_[flow].rate; }
  std::span<const LinkUse> path(Flow flow) const { return flows_[flow].path; }

 private:
  struct FlowState {
    std::span<const LinkUse> path;
    double cap = 0;
    double rate = 0;
    std::uint64_t seen = 0;
    bool fixed = false;  ///< while filling
  };
  struct LinkState {
    double capacity = 0;
    double left = 0;         ///< while filling
    double demand = 0;       ///< while filling: sum of uses of flows that still rise
    std::size_t rising = 0;  ///< while filling: their number
    std::uint64_t seen = 0;
    std::vector<Flow> flows;
  };

  double alone(const FlowState& flow) const;
  void collect_component(std::uint32_t link);
  void fill();
  double level_of_links() const;
  void fix_on_full_links(double level);
  void fix(Flow flow, double rate);

  std::vector<LinkState> links_;
  std::vector<FlowState> flows_;
  std::vector<Flow> free_;
  std::vector<std::uint32_t> touched_;
  std::vector<Flow> changed_;
  std::vector<Flow> settled_;
  std::vector<std::uint32_t> full_;
  std::vector<std::uint32_t> component_links_;
  std::vector<Flow> component_;  ///< flows that still rise
  std::uint64_t epoch_ = 0;
};

}  // namespace fastpath
