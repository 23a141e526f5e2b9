/// Exact search: every point of a space is illegal, redundant, too large, outside the limits,
/// excluded by an admissible bound, or compared. Nothing is sampled.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "search/goal.h"
#include "search/space.h"
#include "search/tally.h"

namespace fastpath {

/// Points of one chunk: what is journaled, handed to ranks and shared out to shards at once.
inline constexpr std::int64_t kChunkPoints = 1024;

std::int64_t chunk_count(const Space& space);

/// Shard of a chunk: a hash of its number, so that each shard gets a fair share of every region.
std::int64_t shard_of(std::int64_t chunk, std::int64_t shards);

/// The chunks in the order of the search: far apart first, so that good plans are met early.
std::vector<std::int64_t> chunks_in_order(const Space& space);

/// Searches the points of `chunk`. `threshold` may fall while it runs: bounds above it are
/// excluded.
ChunkRecord search_chunk(const Space& space, const SearchGoal& goal, const SearchEngine& engine,
                         std::int64_t chunk, const std::atomic<double>& threshold);

/// Told of each chunk that is done, one at a time, with the tally that has it; false stops the
/// search after the chunks at work.
using ChunkListener =
    std::function<bool(std::int64_t chunk, const ChunkRecord& record, const Tally& tally)>;

struct SearchTask {
  const Space& space;
  const SearchGoal& goal;
  std::vector<std::int64_t> chunks;  ///< those to search, in order
};

/// Searches the chunks on so many threads, each with an engine of its own, and adds them to
/// `tally`. The result does not depend on the number of threads.
void search_on_threads(const SearchTask& task, const EngineMaker& make_engine, int threads,
                       Tally& tally, const ChunkListener& listener);

/// Messages between processes of one job; the first rank is 0.
struct RankLink {
  int rank = 0;
  int size = 1;
  std::function<void(int to, const std::string& message)> send;
  /// Waits for a message from anyone; `from` is set to its sender.
  std::function<std::string(int& from)> receive;
  /// Called by all ranks together: the largest of their codes.
  std::function<int(int code)> worst;
};

/// Rank 0: hands out chunks one by one, with the best so far, to ranks that ask.
void coordinate_ranks(const SearchTask& task, const RankLink& link, Tally& tally,
                      const ChunkListener& listener);

/// All other ranks: search what rank 0 hands out until it says stop.
void work_for_rank_0(const SearchTask& task, const EngineMaker& make_engine, const RankLink& link);

}  // namespace fastpath
