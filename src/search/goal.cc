#include "search/goal.h"

#include <array>
#include <utility>

namespace fastpath {
namespace {

constexpr auto kObjectives = std::to_array<std::pair<std::string_view, Objective>>({
    {"time", Objective::time},
    {"cost", Objective::cost},
    {"energy", Objective::energy},
    {"memory", Objective::memory},
    {"devices", Objective::devices},
});

template <class Q>
double base_or_infinity(const std::optional<Q>& quantity) {
  return quantity ? quantity->base() : std::numeric_limits<double>::infinity();
}

template <class T>
bool above(const std::optional<T>& figure, const std::optional<T>& limit) {
  return limit && (!figure || *figure > *limit);
}

}  // namespace

std::string_view name_of(Objective objective) {
  for (const auto& [name, value] : kObjectives) {
    if (value == objective) return name;
  }
  return "?";
}

std::optional<Objective> objective_of(std::string_view name) {
  for (const auto& [known, value] : kObjectives) {
    if (known == name) return value;
  }
  return std::nullopt;
}

double value_of(const PlanFigures& figures, Objective objective) {
  switch (objective) {
    case Objective::time: return figures.step.base();
    case Objective::cost: return base_or_infinity(figures.cost);
    case Objective::energy: return base_or_infinity(figures.energy);
    case Objective::memory: return figures.memory.base();
    case Objective::devices: return static_cast<double>(figures.devices);
  }
  return std::numeric_limits<double>::infinity();
}

bool SearchLimits::exceeded_by(const PlanFigures& figures) const {
  return above(std::optional(figures.step), time) || above(std::optional(figures.memory), memory) ||
         above(figures.energy, energy) || above(figures.cost, cost) ||
         above(std::optional(figures.devices), devices);
}

}  // namespace fastpath
