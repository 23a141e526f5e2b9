/// One replica of an engine: its queue, its running sequences, its KV pool and its clock.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "serve/adapter_pool.h"
#include "serve/iteration_cost.h"
#include "serve/kv_pool.h"

namespace fastpath {

/// Histogram of gaps between tokens, in steps of 1 %.
class GapCounts {
 public:
  void add(double seconds, double count);
  std::vector<std::pair<Seconds, double>> sorted() const;

 private:
  std::map<int, double> counts_;
};

/// Which parts of iterations tokens and first tokens waited for: with the order of events as it is,
/// both waits are linear in the engine's constants. By EnginePart, then an iteration, a sequence.
struct WaitProfile {
  static constexpr std::size_t kValues = kEngineParts + 2;
  std::array<double, kValues> tokens{};  ///< sums over iterations and the sequences that wait
  std::array<double, kValues> firsts{};
  std::array<double, kValues> busy{};  ///< of the replicas' iterations, whoever waits
  double others = 0;                   ///< sum over requests of those that were there when it came
};

/// What a replica has to do for a request, from its first entry into the queue.
struct Job {
  std::int32_t request = 0;
  std::int64_t prompt = 1;   ///< tokens to compute before the next token
  std::int64_t output = 1;   ///< tokens to emit here
  bool transferred = false;  ///< the prompt's keys and values come from a prefill worker
  std::span<const std::uint64_t> prefix;  ///< names of whole chunks of the prompt
  std::int32_t adapter = -1;              ///< that its sequence uses; -1 = none
  std::int64_t priority = 0;              ///< smaller comes first; then by arrival
};

/// What happened at the end of an iteration.
struct TokenEvent {
  enum class Kind : std::uint8_t { scheduled, first_token, finished, preempted };
  Kind kind = Kind::first_token;
  std::int32_t request = 0;
  double time = 0;
  std::int64_t tokens = 0;  ///< scheduled: prompt tokens found in the cache; finished: emitted
};

/// Runs iterations back to back while there is work. Decodes of an unchanging batch are advanced
/// many iterations at once; an arrival cuts such a run at the iteration in which it falls.
class Replica {
 public:
  struct Pool {
    std::int64_t blocks = 0;        ///< capacity
    std::int64_t state_blocks = 0;  ///< of a sequence, however short (recurrent states, windows)
    std::int64_t chunk = 512;       ///< tokens of a named chunk
  };

  /// `profile`: gets what was waited for, where there is one.
  Replica(const Engine& engine, Pool pool, IterationCost cost, WaitProfile* profile = nullptr);

  /// Whether a sequence of so many tokens in all can ever run.
  bool fits(std::int64_t tokens) const;

  /// A job arrives at `now`, not before the last call's time.
  void enqueue(const Job& job, double now);

  /// End of the running iteration; nothing if idle.
  std::optional<double> next() const;

  /// Ends the running iteration and starts the next. `events` get what happened.
  void advance(std::vector<TokenEvent>& events);

  std::int64_t outstanding() const {
    return static_cast<std::int64_t>(waiting_.size() + running_.size());
  }
  std::int64_t outstanding_tokens() const { return outstanding_tokens_; }
  std::size_t known_chunks(std::span<const std::uint64_t> prefix) const;
  std::int64_t used_blocks() const { return pool_.used(); }

  /// Appends a record of each run from now on; `log` outlives the replica.
  void record_to(std::vector<IterationRecord>& log, std::int32_t name) {
    log_ = &log;
    name_ = name;
  }

  ReplicaStats stats() const;
  const GapCounts& gaps() const { return gaps_; }
  StepTable& table() { return cost_.table(); }

 private:
  struct Sequence {
    Job job;
    std::int64_t to_compute = 0;  ///< tokens in the cache before it decodes
    std::int64_t computed = 0;    ///< tokens in the cache
    std::int64_t emitted = 0;
    std::int64_t own_blocks = 0;
    std::size_t held = 0;      ///< names of the prefix that it holds
    bool seen = false;         ///< was scheduled before
    std::int64_t checked = 0;  ///< steps that checked proposed tokens for it

    bool decodes() const { return computed >= to_compute; }
  };

  /// The iterations that run: `steps` of them, each `slope` longer than the one before.
  struct Run {
    double start = 0;
    std::int64_t steps = 1;
    double first = 0;
    double slope = 0;
    double loading = 0;  ///< of adapters, before the first
    std::int64_t decoding = 0;
    std::vector<std::pair<std::size_t, std::int64_t>> pieces;  ///< running sequence, prompt tokens

    double length(std::int64_t count) const {
      const auto n = static_cast<double>(count);
      return loading + n * first + slope * n * (n - 1) / 2;
    }
    double end() const { return start + length(steps); }
  };

  /// What admitting a sequence takes.
  struct Entry {
    std::size_t known = 0;      ///< names of its prefix that are here
    std::int64_t computed = 0;  ///< tokens in the cache then
    std::int64_t tokens = 0;    ///< of its first piece; 0 = none fits the budget
    std::int64_t reach = 0;     ///< tokens for which it takes blocks
  };

  void queue(const Sequence& sequence, bool again);
  void run_sequence(const Sequence& sequence, std::int64_t tokens, Run& run);
  Entry entry_of(const Sequence& head, std::int64_t budget, bool first) const;
  bool place(Sequence& head, const Entry& entry);
  std::int64_t blocks_of(std::int64_t tokens) const;
  bool grow(Sequence& sequence, std::int64_t tokens);
  void free(Sequence& sequence);
  /// The one of the last priority that was admitted last.
  void preempt_last(std::vector<TokenEvent>& events, double now);
  void start(double now, std::vector<TokenEvent>& events);
  void schedule_decodes(Run& run, std::int64_t& budget, std::vector<TokenEvent>& events,
                        double now);
  void schedule_pieces(Run& run, std::int64_t& budget, std::vector<TokenEvent>& events, double now);
  /// Which of those that wait are let in: the others end it.
  enum class Admits : std::uint8_t { transferred, prompts, all };
  void admit(Run& run, std::int64_t& budget, std::vector<TokenEvent>& events, double now,
             Admits which);
  std::int64_t piece_of(const Sequence& sequence, std::int64_t budget, bool first) const;
  void set_times(Run& run);
  std::int64_t steps_ahead() const;
  void share(Sequence& sequence);
  void finish(const std::vector<bool>& done, double now, std::vector<TokenEvent>& events);
  void account(const Run& run);
  IterationShape shape_of(const Run& run) const;
  std::int64_t tokens_now(Sequence& sequence, std::int64_t steps) const;
  void log(const Run& run);
  void profile(const Run& run);
  bool emit(Sequence& sequence, std::int64_t tokens, double now, std::vector<TokenEvent>& events);

  Engine engine_;
  Pool limits_;
  IterationCost cost_;
  KvPool pool_;
  AdapterPool adapters_;
  std::deque<Sequence> waiting_;   ///< by priority, then as they came
  std::vector<Sequence> running_;  ///< by priority, then as they were admitted
  std::optional<Run> run_;
  std::vector<TokenEvent> early_;  ///< of a start between two calls of advance
  ReplicaStats stats_;
  double occupancy_ = 0;  ///< integrals over busy time
  double sequences_ = 0;
  std::int64_t outstanding_tokens_ = 0;
  GapCounts gaps_;
  WaitProfile* profile_ = nullptr;
  std::vector<IterationRecord>* log_ = nullptr;
  std::int32_t name_ = 0;
};

}  // namespace fastpath
