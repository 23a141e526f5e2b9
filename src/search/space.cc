#include "search/space.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"

namespace fastpath {
namespace {

constexpr std::int64_t kMostPoints = 1'000'000'000'000;
constexpr std::size_t kMostValues = 4096;
constexpr std::string_view kDevices = "devices";

/// Values of some words hold commas: theirs are separated by bars.
bool has_commas(std::string_view word) { return word == "order" || word == "offload"; }

std::vector<std::string> separate(std::string_view word, const std::string& text) {
  const bool bars = has_commas(word) || text.find('|') != text.npos;
  std::vector<std::string> values;
  for (const std::string_view part : split(text, bars ? '|' : ','))
    values.emplace_back(part);
  return values;
}

struct Mistake {
  std::string what;
  std::string hint;
};

/// Appends "1..8" or "1..64*2" as whole numbers, and anything else as it stands.
std::optional<Mistake> expand(const std::string& text, std::vector<std::string>& values) {
  const std::size_t dots = text.find("..");
  if (dots == text.npos) {
    values.push_back(text);
    return std::nullopt;
  }
  const std::size_t star = text.find('*', dots);
  const std::string_view all = text;
  const auto first = parse_integer(all.substr(0, dots));
  const auto last =
      parse_integer(all.substr(dots + 2, star == text.npos ? text.npos : star - dots - 2));
  const auto factor =
      star == text.npos ? std::optional<long long>(1) : parse_integer(all.substr(star + 1));
  const bool multiplies = star != text.npos;
  if (!first || !last || !factor || *first > *last || (multiplies && (*factor < 2 || *first < 1))) {
    return Mistake{fmt::format("{} is not a range", in_quotes(text)),
                   "write 1..8, or 1..64*2 for 1, 2, 4, ..., 64"};
  }
  for (long long value = *first; value <= *last && values.size() <= kMostValues;) {
    values.push_back(std::to_string(value));
    value = multiplies ? value * *factor : value + 1;
  }
  return std::nullopt;
}

const PlanAxis* find_axis(std::string_view word) {
  for (const PlanAxis& axis : plan_axes()) {
    if (axis.word == word) return &axis;
  }
  return nullptr;
}

/// Place of an axis in the enumeration; devices come first.
std::ptrdiff_t rank_of(const SpaceAxis& axis) {
  return axis.plan_axis == nullptr ? -1 : axis.plan_axis - plan_axes().data();
}

/// Reads the words into axes, remembering all mistakes.
class AxisReader {
 public:
  void read(const PlanWord& word) {
    const std::string key = word.key == "sequence_parallel" ? "sp" : word.key;
    SpaceAxis axis{key, {}, {}, {}, find_axis(key)};
    if (axis.plan_axis == nullptr && key != kDevices) {
      refuse_unknown(word);
      return;
    }
    if (!seen_.insert(key).second) {
      mistake(word.key_place, fmt::format("{} is given twice", in_quotes(word.key)), {});
      return;
    }
    for (const std::string& part : separate(key, word.value.value_or(key == "sp" ? "true" : ""))) {
      if (auto wrong = expand(part, axis.values))
        mistake(word.value_place, wrong->what, wrong->hint);
    }
    read_values(word, axis);
    axes_.push_back(std::move(axis));
  }

  bool has(std::string_view word) const { return seen_.contains(std::string(word)); }

  void mistake(const Place& place, std::string what, std::string hint) {
    mistakes_.push_back({place, std::move(what), std::move(hint)});
  }

  void add(SpaceAxis axis) { axes_.push_back(std::move(axis)); }

  /// In the order of enumeration.
  std::vector<SpaceAxis> take_axes() {
    std::sort(axes_.begin(), axes_.end(),
              [](const SpaceAxis& a, const SpaceAxis& b) { return rank_of(a) < rank_of(b); });
    return std::move(axes_);
  }

  /// In the order of the text.
  Diagnostics take_mistakes() {
    sort_by_place(mistakes_);
    return std::move(mistakes_);
  }

