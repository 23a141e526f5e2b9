#include "serve/iteration_cost.h"

#include <algorithm>
#include <cmath>

namespace fastpath {
namespace {

PartTimes operator+(PartTimes a, const PartTimes& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    a[i] += b[i];
  return a;
}

PartTimes scaled(PartTimes a, double factor) {
  for (Seconds& part : a)
    part *= factor;
  return a;
}

/// Contexts are coarser: attention is nearly linear in them.
double context_node(int index) { return index == 0 ? 1 : 64 * std::exp2(2.0 * index); }
int context_index(double value) {
  return value < context_node(1) ? 0 : static_cast<int>(std::log2(value / 64) / 2);
}

/// Linear between nodes `low` and `low + 1`: index and share of the upper one.
struct Spot {
  int low = 0;
  double share = 0;
};

Spot axis_spot(double value) {
  const int low = axis_index(value);
  return {low, (value - axis_node(low)) / (axis_node(low + 1) - axis_node(low))};
}

Spot context_spot(double value) {
  const int low = context_index(value);
  const double from = context_node(low);
  return {low, std::max(0.0, (value - from) / (context_node(low + 1) - from))};
}

/// f at a spot; the upper node is not asked where its share is 0.
template <class F>
auto between(const Spot& spot, F f) {
  auto value = f(spot.low);
  if (spot.share == 0) return value;
  auto upper = f(spot.low + 1);
  if constexpr (std::is_same_v<decltype(value), double>) {
    return (1 - spot.share) * value + spot.share * upper;
  } else {
    return scaled(value, 1 - spot.share) + scaled(upper, spot.share);
  }
}

std::int64_t whole(double value) { return std::llround(value); }

}  // namespace

double axis_node(int index) {
  if (index < 2) return index;
  return (index % 2 == 0 ? 1 : 1.5) * std::exp2(index / 2);
}

int axis_index(double value) {
  if (value < 2) return value < 1 ? 0 : 1;
  const int power = static_cast<int>(std::log2(value));
  return 2 * power + (value >= 1.5 * std::exp2(power) ? 1 : 0);
}

StepTable::StepTable(StepSource source, std::int64_t ranks)
    : source_(std::move(source)), ranks_(ranks) {}

const StepParts& StepTable::at(const StepShape& shape) {
  const auto [found, added] = cells_.try_emplace(shape);
  if (!added) return found->second;
  Result<StepParts> parts = source_(shape);
  if (parts) {
    found->second = *parts;
  } else if (mistakes_.empty()) {
    mistakes_ = std::move(parts.error());
  }
  return found->second;
}

PartTimes StepTable::decode(double sequences, double context, std::int64_t tokens) {
  if (sequences <= 0) return {};
  const auto share = static_cast<double>(ranks_);
  return between(axis_spot(sequences), [&](int n) {
    if (n == 0) return PartTimes{};
    return between(context_spot(context), [&](int c) {
      // Every rank has at least one row of the batch.
      const std::int64_t rows = ranks_ * std::max<std::int64_t>(1, whole(axis_node(n) / share));
      return at({Phase::decode, rows, tokens, whole(context_node(c))}).parts;
    });
  });
}

PartTimes StepTable::prompt(double tokens) {
  if (tokens <= 0) return {};
  return between(axis_spot(tokens), [&](int t) {
    if (t == 0) return PartTimes{};
    const double rank = axis_node(t) / static_cast<double>(ranks_);
    const StepParts& step = at({Phase::prefill, ranks_, std::max<std::int64_t>(1, whole(rank)), 0});
    return step.parts + scaled(step.attention, -1);
  });
}

PartTimes StepTable::prompt_attention(double tokens, double past) {
  if (tokens <= 0) return {};
  return between(axis_spot(tokens), [&](int t) {
    if (t == 0) return PartTimes{};
    return between(context_spot(past), [&](int c) {
      const std::int64_t behind = c == 0 ? 0 : whole(context_node(c));
      const StepParts& step = at({Phase::prefill, ranks_, whole(axis_node(t)), behind});
      return scaled(step.attention, 1 / static_cast<double>(ranks_));
    });
  });
}

IterationCost::IterationCost(std::shared_ptr<StepTable> table, const Engine& engine,
                             std::shared_ptr<StepTable> draft)
    : table_(std::move(table)),
      step_(engine.step.value.base()),
      sequence_(engine.sequence.value.base()),
      proposed_(engine.speculation.length),
      draft_(std::move(draft)) {
  for (std::size_t i = 0; i < factors_.size(); ++i)
    factors_[i] = engine.factors[i].value;
}

double IterationCost::weighted(const PartTimes& parts) const {
  double sum = 0;
  for (std::size_t i = 0; i < parts.size(); ++i)
    sum += factors_[i] * parts[i].base();
  return sum;
}

double IterationCost::decode_time(double sequences, double context) {
  if (sequences <= 0) return 0;
  return between(axis_spot(sequences), [&](int n) {
    return between(context_spot(context), [&](int c) {
      const auto [found, added] = decode_.try_emplace({n, c});
      if (added)
        found->second = weighted(table_->decode(axis_node(n), context_node(c), 1 + proposed_));
      return found->second;
    });
  });
}

double IterationCost::least_decode(double sequences, double least_context, double most_context) {
  if (sequences <= 0) return 0;
  const int first = context_index(least_context);
  const int last = std::max(first, context_index(most_context)) + 1;
  return between(axis_spot(sequences), [&](int n) {
    double least = decode_time(axis_node(n), context_node(first));
    for (int c = first + 1; c <= last; ++c)
      least = std::min(least, decode_time(axis_node(n), context_node(c)));
    return least;
  });
}

double IterationCost::prompt_time(double tokens) {
  if (tokens <= 0) return 0;
  return between(axis_spot(tokens), [&](int t) {
    const auto [found, added] = prompt_.try_emplace(t);
    if (added) found->second = weighted(table_->prompt(axis_node(t)));
    return found->second;
  });
}

double IterationCost::attention_time(double tokens, double past) {
  if (tokens <= 0) return 0;
  return between(axis_spot(tokens), [&](int t) {
    return between(context_spot(past), [&](int c) {
      const auto [found, added] = attention_.try_emplace({t, c});
      if (added) {
        found->second =
            weighted(table_->prompt_attention(axis_node(t), c == 0 ? 0 : context_node(c)));
      }
      return found->second;
    });
  });
}

double IterationCost::draft_time(double sequences, double context) {
  if (draft_ == nullptr || sequences <= 0) return 0;
  return static_cast<double>(proposed_) * weighted(draft_->decode(sequences, context));
}

IterationParts IterationCost::parts(const IterationShape& shape) {
  const auto sequences = static_cast<double>(shape.sequences);
  IterationParts result;
  result.parts = table_->decode(sequences, shape.context, 1 + proposed_);
  const double rows = static_cast<double>(1 + proposed_) * sequences;
  double tokens = 0;
  if (draft_ != nullptr && proposed_ > 0) {
    result.parts = result.parts + scaled(draft_->decode(sequences, shape.context), proposed_);
  }
  for (const Piece& piece : shape.pieces) {
    tokens += static_cast<double>(piece.tokens);
    result.parts = result.parts + table_->prompt_attention(static_cast<double>(piece.tokens),
                                                           static_cast<double>(piece.past));
  }
  if (tokens > 0) {
    result.parts = result.parts + table_->prompt(rows + tokens) + scaled(table_->prompt(rows), -1);
  }
  result.sequences = sequences + static_cast<double>(shape.pieces.size());
  return result;
}

Seconds IterationCost::time(const IterationShape& shape) {
  const auto sequences = static_cast<double>(shape.sequences);
  double time =
      step_ + decode_time(sequences, shape.context) + draft_time(sequences, shape.context);
  const double rows = static_cast<double>(1 + proposed_) * sequences;
  double tokens = 0;
  for (const Piece& piece : shape.pieces) {
    tokens += static_cast<double>(piece.tokens);
    time += attention_time(static_cast<double>(piece.tokens), static_cast<double>(piece.past));
  }
  if (tokens > 0) {
    // Tiles make larger products cheaper now and then: adding tokens is never credited.
    time += std::max(0.0, prompt_time(rows + tokens) - prompt_time(rows));
  }
  time += sequence_ * (sequences + static_cast<double>(shape.pieces.size()));
  return Seconds{time};
}

}  // namespace fastpath
