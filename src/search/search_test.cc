#include "search/search.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

namespace fastpath {
namespace {

/// An engine that knows no model: figures are a hash of the plan, some plans are illegal, some do
/// not fit, and the bound is below the figure by a share that differs from plan to plan.
struct MadeUpEngine {
  static std::uint64_t hash(const Plan& plan, std::uint64_t salt) {
    std::uint64_t value = salt;
    for (const int part : {plan.tensor_parallel, plan.pipeline_parallel, plan.data_parallel,
                           plan.micro_batch, plan.zero_stage, static_cast<int>(plan.recompute)}) {
      value = (value ^ static_cast<std::uint64_t>(part)) * 0x100000001b3U;
      value ^= value >> 29U;
    }
    return value;
  }

  static bool legal(const Plan& plan) { return hash(plan, 1) % 5 != 0; }

  static PlanFigures evaluate(const Plan& plan) {
    PlanFigures figures;
    figures.step = Seconds{1 + static_cast<double>(hash(plan, 2) % 1000) / 100};
    figures.memory = Bytes{50 / figures.step.base() + static_cast<double>(hash(plan, 3) % 60)};
    figures.devices = plan.device_count();
    figures.fits = figures.memory < Bytes{80};
    return figures;
  }

  static PlanFigures bound(const Plan& plan) {
    PlanFigures figures = evaluate(plan);
    figures.step *= 1 - static_cast<double>(hash(plan, 4) % 10) / 20;
    return figures;
  }

  static SearchEngine make() { return {legal, bound, evaluate}; }
};

Space large_space() {
  return *Space::parse("tp=1..6 pp=1..6 dp=1..6 micro_batch=1..8 zero=0..3 recompute=none,full", 8,
                       {.file = "space"});
}

SearchGoal goal_of(std::optional<Objective> tradeoff = std::nullopt) {
  SearchGoal goal;
  goal.top = 7;
  goal.tradeoff = tradeoff;
  return goal;
}

bool go_on(std::int64_t /*chunk*/, const ChunkRecord& /*record*/, const Tally& /*tally*/) {
  return true;
}

/// All that a search answers, as text.
std::string answer_of(const Tally& tally) {
  const Coverage c = tally.coverage();
  return write_record({c, {}, tally.best(), tally.front(), tally.nearest()});
}

Tally searched(const Space& space, const SearchGoal& goal, int threads) {
  Tally tally(goal);
  search_on_threads({space, goal, chunks_in_order(space)}, MadeUpEngine::make, threads, tally,
                    go_on);
  return tally;
}

TEST(search, finds_what_trying_every_plan_finds) {
  const Space space = large_space();
  for (const Objective objective : {Objective::time, Objective::memory, Objective::devices}) {
    SearchGoal goal = goal_of();
    goal.objective = objective;
    goal.limits.devices = 100;
    goal.limits.time = Seconds{9};
    std::vector<FoundPlan> all;
    for (std::int64_t i = 0; i < space.size(); ++i) {
      const Point point = space.at(i);
      if (point.kind != PointKind::plan || !MadeUpEngine::legal(point.plan)) continue;
      const PlanFigures figures = MadeUpEngine::evaluate(point.plan);
      if (figures.fits && !goal.limits.exceeded_by(figures)) all.push_back({i, figures});
    }
    std::sort(all.begin(), all.end(),
              [&](const FoundPlan& a, const FoundPlan& b) { return better(a, b, objective); });
    const Tally tally = searched(space, goal, 2);
    ASSERT_EQ(tally.best().size(), goal.top);
    for (std::size_t i = 0; i < goal.top; ++i) {
      EXPECT_EQ(tally.best()[i].index, all[i].index);
      EXPECT_EQ(tally.best()[i].figures, all[i].figures);
    }
  }
}

TEST(search, covers_every_point_once) {
  const Space space = large_space();
  const Coverage coverage = searched(space, goal_of(), 1).coverage();
  EXPECT_EQ(coverage.points(), space.size());
  EXPECT_GT(coverage.excluded, 0);
  EXPECT_GT(coverage.compared, 0);
  EXPECT_GT(coverage.illegal, 0);
  EXPECT_GT(coverage.redundant, 0);
  EXPECT_GT(coverage.too_large, 0);
}

TEST(search, answers_the_same_on_any_number_of_threads) {
  const Space space = large_space();
  for (const auto tradeoff : {std::optional<Objective>(), std::optional(Objective::memory)}) {
    const std::string one = answer_of(searched(space, goal_of(tradeoff), 1));
    EXPECT_EQ(one, answer_of(searched(space, goal_of(tradeoff), 2)));
    EXPECT_EQ(one, answer_of(searched(space, goal_of(tradeoff), 5)));
  }
}

TEST(search, answers_the_same_from_shards_in_any_order) {
  const Space space = large_space();
  const SearchGoal goal = goal_of();
  std::vector<std::string> records;
  for (std::int64_t shard = 6; shard >= 0; --shard) {
    std::vector<std::int64_t> chunks;
    for (const std::int64_t chunk : chunks_in_order(space)) {
      if (shard_of(chunk, 7) == shard) chunks.push_back(chunk);
    }
    Tally tally(goal);
    search_on_threads({space, goal, chunks}, MadeUpEngine::make, 1, tally,
                      [&](std::int64_t, const ChunkRecord& record, const Tally&) {
                        records.push_back(write_record(record));
                        return true;
                      });
  }
  EXPECT_EQ(static_cast<std::int64_t>(records.size()), chunk_count(space));
  Tally merged(goal);
  for (const std::string& record : records)
    merged.add(*read_record(record, {.file = "test"}));
  EXPECT_EQ(answer_of(merged), answer_of(searched(space, goal, 1)));
}

TEST(search, stops_when_told_and_goes_on_to_the_same_answer) {
  const Space space = large_space();
  const SearchGoal goal = goal_of();
  Tally tally(goal);
  std::vector<std::int64_t> left = chunks_in_order(space);
  int visits = 0;
  search_on_threads({space, goal, left}, MadeUpEngine::make, 1, tally,
                    [&](std::int64_t chunk, const ChunkRecord&, const Tally&) {
                      left.erase(std::find(left.begin(), left.end(), chunk));
                      return ++visits < 3;
                    });
  EXPECT_EQ(visits, 3);
  EXPECT_EQ(tally.coverage().points(), 3 * kChunkPoints);
  search_on_threads({space, goal, left}, MadeUpEngine::make, 1, tally, go_on);
  EXPECT_EQ(answer_of(tally), answer_of(searched(space, goal, 1)));
}

TEST(search, a_front_has_no_plan_that_another_beats) {
  const Space space = large_space();
  const SearchGoal goal = goal_of(Objective::memory);
  const Tally tally = searched(space, goal, 1);
  ASSERT_GT(tally.front().size(), 1U);
  for (std::int64_t i = 0; i < space.size(); ++i) {
    const Point point = space.at(i);
    if (point.kind != PointKind::plan || !MadeUpEngine::legal(point.plan)) continue;
    const PlanFigures figures = MadeUpEngine::evaluate(point.plan);
    if (!figures.fits) continue;
    const bool covered =
        std::any_of(tally.front().begin(), tally.front().end(), [&](const FoundPlan& on_front) {
          return on_front.figures.step <= figures.step && on_front.figures.memory <= figures.memory;
        });
    EXPECT_TRUE(covered) << i;
  }
}

/// Ranks as threads of this process, with a mailbox each.
class Mailboxes {
 public:
  explicit Mailboxes(int size) : boxes_(static_cast<std::size_t>(size)) {}

