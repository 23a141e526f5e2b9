#include "search/search.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <thread>

namespace fastpath {
namespace {

/// splitmix64 (Steele et al., OOPSLA 2014): neighbours get unrelated values.
std::uint64_t scatter(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

/// One chunk's points, one after the other.
class ChunkSearch {
 public:
  ChunkSearch(const SearchGoal& goal, const SearchEngine& engine,
              const std::atomic<double>& threshold)
      : goal_(goal), engine_(engine), threshold_(threshold) {}

  void visit(std::int64_t index, const Point& point) {
    Coverage& coverage = record_.coverage;
    if (point.kind == PointKind::redundant) {
      ++coverage.redundant;
    } else if (point.kind == PointKind::indivisible || !engine_.legal(point.plan)) {
      ++coverage.illegal;
    } else {
      visit_plan(index, point.plan);
    }
  }

  ChunkRecord take() {
    if (goal_.tradeoff) keep_front(record_.front, goal_);
    return std::move(record_);
  }

 private:
  void visit_plan(std::int64_t index, const Plan& plan) {
    Coverage& coverage = record_.coverage;
    const PlanFigures bound = engine_.bound(plan);
    if (!bound.fits) {
      ++coverage.too_large;
      offer_nearest(record_.nearest, {index, bound});
    } else if (goal_.limits.exceeded_by(bound)) {
      ++coverage.outside;
    } else if (value_of(bound, goal_.objective) > threshold_.load(std::memory_order_relaxed)) {
      ++coverage.excluded;
    } else {
      compare({index, engine_.evaluate(plan)}, value_of(bound, goal_.objective));
    }
  }

  void compare(const FoundPlan& plan, double bound) {
    ++record_.coverage.compared;
    if (!goal_.tradeoff) record_.bounds.push_back(bound);
    if (goal_.limits.exceeded_by(plan.figures)) return;
    offer(record_.best, plan, goal_);
    if (goal_.tradeoff) record_.front.push_back(plan);
  }

  const SearchGoal& goal_;
  const SearchEngine& engine_;
  const std::atomic<double>& threshold_;
  ChunkRecord record_;
};

}  // namespace

std::int64_t chunk_count(const Space& space) {
  return (space.size() + kChunkPoints - 1) / kChunkPoints;
}

std::int64_t shard_of(std::int64_t chunk, std::int64_t shards) {
  return static_cast<std::int64_t>(scatter(static_cast<std::uint64_t>(chunk)) %
                                   static_cast<std::uint64_t>(shards));
}

std::vector<std::int64_t> chunks_in_order(const Space& space) {
  std::vector<std::int64_t> chunks(static_cast<std::size_t>(chunk_count(space)));
  std::iota(chunks.begin(), chunks.end(), 0);
  std::sort(chunks.begin(), chunks.end(), [](std::int64_t a, std::int64_t b) {
    return scatter(static_cast<std::uint64_t>(a)) < scatter(static_cast<std::uint64_t>(b));
  });
  return chunks;
}

ChunkRecord search_chunk(const Space& space, const SearchGoal& goal, const SearchEngine& engine,
                         std::int64_t chunk, const std::atomic<double>& threshold) {
  ChunkSearch search(goal, engine, threshold);
  const std::int64_t end = std::min(space.size(), (chunk + 1) * kChunkPoints);
  for (std::int64_t index = chunk * kChunkPoints; index < end; ++index) {
    search.visit(index, space.at(index));
  }
  return search.take();
}

void search_on_threads(const SearchTask& task, const EngineMaker& make_engine, int threads,
                       Tally& tally, const ChunkListener& listener) {
  std::atomic<std::size_t> next{0};
  std::atomic<double> threshold{tally.threshold()};
  std::mutex mutex;
  const auto work = [&] {
    const SearchEngine engine = make_engine();
    for (std::size_t i = next++; i < task.chunks.size(); i = next++) {
      const std::int64_t chunk = task.chunks[i];
      const ChunkRecord record = search_chunk(task.space, task.goal, engine, chunk, threshold);
      const std::lock_guard lock(mutex);
      tally.add(record);
      threshold = tally.threshold();
      if (!listener(chunk, record, tally)) next = task.chunks.size();
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i)
    others.emplace_back(work);
  work();
  for (std::thread& other : others)
    other.join();
}

}  // namespace fastpath
