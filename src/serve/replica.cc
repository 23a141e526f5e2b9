#include "serve/replica.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace fastpath {
namespace {

constexpr double kGapStep = 1.01;
/// Longer runs would stray from the table between its nodes.
constexpr std::int64_t kMostSteps = 1024;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t chunk_blocks(const Engine& engine, std::int64_t chunk) {
  return std::max<std::int64_t>(1, ceil_div(chunk, engine.block_tokens));
}

}  // namespace

void GapCounts::add(double seconds, double count) {
  if (count <= 0 || seconds <= 0) return;
  counts_[static_cast<int>(std::lround(std::log(seconds) / std::log(kGapStep)))] += count;
}

std::vector<std::pair<Seconds, double>> GapCounts::sorted() const {
  std::vector<std::pair<Seconds, double>> gaps;
  for (const auto& [bin, count] : counts_)
    gaps.emplace_back(Seconds{std::pow(kGapStep, bin)}, count);
  return gaps;
}

Replica::Replica(const Engine& engine, Pool pool, IterationCost cost, WaitProfile* profile)
    : engine_(engine),
      limits_(pool),
      cost_(std::move(cost)),
      pool_(pool.blocks, chunk_blocks(engine, pool.chunk)),
      adapters_(engine.adapters.slots),
      profile_(profile) {}

std::int64_t Replica::blocks_of(std::int64_t tokens) const {
  return ceil_div(tokens, engine_.block_tokens) + limits_.state_blocks;
}

bool Replica::fits(std::int64_t tokens) const { return blocks_of(tokens) <= limits_.blocks; }

std::size_t Replica::known_chunks(std::span<const std::uint64_t> prefix) const {
  return engine_.prefix_caching ? pool_.known(prefix) : 0;
}

/// `again`: it ran before, so it came before all that wait in its priority.
void Replica::queue(const Sequence& sequence, bool again) {
  const std::int64_t priority = sequence.job.priority;
  const auto place =
      std::partition_point(waiting_.begin(), waiting_.end(), [&](const Sequence& other) {
        return again ? other.job.priority < priority : other.job.priority <= priority;
      });
  waiting_.insert(place, sequence);
}

/// Puts it among those that run, with a piece of its prompt where there are tokens.
void Replica::run_sequence(const Sequence& sequence, std::int64_t tokens, Run& run) {
  const auto place = std::partition_point(
      running_.begin(), running_.end(),
      [&](const Sequence& other) { return other.job.priority <= sequence.job.priority; });
  const auto index = static_cast<std::size_t>(place - running_.begin());
  running_.insert(place, sequence);
  for (auto& piece : run.pieces)
    piece.first += piece.first >= index ? 1 : 0;
  if (tokens > 0) run.pieces.emplace_back(index, tokens);
}

void Replica::enqueue(const Job& job, double now) {
  Sequence sequence;
  sequence.job = job;
  sequence.to_compute = job.prompt;
  queue(sequence, false);
  outstanding_tokens_ += job.prompt + job.output;
  if (!run_) {
    start(now, early_);
    return;
  }
  if (!run_->pieces.empty() || run_->steps == 1) return;
  // Cut the run at the iteration in which the job arrives.
  std::int64_t low = 1;
  std::int64_t high = run_->steps;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (run_->start + run_->length(middle) >= now) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  run_->steps = low;
}

std::optional<double> Replica::next() const {
  if (!run_) return std::nullopt;
  return run_->end();
}

bool Replica::grow(Sequence& sequence, std::int64_t tokens) {
  const auto held = static_cast<std::int64_t>(sequence.held) * chunk_blocks(engine_, limits_.chunk);
  const std::int64_t more = blocks_of(tokens) - held - sequence.own_blocks;
  if (more <= 0) return true;
  if (!pool_.take(more)) return false;
  sequence.own_blocks += more;
  return true;
}

void Replica::free(Sequence& sequence) {
  pool_.give_back(sequence.own_blocks);
  pool_.release(sequence.job.prefix.first(sequence.held));
  adapters_.release(sequence.job.adapter);
  sequence.own_blocks = 0;
  sequence.held = 0;
}

void Replica::preempt_last(std::vector<TokenEvent>& events, double now) {
  Sequence victim = running_.back();
  running_.pop_back();
  free(victim);
  victim.to_compute = victim.job.prompt + victim.emitted;
  victim.computed = 0;
  victim.job.transferred = false;
  ++stats_.preemptions;
  events.push_back({TokenEvent::Kind::preempted, victim.job.request, now, 0});
  queue(victim, true);
}

