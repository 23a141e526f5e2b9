/// Times of a block's pass when the members of its unit differ.
#pragma once

#include <span>
#include <vector>

#include "engine/block_cost.h"
#include "engine/simulate/jitter.h"

namespace fastpath {

/// A task of a pass with what it costs alone.
struct CostedTask {
  Seconds time;
  bool network = false;
  bool tensor = false;  ///< a collective of tensor ranks only
  std::vector<std::uint32_t> after;
};

std::vector<CostedTask> costed_tasks(const std::vector<Task>& tasks, const Models& models);

/// run_tasks for several members at once: each has its own lane of operators, and a collective
/// starts when the last of its ranks is there.
class PassDraw {
 public:
  /// `tensor`: members that are neighbours and share tensor collectives; divides the members.
  PassDraw(std::span<const double> factors, std::size_t tensor, Jitter& jitter, bool draws)
      : factors_(factors), tensor_(tensor), jitter_(jitter), draws_(draws) {}

  Seconds run(const std::vector<CostedTask>& tasks);
  double factor() { return draws_ ? jitter_.next() : 1.0; }

 private:
  void compute(const CostedTask& task, std::size_t row);
  void communicate(const CostedTask& task, std::size_t row);
  double ready(const CostedTask& task, std::size_t member, double lane) const;

  std::span<const double> factors_;
  std::size_t tensor_;
  Jitter& jitter_;
  bool draws_;
  std::vector<double> ends_;  ///< [task][member]
  std::vector<double> compute_free_;
  std::vector<double> network_free_;
};

}  // namespace fastpath