  RankLink link(int rank) {
    RankLink link;
    link.rank = rank;
    link.size = static_cast<int>(boxes_.size());
    link.send = [this, rank](int to, const std::string& message) {
      const std::lock_guard lock(mutex_);
      boxes_[static_cast<std::size_t>(to)].emplace_back(rank, message);
      arrived_.notify_all();
    };
    link.receive = [this, rank](int& from) {
      std::unique_lock lock(mutex_);
      auto& box = boxes_[static_cast<std::size_t>(rank)];
      arrived_.wait(lock, [&] { return !box.empty(); });
      const auto [sender, message] = box.front();
      box.pop_front();
      from = sender;
      return message;
    };
    return link;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::deque<std::pair<int, std::string>>> boxes_;
};

TEST(search, answers_the_same_on_ranks) {
  const Space space = large_space();
  const SearchGoal goal = goal_of();
  const SearchTask task{space, goal, chunks_in_order(space)};
  constexpr int kRanks = 4;
  Mailboxes mailboxes(kRanks);
  std::vector<std::thread> workers;
  for (int rank = 1; rank < kRanks; ++rank) {
    workers.emplace_back(
        [&, rank] { work_for_rank_0(task, MadeUpEngine::make, mailboxes.link(rank)); });
  }
  Tally tally(goal);
  coordinate_ranks(task, mailboxes.link(0), tally, go_on);
  for (std::thread& worker : workers)
    worker.join();
  EXPECT_EQ(answer_of(tally), answer_of(searched(space, goal, 1)));
}

TEST(search, a_record_survives_its_text) {
  ChunkRecord record;
  record.coverage = {1, 2, 3, 4, 5, 2};
  record.bounds = {0.1, 1.0 / 3};
  FoundPlan plan{9, {}};
  plan.figures.step = Seconds{1.0 / 7};
  plan.figures.cost = Dollars{0.3};
  record.best = {plan};
  record.nearest = plan;
  const std::string text = write_record(record);
  const Result<ChunkRecord> again = read_record(text, {.file = "test"});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(write_record(*again), text);
  EXPECT_EQ(again->best[0].figures, plan.figures);
}

TEST(search, a_damaged_record_is_refused) {
  for (const char* text :
       {"", "points 1 2 3 4 5\nbounds\nbest\nfront\nnearest", "points 1 2 3 4 5 6",
        "points 1 2 3 4 5 6\nbounds x\nbest\nfront\nnearest",
        "points 1 2 3 4 5 6\nbounds\nbest 1 2\nfront\nnearest"}) {
    EXPECT_FALSE(read_record(text, {.file = "test"}).has_value()) << text;
  }
}

}  // namespace
}  // namespace fastpath