void Replica::schedule_decodes(Run& run, std::int64_t& budget, std::vector<TokenEvent>& events,
                               double now) {
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (!running_[i].decodes()) continue;
    const std::int64_t left = running_[i].job.output - running_[i].emitted;
    const std::int64_t tokens = std::min<std::int64_t>(1 + engine_.speculation.length, left);
    while (i < running_.size() && !grow(running_[i], running_[i].computed + tokens))
      preempt_last(events, now);
    if (i >= running_.size()) return;
    ++run.decoding;
    budget -= tokens;
  }
}

std::int64_t Replica::piece_of(const Sequence& sequence, std::int64_t budget, bool first) const {
  const std::int64_t rest = sequence.to_compute - sequence.computed;
  if (engine_.batching == Batching::whole_prompts) return rest <= budget || first ? rest : 0;
  return std::max<std::int64_t>(0, std::min(rest, budget));
}

void Replica::schedule_pieces(Run& run, std::int64_t& budget, std::vector<TokenEvent>& events,
                              double now) {
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (running_[i].decodes()) continue;
    const std::int64_t tokens = piece_of(running_[i], budget, run.pieces.empty());
    if (tokens == 0) continue;
    const bool alone = run.decoding == 0 && run.pieces.empty();
    while (i < running_.size() && !grow(running_[i], running_[i].computed + tokens)) {
      if (!alone) break;
      preempt_last(events, now);
    }
    if (i >= running_.size()) return;
    if (!grow(running_[i], running_[i].computed + tokens)) continue;
    run.pieces.emplace_back(i, tokens);
    budget -= tokens;
  }
}

Replica::Entry Replica::entry_of(const Sequence& head, std::int64_t budget, bool first) const {
  Entry entry;
  const double left =
      static_cast<double>(std::max<std::int64_t>(0, head.job.output - head.emitted - 1));
  entry.reach = head.to_compute + static_cast<std::int64_t>(engine_.reserve * left);
  if (head.job.transferred) {
    entry.computed = head.to_compute;
    return entry;
  }
  // One token of a prompt at least is computed: the next token comes from it.
  const std::int64_t whole = std::max<std::int64_t>(0, head.to_compute - 1) / limits_.chunk;
  const std::size_t most = std::min(static_cast<std::size_t>(whole), head.job.prefix.size());
  entry.known = known_chunks(head.job.prefix.first(most));
  entry.computed = static_cast<std::int64_t>(entry.known) * limits_.chunk;
  Sequence begun = head;
  begun.computed = entry.computed;
  entry.tokens = piece_of(begun, budget, first);
  return entry;
}

bool Replica::place(Sequence& head, const Entry& entry) {
  const auto names = head.job.prefix.first(entry.known);
  const std::int64_t held =
      static_cast<std::int64_t>(entry.known) * chunk_blocks(engine_, limits_.chunk);
  const std::int64_t own = blocks_of(entry.reach) - held;
  if (pool_.blocks_to_hold(names) + own > pool_.available()) return false;
  pool_.hold(names);
  head.held = entry.known;
  head.computed = entry.computed;
  FP_CHECK(grow(head, entry.reach));
  return true;
}

void Replica::admit(Run& run, std::int64_t& budget, std::vector<TokenEvent>& events, double now,
                    Admits which) {
  std::size_t next = 0;
  while (next < waiting_.size() &&
         static_cast<std::int64_t>(running_.size()) < engine_.max_sequences) {
    Sequence head = waiting_[next];
    // Others pass by one that waits for a slot of its adapter.
    if (!adapters_.can_hold(head.job.adapter)) {
      ++next;
      continue;
    }
    // A transferred one decodes from its first iteration on, so it comes in where decodes are yet
    // to get their blocks; prompts come in behind, since decodes that get none preempt others.
    if (which == (head.job.transferred ? Admits::prompts : Admits::transferred)) break;
    const Entry entry = entry_of(head, budget, run.pieces.empty());
    if (entry.tokens == 0 && !head.job.transferred) break;
    if (!place(head, entry)) break;
    if (adapters_.hold(head.job.adapter)) {
      run.loading += engine_.adapters.load.base();
      ++stats_.adapter_loads;
    }
    const std::int64_t cached = head.job.transferred ? 0 : entry.computed;
    if (!head.seen) {
      events.push_back({TokenEvent::Kind::scheduled, head.job.request, now, cached});
      stats_.cached_tokens += cached;
    }
    head.seen = true;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(next));
    run_sequence(head, entry.tokens, run);
    budget -= entry.tokens;
  }
}

