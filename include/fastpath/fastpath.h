/// FastPath: cross-stack performance analysis of machine-learning systems. The verbs.
#pragma once

#include <memory>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/goodput.h"
#include "fastpath/plan.h"
#include "fastpath/prediction.h"
#include "fastpath/program.h"
#include "fastpath/result.h"
#include "fastpath/simulation.h"
#include "fastpath/system.h"
#include "fastpath/timeline.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Splits `workload` as `plan` says and derives the communication, the backward and the update.
/// Fails with the reason and the nearest legal value where a split is not possible.
Result<Program> lower(const Workload& workload, const Plan& plan);

struct PredictOptions {
  bool operators = false;     ///< fill Prediction::operators
  bool elasticities = false;  ///< fill Prediction::elasticities: costs a prediction per resource
  bool remedies = false;      ///< fill OutOfMemory::remedies: costs a prediction per change
};

/// One-off prediction. Fails on an illegal plan or a device without data sheet; "does not fit" is
/// an answer (Prediction::out_of_memory). Many plans of one workload: use Predictor.
Result<Prediction> predict(const Workload& workload, const System& system, const Plan& plan,
                           const PredictOptions& options = {});

/// Predicts many plans of one workload on one system; remembers lowered and costed blocks.
/// Not thread-safe: one Predictor a thread.
class Predictor {
 public:
  Predictor(Workload workload, System system);
  ~Predictor();
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;

  Result<Prediction> predict(const Plan& plan, const PredictOptions& options = {});

  /// The predicted step as spans on lanes, of one rank per pipeline stage. At most `max_spans`;
  /// beyond that, operators inside later micro-batches are left out and the timeline says so.
  Result<Timeline> draw(const Plan& plan, std::int64_t max_spans = 200'000);

  /// Inside of the engine.
  struct State;

 private:
  std::unique_ptr<State> state_;
};

/// Runs the program of a plan event by event: transfers share links by max-min fairness, and ranks
/// may differ. Ranks that behave alike are run once. Fails on what `predict` fails on and on
/// options out of their range.
Result<Simulation> simulate(const Workload& workload, const System& system, const Plan& plan,
                            const SimulateOptions& options = {});

/// Runs collectives message by message on the links of a system, which they share by max-min
/// fairness. Parallel to `jobs`. Fails on ranks that the system does not have and on algorithms
/// that are not made of messages.
Result<std::vector<SimulatedCollective>> simulate_collectives(
    const System& system, const std::vector<CollectiveJob>& jobs);

/// A whole training run under failures: the best interval of checkpoints, the useful share of the
/// time, days, energy and cost. Fails on what `predict` fails on, on other phases than training and
/// on options out of their range.
Result<Goodput> goodput(const Workload& workload, const System& system, const Plan& plan,
                        const RunOptions& options);

/// The fastest plan that fits among the usual ones (powers of two of tensor, pipeline and data
/// parallelism over the system's devices, recomputation where memory needs it): a sensible default,
/// not a search. Where nothing fits, the plan that needs the least memory.
Result<Plan> default_plan(const Workload& workload, const System& system);

}  // namespace fastpath
