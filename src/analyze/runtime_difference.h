/// Predicted against measured, operator by operator.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/quantity.h"

#include "ir/runtime_profile.h"

namespace fastpath {

/// An operator of a prediction: `name` of its node, `output` the tensor that it writes.
struct PredictedOperator {
  std::string name;
  std::string output;
  bool reorder = false;  ///< a change of layout that the runtime inserts
  Seconds time;
};

/// An operator that ran and its prediction; null: there is no such one.
struct RuntimePair {
  const RuntimeOperator* measured = nullptr;
  const PredictedOperator* predicted = nullptr;
};

/// Pairs operators by name or by what they write: a runtime names those that it rewrites by their
/// output ("conv1_out_nchwc"). Changes of layout are in no pair. Refers to what it is given.
std::vector<RuntimePair> runtime_pairs(const std::vector<PredictedOperator>& predicted,
                                       const std::vector<RuntimeOperator>& measured);

/// Whether what ran is a change of layout that the runtime inserted.
bool is_reorder(const RuntimeOperator& one);

struct RuntimeDifference {
  std::vector<Table> tables;
  double rank_correlation = 0;  ///< Spearman's, of operators that both have; 0: fewer than three
  std::size_t matched = 0;
};

/// By runtime_pairs. Measured times are RuntimeOperator::quiet. Tables: by type, and the `top`
/// largest differences.
RuntimeDifference runtime_difference(const std::vector<PredictedOperator>& predicted,
                                     const std::vector<RuntimeOperator>& measured, std::size_t top);

/// Spearman's rank correlation; equal values share their mean rank.
double rank_correlation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace fastpath
