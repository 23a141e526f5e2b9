/// Predicted serving runs beside published ones, and the engines' constants fitted on them.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/serving.h"
#include "ir/serving_run.h"
#include "serve/serve.h"
#include "validate/score.h"

namespace fastpath {

/// A trace that an engine was measured on, request by request.
struct Replay {
  RequestStream stream;
  std::vector<RequestOutcome> measured;  ///< arrival, first token, finish and lengths
};

/// A run with what it was served on. The deployment's engines have the defaults of theirs, and
/// factors of 1.
struct ServingCase {
  ServingRun run;
  Deployment deployment;
  std::string family;  ///< of devices
  std::optional<Replay> replay;
};

/// Constants of Engine that are fitted: the factors on PartTimes, then these.
enum class EngineTime : std::uint8_t { step, sequence, request, client };
inline constexpr std::size_t kEngineValues = kEngineParts + 4;
using EngineValues = std::array<double, kEngineValues>;

struct EngineValueInfo {
  std::string_view name;
  double low = 0;
  double high = 0;
  double value = 0;   ///< where nothing is known
  double spread = 0;  ///< of the logarithm, before any measurement
};
const EngineValueInfo& engine_value_info(std::size_t index);

Engine with_values(Engine engine, const EngineValues& values);

struct ServingFigures {
  Seconds ttft;
  Seconds tpot;
};

/// Means over the requests of a closed loop (or of the replay); nothing where no request fits.
/// `profile`: gets what tokens waited for.
std::optional<ServingFigures> predicted_figures(const ServingCase& one, const EngineValues& values,
                                                WaitProfile* profile = nullptr);

/// A figure of a replayed run.
struct ReplayFigure {
  std::string_view name;
  Seconds predicted;
  Seconds measured;
  double median_request_error = 0;  ///< of |predicted / measured - 1|; 0 where it is no mean
};

/// Means of latency, first token and gap between tokens, and the first token's p90; the gap is
/// (latency - first token) / (output tokens - 1).
std::vector<ReplayFigure> replay_figures(const ServingCase& one, const EngineValues& values);

/// Constants of an engine that adds nothing to `predict`.
EngineValues bare_values();

/// The stream of a run: ten requests for each client, at most 640, or the replay's.
RequestStream stream_of_run(const ServingCase& one);

struct EngineNode {
  EngineValues values{};
  double spread = 0;  ///< median |log(measured / predicted)|
  std::size_t rows = 0;
};

/// Constants by engine and generation of devices, in that order; each level is fitted with the one
/// before as its prior, the first with EngineValueInfo. Both figures of a run count, TTFT half.
class EngineCalibration {
 public:
  explicit EngineCalibration(std::span<const ServingCase* const> cases);

  const EngineNode& node(const ServingCase& one) const;
  /// Named "", "engine", "engine/generation".
  const std::map<std::string, EngineNode, std::less<>>& nodes() const { return nodes_; }

 private:
  std::map<std::string, EngineNode, std::less<>> nodes_;
};

/// What a prediction has not seen.
enum class ServingFolding : std::uint8_t {
  configurations,  ///< five folds; equal configurations and repeats stay together
  models,
  devices,
};
std::string_view name_of(ServingFolding folding);

/// Two rows a run: `kind` is "tpot" or "ttft".
struct ServingValidation {
  std::vector<ScoredRow> rows;
  std::vector<std::size_t> cases;  ///< by row: index in the input
};

ServingValidation validate_serving(std::span<const ServingCase> cases, ServingFolding folding,
                                   const std::function<void(std::size_t, std::size_t)>& progress);

/// How far repeats of one configuration lie apart: quantiles over pairs of |a / b - 1|, a < b.
struct RepeatNoise {
  std::size_t pairs = 0;
  double median = 0;
  double p90 = 0;
};
RepeatNoise repeat_noise(std::span<const ServingCase> cases, bool ttft);

/// What a run shares with its repeats.
std::string configuration_of(const ServingRun& run);

}  // namespace fastpath
