// Messages: a rank sends "" when it is ready, or the record of its chunk; rank 0 answers with the
// number of a chunk and the threshold, or "stop".
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "search/search.h"

namespace fastpath {
namespace {

constexpr std::string_view kStop = "stop";

struct Order {
  std::int64_t chunk = 0;
  double threshold = std::numeric_limits<double>::infinity();
};

std::string write_order(const Order& order) {
  const bool bounded = order.threshold < std::numeric_limits<double>::infinity();
  return fmt::format("{} {}", order.chunk, bounded ? fmt::format("{}", order.threshold) : "-");
}

Order read_order(std::string_view text) {
  const std::vector<std::string_view> parts = words(text);
  FP_CHECK(parts.size() == 2);
  Order order;
  order.chunk = parse_integer(parts[0]).value_or(0);
  if (const auto threshold = parse_number(parts[1])) order.threshold = *threshold;
  return order;
}

}  // namespace

void coordinate_ranks(const SearchTask& task, const RankLink& link, Tally& tally,
                      const ChunkListener& listener) {
  std::vector<std::int64_t> at_work(static_cast<std::size_t>(link.size), -1);
  std::size_t next = 0;
  for (int working = link.size - 1; working > 0;) {
    int from = 0;
    const std::string message = link.receive(from);
    std::int64_t& chunk = at_work[static_cast<std::size_t>(from)];
    if (!message.empty()) {
      const Result<ChunkRecord> record = read_record(message, {.file = "message"});
      FP_CHECK(record.has_value());
      tally.add(*record);
      if (!listener(chunk, *record, tally)) next = task.chunks.size();
    }
    if (next < task.chunks.size()) {
      chunk = task.chunks[next++];
      link.send(from, write_order({chunk, tally.threshold()}));
    } else {
      link.send(from, std::string(kStop));
      --working;
    }
  }
}

void work_for_rank_0(const SearchTask& task, const EngineMaker& make_engine, const RankLink& link) {
  const SearchEngine engine = make_engine();
  std::atomic<double> threshold{0};
  std::string message;
  for (;;) {
    link.send(0, message);
    int from = 0;
    const std::string answer = link.receive(from);
    if (answer == kStop) return;
    const Order order = read_order(answer);
    threshold = order.threshold;
    message = write_record(search_chunk(task.space, task.goal, engine, order.chunk, threshold));
  }
}

}  // namespace fastpath
