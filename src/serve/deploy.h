/// Which deployment serves a load best: what each can hold, what it cannot reach whatever its
/// schedule, and else what a simulation says of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/plan.h"

#include "serve/capacity.h"
#include "serve/deploy_bound.h"
#include "serve/metrics.h"
#include "serve/serve.h"

namespace fastpath {

/// Devices of one kind, and how a worker may be laid out on them.
struct DeploySystem {
  std::string id;
  std::int64_t devices = 1;
  BytesPerSecond bandwidth;  ///< of a device, between workers
  Seconds latency;
  std::optional<DollarsPerSecond> rent;  ///< of a device
  std::vector<Engine> engines;           ///< with the constants for these devices
  std::vector<Plan> plans;               ///< of replicas, or of workers that decode
  std::vector<Plan> prefill_plans;       ///< of workers that prefill
};

/// One deployment of a task.
struct DeployChoice {
  std::size_t system = 0;
  std::size_t plan = 0;
  std::size_t engine = 0;
  std::size_t prefill_plan = 0;
  std::int64_t prefill_workers = 0;  ///< 0: prompts run where answers do
  std::int64_t replicas = 1;
  std::int64_t max_sequences = 0;  ///< 0: the engine's own, of each attention rank
  std::int64_t token_budget = 0;   ///< 0: the engine's own, of each attention rank
};

struct DeployTask {
  std::vector<DeploySystem> systems;
  std::vector<DeployChoice> choices;  ///< by system, then plan: neighbours share predictions
  RequestStream stream;
  ServiceObjective limits;
  double share =
      0.9;  ///< percentile of first token, time per token and latency that must keep them
  Routing routing = Routing::least_loaded;
};

enum class DeployVerdict : std::uint8_t {
  illegal,   ///< no plan of this model on this system
  no_room,   ///< weights leave no room for the longest sequence
  excluded,  ///< no schedule keeps the limits
  misses,    ///< the simulation misses a limit
  meets,
};
inline constexpr std::size_t kDeployVerdicts = 5;

struct DeployFigures {
  DeployVerdict verdict = DeployVerdict::illegal;
  Missed missed = Missed::none;  ///< of what is excluded
  std::int64_t devices = 0;
  double goodput = 0;  ///< requests a second within all limits
  double output_tokens_per_second = 0;
  Seconds first_token;                   ///< at the percentile
  Seconds per_token;                     ///< at the percentile
  Seconds total;                         ///< at the percentile
  Seconds mean_per_token;                ///< over requests of two tokens or more
  std::optional<DollarsPerSecond> rent;  ///< of all devices

  bool simulated() const { return verdict >= DeployVerdict::misses; }
  /// Output tokens a second that a user sees; 0 where answers have one token.
  double user_speed() const { return mean_per_token > Seconds{} ? 1 / mean_per_token.base() : 0; }
  double device_throughput() const {
    return output_tokens_per_second / static_cast<double>(devices);
  }
};

/// Steps of the model on a system of the task under a plan.
using DeployTables =
    std::function<std::shared_ptr<StepTable>(std::size_t system, const Plan& plan)>;

/// Judges deployments one by one and remembers predictions and bounds. One for each thread.
class DeployJudge {
 public:
  /// `task` outlives the judge.
  DeployJudge(const DeployTask& task, DeployTables make);

  DeployFigures judge(const DeployChoice& choice);

  /// The deployment as `serve` runs it; nothing where it does not fit.
  std::optional<Deployment> deployment(const DeployChoice& choice);

 private:
  /// A worker's plan under an engine with its limits set.
  struct Worker {
    ReplicaGroup group;
    Capacity capacity;
    std::int64_t devices = 1;
    bool legal = true;
    IterationBounds bounds;
  };
  using WorkerKey =
      std::tuple<std::size_t, std::size_t, bool, std::size_t, std::int64_t, std::int64_t, bool>;

  const Worker& worker(const DeployChoice& choice, bool prefills);
  std::shared_ptr<StepTable> table(std::size_t system, const Plan& plan);
  void set_bounds(Worker& worker, bool prefills_only, bool decodes_only) const;
  bool fits(const Worker& worker) const;
  Missed missed(const DeployChoice& choice);
  void simulate(const Deployment& deployment, DeployFigures& figures) const;

  const DeployTask& task_;
  DeployTables make_;
  BoundedLoad load_;
  std::int64_t longest_ = 1;   ///< tokens of a sequence
  std::int64_t shortest_ = 1;  ///< tokens of a prompt
  bool shares_prefixes_ = false;
  std::map<WorkerKey, Worker> workers_;
  std::vector<std::vector<std::pair<Plan, std::shared_ptr<StepTable>>>> tables_;
};

/// Called after each deployment with how many are judged, one thread at a time; false stops.
using DeployListener = std::function<bool(std::size_t done)>;

/// By choice. The same on any number of threads. `make` is called by all of them.
std::vector<DeployFigures> judge_deployments(const DeployTask& task, const DeployTables& make,
                                             int threads, const DeployListener& listener);

/// Indices of simulated deployments that keep the limits and that no other one beats in both the
/// speed of a user and the throughput of a device: fastest user first.
std::vector<std::size_t> deploy_front(const std::vector<DeployFigures>& figures);

}  // namespace fastpath