 private:
  /// A plan's own message names the nearest word.
  void refuse_unknown(const PlanWord& word) {
    const PlanWord alone{word.key, "1", word.key_place, word.value_place};
    const Result<Plan> plan = plan_of_words({&alone, 1});
    if (!plan) {
      mistakes_.insert(mistakes_.end(), plan.error().begin(), plan.error().end());
    } else {
      mistake(word.key_place, fmt::format("{} cannot be searched over", in_quotes(word.key)), {});
    }
  }

  void read_values(const PlanWord& word, SpaceAxis& axis) {
    if (axis.values.size() > kMostValues) {
      mistake(word.value_place, fmt::format("{} has more than {} values", axis.word, kMostValues),
              "narrow the range");
      return;
    }
    std::set<std::string> seen;
    for (const std::string& value : axis.values) {
      if (!seen.insert(value).second) {
        mistake(word.value_place, fmt::format("{}: {} is given twice", axis.word, value), {});
      }
      const std::size_t before = mistakes_.size();
      if (axis.plan_axis == nullptr) {
        read_count(word, value, axis);
      } else {
        read_value(word, value, axis);
      }
      if (mistakes_.size() > before) return;  // the values of a range are wrong together
    }
  }

  void read_count(const PlanWord& word, const std::string& value, SpaceAxis& axis) {
    const auto count = parse_integer(value);
    if (!count || *count < 1) {
      mistake(word.value_place,
              fmt::format("devices: {} is not a number of devices", in_quotes(value)),
              "for example devices=8,16");
    }
    axis.counts.push_back(count.value_or(1));
  }

  void read_value(const PlanWord& word, const std::string& value, SpaceAxis& axis) {
    const PlanWord one{axis.word, value, word.key_place, word.value_place};
    const Result<Plan> plan = plan_of_words({&one, 1});
    if (!plan) mistakes_.insert(mistakes_.end(), plan.error().begin(), plan.error().end());
    axis.plans.push_back(plan.value_or(Plan{}));
  }

