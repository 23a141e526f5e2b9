/// Time of an engine's iteration: any mix of sequences that decode and pieces of prompts.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/workload.h"

#include "engine/step_parts.h"
#include "ir/serving.h"

namespace fastpath {

/// A step that `predict` knows: `batch` sequences of `sequence` new tokens behind `past`.
struct StepShape {
  Phase phase = Phase::decode;
  std::int64_t batch = 1;
  std::int64_t sequence = 1;
  std::int64_t past = 0;

  friend auto operator<=>(const StepShape&, const StepShape&) = default;
};

/// What `predict` says of a step of one model on one system under one plan.
using StepSource = std::function<Result<StepParts>(const StepShape&)>;

/// A piece of a prompt: `tokens` behind `past` that are in the cache.
struct Piece {
  std::int64_t tokens = 0;
  std::int64_t past = 0;
};

/// What an iteration does.
struct IterationShape {
  std::int64_t sequences = 0;  ///< that decode
  double context = 0;          ///< tokens in their caches, mean
  std::vector<Piece> pieces;
};

/// An iteration by what an engine's constants multiply: parts, iterations, sequences.
struct IterationParts {
  PartTimes parts{};
  double sequences = 0;
};

/// Predictions at nodes of (sequences, context) and (tokens, past), made when first asked for and
/// shared by all engines on the same model, system and plan; linear between nodes.
class StepTable {
 public:
  /// `ranks`: data-parallel ranks that each run a share of the sequences.
  StepTable(StepSource source, std::int64_t ranks);

  /// Decode steps of `sequences`, `tokens` new ones of each behind a mean context; all parts.
  PartTimes decode(double sequences, double context, std::int64_t tokens = 1);
  /// A prefill of `tokens` in all but its attention.
  PartTimes prompt(double tokens);
  /// The attention of a piece of a prompt.
  PartTimes prompt_attention(double tokens, double past);

  /// The source's own answer, remembered.
  const StepParts& at(const StepShape& shape);

  /// What the source has failed with; predictions are 0 where it did.
  const Diagnostics& mistakes() const { return mistakes_; }
  std::int64_t ranks() const { return ranks_; }
  std::size_t predictions() const { return cells_.size(); }

 private:
  StepSource source_;
  std::int64_t ranks_;
  std::map<StepShape, StepParts> cells_;
  Diagnostics mistakes_;
};

/// A StepTable as one engine runs it. Not thread-safe.
class IterationCost {
 public:
  /// `draft`: decode steps of what proposes tokens, where the engine speculates.
  IterationCost(std::shared_ptr<StepTable> table, const Engine& engine,
                std::shared_ptr<StepTable> draft = nullptr);

  /// sum over parts of factor x time of
  ///   decode(n, context) + prompt(n + q) - prompt(n) + sum of attention(pieces),
  /// q the tokens of all pieces, plus the engine's time an iteration and a sequence. Exactly what
  /// `predict` says of a pure decode step or a single prompt at a node, where all factors are 1.
  /// Where the engine speculates k tokens, n sequences decode k + 1 tokens each, the rows that the
  /// pieces join are n (k + 1), and the draft's decode steps are added k times.
  Seconds time(const IterationShape& shape);

  /// What factors, `step` and `sequence` of an engine are multiplied by in `time`.
  IterationParts parts(const IterationShape& shape);

  StepTable& table() { return *table_; }

  /// Two terms of `time`, for bounds: prompt(tokens), and the least of decode(n, context) over a
  /// range of contexts, which lies at one of its nodes.
  double prompt(double tokens) { return prompt_time(tokens); }
  double least_decode(double sequences, double least_context, double most_context);

 private:
  double decode_time(double sequences, double context);
  double prompt_time(double tokens);
  double attention_time(double tokens, double past);
  double weighted(const PartTimes& parts) const;
  double draft_time(double sequences, double context);

  std::shared_ptr<StepTable> table_;
  std::array<double, kEngineParts> factors_{};
  double step_ = 0;
  double sequence_ = 0;
  int proposed_ = 0;  ///< tokens of a step
  std::shared_ptr<StepTable> draft_;
  std::map<std::pair<int, int>, double> decode_;
  std::map<int, double> prompt_;
  std::map<std::pair<int, int>, double> attention_;
};

/// The nodes of an axis: 0, 1, 2, 3, 4, 6, 8, 12, ...: powers of two and 1.5 times them.
double axis_node(int index);
/// The largest index whose node is at most `value` (>= 0).
int axis_index(double value);

}  // namespace fastpath
