#include "serve/timeline.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace fastpath {
namespace {

constexpr double kPicoseconds = 1e12;

Picoseconds picoseconds(Seconds time) { return std::llround(time.base() * kPicoseconds); }

class Drawing {
 public:
  explicit Drawing(std::int64_t prefill) : prefill_(prefill) {
    timeline_.origin = Origin::simulated;
    timeline_.title = "serving";
    category_ = name("iteration");
    waiting_ = name("waiting (requests)");
    decoding_ = name("decoding (sequences)");
    used_ = name("KV pool in use (%)");
  }

  void add(const IterationRecord& record) {
    Span span;
    span.lane = lane(record.replica);
    span.name = name(text_of(record));
    span.category = category_;
    span.start = picoseconds(record.start);
    span.duration = picoseconds(record.end) - span.start;
    span.bound = record.prompt_tokens > 0 ? Bound::compute : Bound::memory;
    timeline_.spans.push_back(span);
    count(waiting_, record, static_cast<double>(record.waiting));
    count(decoding_, record, static_cast<double>(record.decoding));
    const auto capacity = static_cast<double>(std::max<std::int64_t>(1, record.capacity_blocks));
    count(used_, record, 100 * static_cast<double>(record.used_blocks) / capacity);
  }

  Timeline finish() { return std::move(timeline_); }

 private:
  static std::string text_of(const IterationRecord& record) {
    std::string text;
    if (record.prompt_tokens > 0) text = "prefill";
    if (record.decoding > 0) text += text.empty() ? "decode" : " and decode";
    return text;
  }

  void count(std::uint32_t counter, const IterationRecord& record, double value) {
    timeline_.counters.push_back({counter, lane(record.replica), picoseconds(record.end), value});
  }

  std::uint32_t name(const std::string& text) {
    const auto [found, added] =
        names_.try_emplace(text, static_cast<std::uint32_t>(timeline_.names.size()));
    if (added) timeline_.names.push_back(text);
    return found->second;
  }

  std::uint32_t lane(std::int32_t replica) {
    const auto [found, added] =
        lanes_.try_emplace(replica, static_cast<std::uint32_t>(timeline_.lanes.size()));
    if (added) {
      const char* kind = replica < prefill_ ? "prefill worker " : "replica ";
      timeline_.lanes.push_back({kind + std::to_string(replica), "iterations"});
    }
    return found->second;
  }

  std::int64_t prefill_;
  Timeline timeline_;
  std::map<std::string, std::uint32_t> names_;
  std::map<std::int32_t, std::uint32_t> lanes_;
  std::uint32_t category_ = 0;
  std::uint32_t waiting_ = 0;
  std::uint32_t decoding_ = 0;
  std::uint32_t used_ = 0;
};

}  // namespace

Timeline timeline_of(std::span<const IterationRecord> log, std::int64_t prefill, std::size_t most) {
  std::vector<IterationRecord> records(log.begin(), log.end());
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.start < b.start; });
  Drawing drawing(prefill);
  for (std::size_t i = 0; i < std::min(most, records.size()); ++i)
    drawing.add(records[i]);
  Timeline timeline = drawing.finish();
  if (records.size() > most) {
    timeline.dropped = static_cast<std::int64_t>(records.size() - most);
    timeline.notes.push_back(std::to_string(timeline.dropped) +
                             " later runs of iterations are left out");
  }
  return timeline;
}

}  // namespace fastpath