  std::set<std::string> seen_;
  std::vector<SpaceAxis> axes_;
  Diagnostics mistakes_;
};

/// The axes that really split, in their order on the topology, as one number.
std::uint32_t order_in_use(const Plan& plan, const std::array<MeshAxis, kMeshAxes>& order) {
  const std::array<int, kMeshAxes> ranks = {
      plan.tensor_parallel, plan.context_parallel, plan.expert_parallel,
      plan.data_parallel / std::max(1, plan.expert_parallel), plan.pipeline_parallel};
  std::uint32_t used = 0;
  for (const MeshAxis axis : order) {
    const auto index = static_cast<std::uint32_t>(axis);
    if (ranks[index] > 1) used = (kMeshAxes + 1) * used + index + 1;
  }
  return used;
}

/// Whether an earlier order of the axis is the same for this plan's degrees.
bool repeats_an_order(const Plan& plan, const SpaceAxis& axis, std::size_t digit) {
  const std::uint32_t used = order_in_use(plan, axis.plans[digit].order);
  return std::any_of(
      axis.plans.begin(), axis.plans.begin() + static_cast<std::ptrdiff_t>(digit),
      [&](const Plan& earlier) { return order_in_use(plan, earlier.order) == used; });
}

}  // namespace

Result<std::vector<std::string>> values_of_word(const PlanWord& word) {
  std::vector<std::string> values;
  Diagnostics mistakes;
  for (const std::string& part : separate(word.key, word.value.value_or(""))) {
    if (auto wrong = expand(part, values))
      mistakes.push_back({word.value_place, wrong->what, wrong->hint});
  }
  if (values.size() > kMostValues) {
    mistakes.push_back({word.value_place,
                        fmt::format("{} has more than {} values", word.key, kMostValues),
                        "narrow the range"});
  }
  std::set<std::string> seen;
  for (const std::string& value : values) {
    if (seen.insert(value).second || !mistakes.empty()) continue;
    mistakes.push_back(
        {word.value_place, fmt::format("{}: {} is given twice", word.key, value), {}});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return values;
}

Result<Space> Space::of_words(std::span<const PlanWord> words, std::int64_t devices) {
  AxisReader reader;
  for (const PlanWord& word : words)
    reader.read(word);
  if (reader.has("dp") && reader.has(kDevices)) {
    reader.mistake(words.front().key_place, "dp and devices exclude each other",
                   "leave dp out: it follows from devices / (tp cp pp)");
  }
  Space space;
  space.derives_dp_ = !reader.has("dp");
  if (space.derives_dp_ && !reader.has(kDevices)) {
    reader.add({std::string(kDevices), {std::to_string(devices)}, {}, {devices}, nullptr});
  }
  space.axes_ = reader.take_axes();
  double points = 1;
  for (const SpaceAxis& axis : space.axes_)
    points *= static_cast<double>(axis.values.size());
  if (points > static_cast<double>(kMostPoints)) {
    reader.mistake(words.front().key_place,
                   fmt::format("the space has {} points, more than {}", format_number(points),
                               format_number(static_cast<double>(kMostPoints))),
                   "give fewer words or values");
  }
  Diagnostics mistakes = reader.take_mistakes();
  if (!mistakes.empty()) return failure(std::move(mistakes));
  space.size_ = static_cast<std::int64_t>(points);
  const std::ptrdiff_t last_degree = find_axis("dp") - plan_axes().data();
  while (space.degrees_ < space.axes_.size() && rank_of(space.axes_[space.degrees_]) <= last_degree)
    ++space.degrees_;
  return space;
}

Result<Space> Space::parse(std::string_view text, std::int64_t devices, const Place& place) {
  return of_words(words_of_text(text, place), devices);
}

std::vector<std::size_t> Space::digits(std::int64_t index) const {
  std::vector<std::size_t> result(axes_.size());
  for (std::size_t i = axes_.size(); i-- > 0;) {
    const auto base = static_cast<std::int64_t>(axes_[i].values.size());
    result[i] = static_cast<std::size_t>(index % base);
    index /= base;
  }
  return result;
}

std::int64_t Space::index_of(const std::vector<std::size_t>& digits) const {
  std::int64_t index = 0;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    index = index * static_cast<std::int64_t>(axes_[i].values.size()) +
            static_cast<std::int64_t>(digits[i]);
  }
  return index;
}

Point Space::at(std::int64_t index) const { return point_of(digits(index)); }

Point Space::point_of(const std::vector<std::size_t>& digits) const {
  Point point;
  Plan& plan = point.plan;
  std::int64_t devices = 0;
  for (std::size_t i = 0; i < degrees_; ++i) {
    const SpaceAxis& axis = axes_[i];
    if (axis.plan_axis == nullptr) {
      devices = axis.counts[digits[i]];
    } else {
      axis.plan_axis->copy(axis.plans[digits[i]], plan);
    }
  }
  if (derives_dp_) {
    const std::int64_t others =
        std::int64_t{plan.tensor_parallel} * plan.context_parallel * plan.pipeline_parallel;
    if (devices % others != 0) return {PointKind::indivisible, plan};
    plan.data_parallel = static_cast<int>(devices / others);
  }
  for (std::size_t i = degrees_; i < axes_.size(); ++i) {
    const SpaceAxis& axis = axes_[i];
    const bool matters = axis.plan_axis->matters == nullptr || axis.plan_axis->matters(plan);
    if (matters) axis.plan_axis->copy(axis.plans[digits[i]], plan);
    const bool repeats = axis.word == "order" ? repeats_an_order(plan, axis, digits[i]) : !matters;
    if (repeats && digits[i] > 0) point.kind = PointKind::redundant;
  }
  return point;
}

std::string Space::text() const {
  std::string text;
  for (const SpaceAxis& axis : axes_) {
    if (!text.empty()) text += ' ';
    text +=
        fmt::format("{}={}", axis.word, fmt::join(axis.values, has_commas(axis.word) ? "|" : ","));
  }
  return text;
}

}  // namespace fastpath
