/// Predicts measured collectives from other measured collectives: fitted constants of library and
/// link, then a bounded local correction.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "validate/collective_fit.h"
#include "validate/collective_key.h"

namespace fastpath {

struct CollectiveAnswer {
  CollectiveCost cost;  ///< corrected time
  Seconds uncorrected;  ///< by the fitted constants alone
};

/// Constants come from the training rows of the sample's library and link; without any, from those
/// of the library on links of the class (NVLink, PCIe, ...), then of libraries of its kind. Fabrics
/// are fitted by published run.
///
/// The correction is a weighted mean of the training rows' log residuals, of the same library and
/// collective, pulled to 0: rows weigh by their distance in log2(bytes) and by what they share with
/// the sample (system, link, version, element type, ranks). Protocol cliffs repeat at the same
/// sizes, so they are learnt rather than smoothed away. At most a factor of e either way.
class CollectivePredictor {
 public:
  /// `train[i]`: samples[i] may be learnt from. The samples must outlive the predictor.
  CollectivePredictor(std::span<const CollectiveSample> samples, std::vector<bool> train);

  CollectiveAnswer predict(const CollectiveSample& sample);

  /// The constants used for a library on a link.
  const CollectiveTuning& tuning(const std::string& library, const std::string& link);

  /// Of a published run across nodes, or a pooled one.
  const FabricFit& fabric(const CollectiveSample& sample);

  /// log of the correction.
  double correction(const CollectiveSample& sample);

 private:
  struct Residual {
    const CollectiveSample* sample = nullptr;
    double log_ratio = 0;
  };
  using Pair = std::pair<std::string, std::string>;

  std::vector<const CollectiveSample*> matching(
      const std::function<bool(const CollectiveSample&)>& wanted) const;
  Seconds uncorrected(const CollectiveSample& sample);
  const std::vector<Residual>& residuals(const std::string& library, Collective collective);

  std::span<const CollectiveSample> samples_;
  std::vector<bool> train_;
  std::map<Pair, CollectiveTuning> tunings_;
  std::map<std::string, FabricFit> fabrics_;
  std::map<std::pair<std::string, Collective>, std::vector<Residual>> residuals_;
};

}  // namespace fastpath
