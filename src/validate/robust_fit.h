/// Bounded, robust, regularised least squares of a few positive parameters.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace fastpath {

/// A parameter on a logarithmic scale. All of its figures are values, not logarithms, but `spread`.
struct FitParameter {
  double low = 0;
  double high = 0;
  double prior = 1;
  double spread = 1;  ///< standard deviation of the logarithm around the prior's
};

/// log(predicted / measured) of each row at the parameters' logarithms.
using LogResiduals = std::function<std::vector<double>(std::span<const double> logs)>;

struct FitResult {
  std::vector<double> values;
  std::vector<double> residuals;  ///< there
};

/// Minimum of sum of sqrt(1 + (r / noise)^2) over the residuals, plus half the squared distances of
/// the logarithms from their priors over their spreads: Levenberg-Marquardt on reweighted squares
/// with derivatives by differences, from the priors, inside [low, high]. Deterministic.
FitResult robust_fit(std::span<const FitParameter> parameters, double noise,
                     const LogResiduals& residuals);

/// Median of the residuals' sizes: how far a typical row is off. 0 for no rows.
double median_size(std::span<const double> residuals);

}  // namespace fastpath
