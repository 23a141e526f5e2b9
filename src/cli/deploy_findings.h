/// Tables of a search over deployments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fastpath/findings.h"

#include "serve/deploy.h"

namespace fastpath::cli {

struct DeployQuestion {
  std::string model;
  std::string repository;  ///< what engines call the model
  std::string space;
  DeployTask task;
  bool per_dollar = false;    ///< else per device
  std::int64_t too_many = 0;  ///< layouts that need more devices than there are
  std::size_t top = 10;
};

/// Simulated deployments that keep the limits, best first; the first of those with equal figures.
std::vector<std::size_t> ranked_deployments(const DeployQuestion& asked,
                                            const std::vector<DeployFigures>& figures);

/// Coverage, the best deployments, the front, and lines that launch the best one.
Findings explain_deployments(const DeployQuestion& asked,
                             const std::vector<DeployFigures>& figures);

/// The deployment's plans and counts in one line.
std::string describe_deployment(const DeployQuestion& asked, const DeployChoice& choice);

}  // namespace fastpath::cli
