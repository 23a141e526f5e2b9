#include "search/tally.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

/// Bounds are compacted when there are so many more than at the last time.
constexpr std::size_t kBoundsToCompact = 1 << 16;

void write_plans(std::string& text, std::string_view name, const std::vector<FoundPlan>& plans) {
  text += fmt::format("\n{}", name);
  for (const FoundPlan& plan : plans) {
    const PlanFigures& f = plan.figures;
    text += fmt::format(" {} {} {} {} {} {}", plan.index, f.step.base(), f.memory.base(), f.devices,
                        f.energy ? fmt::format("{}", f.energy->base()) : "-",
                        f.cost ? fmt::format("{}", f.cost->base()) : "-");
  }
}

/// Reads numbers one after another; once one is wrong, all that follow are 0.
class NumberReader {
 public:
  explicit NumberReader(std::string_view line) : words_(words(line)) {}

  bool failed() const { return failed_; }
  bool done() const { return failed_ || next_ >= words_.size(); }

  double number() {
    const auto value = optional_number();
    if (!value) failed_ = true;
    return value.value_or(0);
  }

  std::int64_t whole() {
    const auto value = next_ < words_.size() ? parse_integer(words_[next_++]) : std::nullopt;
    if (!value) failed_ = true;
    return value.value_or(0);
  }

  /// None for "-".
  std::optional<double> optional_number() {
    if (next_ >= words_.size()) {
      failed_ = true;
      return 0.0;
    }
    const std::string_view word = words_[next_++];
    if (word == "-") return std::nullopt;
    const auto value = parse_number(word);
    if (!value) failed_ = true;
    return value.value_or(0);
  }

 private:
  std::vector<std::string_view> words_;
  std::size_t next_ = 1;  // the first word names the line
  bool failed_ = false;
};

bool read_plans(std::string_view line, std::vector<FoundPlan>& plans) {
  NumberReader reader(line);
  while (!reader.done()) {
    FoundPlan plan;
    plan.index = reader.whole();
    plan.figures.step = Seconds{reader.number()};
    plan.figures.memory = Bytes{reader.number()};
    plan.figures.devices = reader.whole();
    if (const auto energy = reader.optional_number()) plan.figures.energy = Joules{*energy};
    if (const auto cost = reader.optional_number()) plan.figures.cost = Dollars{*cost};
    plans.push_back(plan);
  }
  return !reader.failed();
}

}  // namespace

std::string write_record(const ChunkRecord& record) {
  const Coverage& c = record.coverage;
  std::string text = fmt::format("points {} {} {} {} {} {}\nbounds", c.illegal, c.redundant,
                                 c.too_large, c.outside, c.excluded, c.compared);
  for (const double bound : record.bounds)
    text += fmt::format(" {}", bound);
  write_plans(text, "best", record.best);
  write_plans(text, "front", record.front);
  write_plans(text, "nearest",
              record.nearest ? std::vector{*record.nearest} : std::vector<FoundPlan>{});
  return text;
}

Result<ChunkRecord> read_record(std::string_view text, const Place& place) {
  ChunkRecord record;
  const std::vector<std::string_view> lines = split(text, '\n');
  std::vector<FoundPlan> nearest;
  bool good = lines.size() == 5;
  if (good) {
    NumberReader counts(lines[0]);
    Coverage& c = record.coverage;
    for (std::int64_t* count :
         {&c.illegal, &c.redundant, &c.too_large, &c.outside, &c.excluded, &c.compared})
      *count = counts.whole();
    NumberReader bounds(lines[1]);
    while (!bounds.done())
      record.bounds.push_back(bounds.number());
    good = !counts.failed() && counts.done() && !bounds.failed() &&
           read_plans(lines[2], record.best) && read_plans(lines[3], record.front) &&
           read_plans(lines[4], nearest) && nearest.size() <= 1;
    if (!nearest.empty()) record.nearest = nearest.front();
  }
  if (!good) return failure(place, "holds a record that cannot be read", "start a new journal");
  return record;
}

bool better(const FoundPlan& a, const FoundPlan& b, Objective objective) {
  const auto key = [&](const FoundPlan& plan) {
    return std::tuple(value_of(plan.figures, objective), plan.figures.step, plan.figures.memory,
                      plan.index);
  };
  return key(a) < key(b);
}

void offer_nearest(std::optional<FoundPlan>& nearest, const FoundPlan& plan) {
  if (!nearest || better(plan, *nearest, Objective::memory)) nearest = plan;
}

void offer(std::vector<FoundPlan>& best, const FoundPlan& plan, const SearchGoal& goal) {
  const auto before = [&](const FoundPlan& a, const FoundPlan& b) {
    return better(a, b, goal.objective);
  };
  if (best.size() >= goal.top && !before(plan, best.back())) return;
  best.insert(std::upper_bound(best.begin(), best.end(), plan, before), plan);
  if (best.size() > goal.top) best.pop_back();
}

void keep_front(std::vector<FoundPlan>& plans, const SearchGoal& goal) {
  std::sort(plans.begin(), plans.end(), [&](const FoundPlan& a, const FoundPlan& b) {
    const double left = value_of(a.figures, goal.objective);
    const double right = value_of(b.figures, goal.objective);
    if (left != right) return left < right;
    return better(a, b, *goal.tradeoff);
  });
  double least = std::numeric_limits<double>::infinity();
  const auto dominated = [&](const FoundPlan& plan) {
    const double value = value_of(plan.figures, *goal.tradeoff);
    if (value >= least) return true;
    least = value;
    return false;
  };
  plans.erase(std::remove_if(plans.begin(), plans.end(), dominated), plans.end());
}

void Tally::add(ChunkRecord record) {
  Coverage& sum = coverage_;
  const Coverage& more = record.coverage;
  sum.illegal += more.illegal;
  sum.redundant += more.redundant;
  sum.too_large += more.too_large;
  sum.outside += more.outside;
  sum.excluded += more.excluded;
  sum.compared += more.compared;
  if (record.nearest) offer_nearest(nearest_, *record.nearest);
  for (const FoundPlan& plan : record.best)
    offer(best_, plan, goal_);
  if (goal_.tradeoff) {
    front_.insert(front_.end(), record.front.begin(), record.front.end());
    keep_front(front_, goal_);
  }
  const std::size_t before = bounds_.size();
  bounds_.insert(bounds_.end(), record.bounds.begin(), record.bounds.end());
  if (bounds_.size() / kBoundsToCompact == before / kBoundsToCompact) return;
  const double most = threshold();
  bounds_.erase(
      std::remove_if(bounds_.begin(), bounds_.end(), [&](double bound) { return bound > most; }),
      bounds_.end());
}

double Tally::threshold() const {
  if (goal_.tradeoff || best_.size() < goal_.top) return std::numeric_limits<double>::infinity();
  return value_of(best_.back().figures, goal_.objective);
}

Coverage Tally::coverage() const {
  Coverage result = coverage_;
  if (goal_.tradeoff) return result;
  const double most = threshold();
  const std::int64_t all = result.excluded + result.compared;
  result.compared =
      std::count_if(bounds_.begin(), bounds_.end(), [&](double bound) { return bound <= most; });
  result.excluded = all - result.compared;
  return result;
}

}  // namespace fastpath