std::int64_t Replica::steps_ahead() const {
  if (engine_.speculation.length > 0) return 1;
  std::int64_t most = kMostSteps;
  for (const Sequence& sequence : running_) {
    if (sequence.decodes()) most = std::min(most, sequence.job.output - sequence.emitted);
  }
  const std::int64_t shared = chunk_blocks(engine_, limits_.chunk);
  const auto needed = [&](std::int64_t steps) {
    std::int64_t blocks = 0;
    for (const Sequence& sequence : running_) {
      if (!sequence.decodes()) continue;
      const std::int64_t held = static_cast<std::int64_t>(sequence.held) * shared;
      const std::int64_t more = blocks_of(sequence.computed + steps) - held - sequence.own_blocks;
      blocks += std::max<std::int64_t>(0, more);
    }
    return blocks;
  };
  if (needed(most) <= pool_.available()) return std::max<std::int64_t>(1, most);
  std::int64_t low = 1;
  std::int64_t high = most;
  while (low < high) {
    const std::int64_t middle = (low + high + 1) / 2;
    if (needed(middle) <= pool_.available()) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

IterationShape Replica::shape_of(const Run& run) const {
  IterationShape shape;
  shape.sequences = run.decoding;
  double context = 0;
  if (run.decoding > 0) {
    for (const Sequence& sequence : running_) {
      if (sequence.decodes()) context += static_cast<double>(sequence.computed);
    }
    shape.context = context / static_cast<double>(run.decoding);
  }
  for (const auto& [index, tokens] : run.pieces)
    shape.pieces.push_back({tokens, running_[index].computed});
  return shape;
}

void Replica::set_times(Run& run) {
  IterationShape shape = shape_of(run);
  run.first = cost_.time(shape).base();
  if (!run.pieces.empty()) return;
  run.steps = steps_ahead();
  if (run.steps == 1) return;
  shape.context += static_cast<double>(run.steps - 1);
  run.slope = (cost_.time(shape).base() - run.first) / static_cast<double>(run.steps - 1);
}

/// Tokens of a decoding sequence that a run emits. Where tokens are speculated, the expected number
/// of a step, dealt out in whole tokens.
std::int64_t Replica::tokens_now(Sequence& sequence, std::int64_t steps) const {
  if (engine_.speculation.length == 0) return steps;
  const double mean = engine_.speculation.tokens();
  const auto before = static_cast<std::int64_t>(mean * static_cast<double>(sequence.checked));
  ++sequence.checked;
  const auto after = static_cast<std::int64_t>(mean * static_cast<double>(sequence.checked));
  return std::clamp<std::int64_t>(after - before, 1, sequence.job.output - sequence.emitted);
}

void Replica::log(const Run& run) {
  IterationRecord record;
  record.replica = name_;
  record.start = Seconds{run.start};
  record.end = Seconds{run.end()};
  record.steps = run.steps;
  record.decoding = run.decoding;
  for (const auto& piece : run.pieces)
    record.prompt_tokens += piece.second;
  record.waiting = static_cast<std::int64_t>(waiting_.size());
  record.used_blocks = pool_.used();
  record.capacity_blocks = limits_.blocks;
  log_->push_back(record);
}

/// Sequences without a token wait for their first, the others for their next.
void Replica::profile(const Run& run) {
  IterationShape shape = shape_of(run);
  shape.context += static_cast<double>(run.steps - 1) / 2;
  const IterationParts parts = cost_.parts(shape);
  double firsts = 0;
  double tokens = 0;
  const auto count = [&](const Sequence& sequence) {
    (sequence.emitted == 0 && !sequence.job.transferred ? firsts : tokens) += 1;
  };
  std::for_each(waiting_.begin(), waiting_.end(), count);
  std::for_each(running_.begin(), running_.end(), count);
  const auto steps = static_cast<double>(run.steps);
  const auto add = [&](std::size_t index, double time) {
    profile_->tokens[index] += steps * tokens * time;
    profile_->firsts[index] += steps * firsts * time;
    profile_->busy[index] += steps * time;
  };
  for (std::size_t i = 0; i < kEngineParts; ++i)
    add(i, parts.parts[i].base());
  add(kEngineParts, 1);
  add(kEngineParts + 1, parts.sequences);
}

void Replica::start(double now, std::vector<TokenEvent>& events) {
  run_.reset();
  Run run;
  run.start = now;
  std::int64_t budget = engine_.token_budget;
  admit(run, budget, events, now, Admits::transferred);
  if (engine_.batching == Batching::prefill_first) {
    schedule_pieces(run, budget, events, now);
    if (budget > 0) admit(run, budget, events, now, Admits::all);
    if (run.pieces.empty()) schedule_decodes(run, budget, events, now);
  } else {
    schedule_decodes(run, budget, events, now);
    schedule_pieces(run, budget, events, now);
    if (budget > 0) admit(run, budget, events, now, Admits::prompts);
  }
  if (run.decoding == 0 && run.pieces.empty()) {
    FP_CHECK(running_.empty() && waiting_.empty());
    return;
  }
  set_times(run);
  run_ = std::move(run);
}

bool Replica::emit(Sequence& sequence, std::int64_t tokens, double now,
                   std::vector<TokenEvent>& events) {
  if (sequence.emitted == 0) {
    events.push_back({TokenEvent::Kind::first_token, sequence.job.request, now, 1});
  }
  sequence.emitted += tokens;
  FP_CHECK(sequence.emitted <= sequence.job.output);
  return sequence.emitted == sequence.job.output;
}

/// The sequence's keys and values, under their names, are there for other prompts.
void Replica::share(Sequence& sequence) {
  if (!engine_.prefix_caching) return;
  const auto whole = static_cast<std::size_t>(sequence.computed / limits_.chunk);
  const std::size_t upto = std::min(whole, sequence.job.prefix.size());
  if (upto <= sequence.held) return;
  const auto names = sequence.job.prefix.subspan(sequence.held, upto - sequence.held);
  sequence.own_blocks -=
      static_cast<std::int64_t>(names.size()) * chunk_blocks(engine_, limits_.chunk);
  FP_CHECK(sequence.own_blocks >= 0);
  pool_.publish(names);
  sequence.held = upto;
}

void Replica::account(const Run& run) {
  const double length = run.length(run.steps);
  stats_.iterations += run.steps;
  stats_.busy += Seconds{length};
  occupancy_ += length * static_cast<double>(pool_.used());
  sequences_ += length * static_cast<double>(running_.size());
  // Tokens of one step that checks proposals come together: each is given an even part of it.
  const double tokens = static_cast<double>(run.steps) * engine_.speculation.tokens();
  gaps_.add(length / tokens, static_cast<double>(run.decoding) * tokens);
  for (const auto& piece : run.pieces)
    stats_.prompt_tokens += piece.second;
}

void Replica::advance(std::vector<TokenEvent>& events) {
  FP_CHECK(run_.has_value());
  events.insert(events.end(), early_.begin(), early_.end());
  early_.clear();
  const Run run = *run_;
  const double now = run.end();
  if (profile_ != nullptr) profile(run);
  std::vector<bool> done(running_.size(), false);
  if (run.decoding > 0) {
    for (std::size_t i = 0; i < running_.size(); ++i) {
      Sequence& sequence = running_[i];
      if (!sequence.decodes()) continue;
      const std::int64_t tokens = tokens_now(sequence, run.steps);
      sequence.computed += tokens;
      FP_CHECK(grow(sequence, sequence.computed));
      done[i] = emit(sequence, tokens, now, events);
    }
  }
  for (const auto& [index, tokens] : run.pieces) {
    Sequence& sequence = running_[index];
    sequence.computed += tokens;
    if (!sequence.decodes()) continue;
    share(sequence);
    done[index] = emit(sequence, 1, now, events);
  }
  stats_.peak_blocks = std::max(stats_.peak_blocks, pool_.used());
  FP_CHECK(pool_.occupied() <= pool_.capacity());
  account(run);
  if (log_ != nullptr) log(run);
  finish(done, now, events);
  start(now, events);
}

void Replica::finish(const std::vector<bool>& done, double now, std::vector<TokenEvent>& events) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = running_[i];
    if (!done[i]) {
      if (kept != i) running_[kept] = sequence;
      ++kept;
      continue;
    }
    share(sequence);
    free(sequence);
    outstanding_tokens_ -= sequence.job.prompt + sequence.job.output;
    events.push_back({TokenEvent::Kind::finished, sequence.job.request, now, sequence.emitted});
  }
  running_.resize(kept);
}

ReplicaStats Replica::stats() const {
  ReplicaStats stats = stats_;
  stats.capacity_blocks = limits_.blocks;
  const double busy = stats.busy.base();
  if (busy > 0 && limits_.blocks > 0) {
    stats.mean_occupancy = occupancy_ / busy / static_cast<double>(limits_.blocks);
    stats.mean_sequences = sequences_ / busy;
  }
  return stats;
}

}  // namespace fastpath
