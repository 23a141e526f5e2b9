#include "cli/search_findings.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/units.h"

namespace fastpath::cli {
namespace {

constexpr std::size_t kAlternatives = 3;  ///< of each word that are shown

template <class Q>
Cell cell_of(const std::optional<Q>& quantity) {
  return quantity ? Cell(quantity->base()) : Cell();
}

Table coverage_table(const Coverage& c, std::int64_t points) {
  Table table{"coverage",
              "What the search covered",
              {{"points", Unit::none},
               {"count", Unit::count},
               {"share", Unit::ratio},
               {"meaning", Unit::none}},
              {}};
  const auto row = [&](const char* what, std::int64_t count, const char* meaning) {
    table.rows.push_back({what, static_cast<double>(count),
                          static_cast<double>(count) / static_cast<double>(points), meaning});
  };
  row("compared", c.compared, "ranked by their predicted figures");
  row("excluded", c.excluded, "their lower bound is above the last of the best plans");
  row("too large", c.too_large, "they do not fit into the device's memory");
  row("outside", c.outside, "they cannot keep within the limits");
  row("illegal", c.illegal, "no plan of this model on this system");
  row("redundant", c.redundant, "the same plan as another point");
  row("not covered", points - c.points(), "not searched here");
  row("all", points, "the space");
  return table;
}

/// Plans by rank in two tables: what ranks them with the plan itself last, since it may be long;
/// and the other figures.
class PlanTables {
 public:
  PlanTables(const std::string& name, const std::string& title, const SearchQuestion& asked)
      : asked_(asked), predictor_(asked.scenario.workload, asked.scenario.system) {
    plans_ = {name,
              title,
              {{"rank", Unit::count},
               {"step", Unit::seconds},
               {"behind", Unit::ratio},
               {"memory", Unit::bytes},
               {"devices", Unit::count},
               {"plan", Unit::none}},
              {}};
    figures_ = {name + "_figures",
                title + ": more figures",
                {{"rank", Unit::count},
                 {"low", Unit::seconds},
                 {"high", Unit::seconds},
                 {"mfu", Unit::ratio},
                 {"items", Unit::per_second},
                 {"energy", Unit::joules},
                 {"cost", Unit::dollars}},
                {}};
  }

  void add(const FoundPlan& found, double best) {
    add(asked_.space.at(found.index).plan, found.figures, best);
  }

  void add(const Plan& plan, const PlanFigures& figures, double best) {
    const double value = value_of(figures, asked_.goal.objective);
    const auto rank = static_cast<double>(plans_.rows.size() + 1);
    plans_.rows.push_back({rank, figures.step.base(), value / best - 1, figures.memory.base(),
                           static_cast<double>(figures.devices), describe_plan(plan)});
    const Result<Prediction> p = predictor_.predict(plan);
    if (!p) return;
    figures_.rows.push_back({rank, p->step.low.base(), p->step.high.base(), p->mfu,
                             p->items_per_second, cell_of(p->energy), cell_of(p->cost)});
  }

  void move_to(Findings& findings) {
    findings.tables.push_back(std::move(plans_));
    findings.tables.push_back(std::move(figures_));
  }

 private:
  const SearchQuestion& asked_;
  Predictor predictor_;
  Table plans_;
  Table figures_;
};

/// The best plan with one word changed.
struct Neighbour {
  std::string value;
  std::optional<PlanFigures> figures;
  std::string why_not;
  double change = 0;  ///< of the objective
};

std::string shortage(const PlanFigures& figures, const System& system) {
  const Bytes available = system.device.memories.front().capacity->value;
  return fmt::format("does not fit: needs {} of {}", format_quantity(figures.memory),
                     format_quantity(available));
}

Neighbour neighbour_of(const SearchQuestion& asked, PlanEvaluator& evaluator, const Plan& plan,
                       const FoundPlan& best) {
  Neighbour result;
  const Diagnostics mistakes = evaluator.mistakes(plan);
  if (!mistakes.empty()) {
    result.why_not = mistakes.front().what;
    return result;
  }
  const PlanFigures figures = evaluator.evaluate(plan);
  if (!figures.fits) {
    result.why_not = shortage(figures, asked.scenario.system);
  } else if (asked.goal.limits.exceeded_by(figures)) {
    result.why_not = "outside the limits";
  }
  result.figures = figures;
  result.change =
      value_of(figures, asked.goal.objective) / value_of(best.figures, asked.goal.objective) - 1;
  return result;
}

/// Feasible ones first, the least loss first.
bool nearer(const Neighbour& a, const Neighbour& b) {
  if (a.why_not.empty() != b.why_not.empty()) return a.why_not.empty();
  return a.change < b.change;
}

std::vector<Neighbour> neighbours_along(const SearchQuestion& asked, PlanEvaluator& evaluator,
                                        const FoundPlan& best, std::size_t axis) {
  const SpaceAxis& along = asked.space.axes()[axis];
  std::vector<std::size_t> digits = asked.space.digits(best.index);
  const Plan winner = asked.space.at(best.index).plan;
  const std::size_t own = digits[axis];
  std::vector<Neighbour> all;
  for (std::size_t value = 0; value < along.values.size(); ++value) {
    digits[axis] = value;
    const Point point = asked.space.at(asked.space.index_of(digits));
    if (value == own || point.plan == winner) continue;
    Neighbour neighbour = point.kind == PointKind::indivisible
                              ? Neighbour{{}, {}, "does not divide the devices", 0}
                              : neighbour_of(asked, evaluator, point.plan, best);
    neighbour.value = along.values[value];
    all.push_back(std::move(neighbour));
  }
  std::stable_sort(all.begin(), all.end(), nearer);
  if (all.size() > kAlternatives) all.resize(kAlternatives);
  return all;
}

/// Changing one word of the best plan at a time: what each costs.
Table knob_table(const SearchQuestion& asked, const FoundPlan& best) {
  Table table{"knobs",
              "Why it wins: one word changed at a time, the nearest first",
              {{"word", Unit::none},
               {"chosen", Unit::none},
               {"instead", Unit::none},
               {"step", Unit::seconds},
               {"memory", Unit::bytes},
               {"change", Unit::ratio},
               {"why_not", Unit::none}},
              {}};
  PlanEvaluator evaluator(asked.scenario.workload, asked.scenario.system);
  const std::vector<std::size_t> digits = asked.space.digits(best.index);
  for (std::size_t axis = 0; axis < digits.size(); ++axis) {
    const SpaceAxis& along = asked.space.axes()[axis];
    for (const Neighbour& n : neighbours_along(asked, evaluator, best, axis)) {
      table.rows.push_back({along.word, along.values[digits[axis]], n.value,
                            n.figures ? Cell(n.figures->step.base()) : Cell(),
                            n.figures ? Cell(n.figures->memory.base()) : Cell(),
                            n.figures ? Cell(n.change) : Cell(),
                            n.why_not.empty() ? Cell() : Cell(n.why_not)});
    }
  }
  return table;
}

Table elasticity_table(const SearchQuestion& asked, const Plan& plan) {
  Table table{"elasticities",
              "What the best plan's time is sensitive to",
              {{"resource", Unit::none}, {"elasticity", Unit::none}},
              {}};
  const auto prediction =
      predict(asked.scenario.workload, asked.scenario.system, plan, {.elasticities = true});
  if (!prediction) return table;
  for (const Elasticity& elasticity : prediction->elasticities)
    table.rows.push_back({elasticity.resource, elasticity.value});
  return table;
}

/// The user's plan beside the best: regret = how much worse its objective is.
void add_regret(const SearchQuestion& asked, const FoundPlan* best, Findings& findings) {
  PlanTables tables("regret", "The best plan and yours", asked);
  PlanEvaluator evaluator(asked.scenario.workload, asked.scenario.system);
  const PlanFigures own = evaluator.evaluate(*asked.against);
  const double own_value = value_of(own, asked.goal.objective);
  const double best_value = best ? value_of(best->figures, asked.goal.objective) : own_value;
  if (best) tables.add(*best, best_value);
  tables.add(*asked.against, own, best_value);
  tables.move_to(findings);
  if (!own.fits) {
    findings.notes.push_back("Your plan " + shortage(own, asked.scenario.system) + ".");
  }
  if (best && own.fits) {
    const double regret = own_value / best_value - 1;
    findings.notes.push_back(
        regret >= 0
            ? fmt::format("Regret of your plan: {:.1f} % more {} than the best of the space.",
                          100 * regret, name_of(asked.goal.objective))
            : fmt::format("Your plan is {:.1f} % better than the best of the space: it lies "
                          "outside the space or its limits.",
                          -100 * regret));
  }
}

/// Why nothing was found: the plan that misses the memory least, or what is wrong with the first.
void add_reason(const SearchQuestion& asked, const Tally& tally, Findings& findings) {
  const auto because = [&](const Plan& plan, const std::string& why) {
    findings.notes.push_back(fmt::format("The nearest: '{}' {}.", describe_plan(plan), why));
  };
  if (tally.nearest()) {
    because(asked.space.at(tally.nearest()->index).plan,
            shortage(tally.nearest()->figures, asked.scenario.system));
    return;
  }
  PlanEvaluator evaluator(asked.scenario.workload, asked.scenario.system);
  const Plan first = asked.space.at(0).plan;
  const Diagnostics mistakes = evaluator.mistakes(first);
  if (mistakes.empty()) return;
  findings.notes.push_back(fmt::format("For example '{}': {}; {}.", describe_plan(first),
                                       mistakes.front().what, mistakes.front().hint));
}

void add_front(const SearchQuestion& asked, const Tally& tally, double best, Findings& findings) {
  PlanTables tables("front",
                    fmt::format("Pareto front of {} and {}", name_of(asked.goal.objective),
                                name_of(*asked.goal.tradeoff)),
                    asked);
  for (const FoundPlan& found : tally.front())
    tables.add(found, best);
  tables.move_to(findings);
}

std::string verdict(const SearchQuestion& asked, const Tally& tally, std::int64_t wanted,
                    const std::string& part) {
  const std::int64_t covered = tally.coverage().points();
  const std::string what = part.empty() ? "the space" : part;
  if (covered < wanted) {
    return fmt::format(
        "NOT FINISHED: {} of {} points of {} are covered; a better plan may be "
        "among the others.",
        format_number(static_cast<double>(covered), 12),
        format_number(static_cast<double>(wanted), 12), what);
  }
  if (!part.empty()) {
    return fmt::format("All {} points of {} are covered; fastpath merge unites the shards.",
                       format_number(static_cast<double>(wanted), 12), part);
  }
  if (tally.best().empty()) {
    return fmt::format(
        "All {} points are covered: no plan of the space is legal, fits and keeps "
        "within the limits.",
        format_number(static_cast<double>(wanted), 12));
  }
  return fmt::format("All {} points are covered: no plan of the space takes less {}.",
                     format_number(static_cast<double>(wanted), 12), name_of(asked.goal.objective));
}

}  // namespace

Findings findings_of_search(const SearchQuestion& asked, const Tally& tally,
                            const std::string& part, std::int64_t wanted) {
  const System& system = asked.scenario.system;
  Findings findings;
  findings.title = fmt::format("Best plans for {} on {}", asked.scenario.workload.name,
                               system.id.empty() ? system.name : system.id);
  findings.notes.push_back(verdict(asked, tally, wanted, part));
  findings.tables.push_back(coverage_table(tally.coverage(), asked.space.size()));
  const FoundPlan* best = tally.best().empty() ? nullptr : &tally.best().front();
  if (best != nullptr) {
    const double value = value_of(best->figures, asked.goal.objective);
    PlanTables tables("best", fmt::format("The best plans by {}", name_of(asked.goal.objective)),
                      asked);
    for (const FoundPlan& found : tally.best())
      tables.add(found, value);
    tables.move_to(findings);
    if (asked.goal.tradeoff) add_front(asked, tally, value, findings);
    findings.tables.push_back(knob_table(asked, *best));
    findings.tables.push_back(elasticity_table(asked, asked.space.at(best->index).plan));
  }
  if (best == nullptr) add_reason(asked, tally, findings);
  if (asked.against) add_regret(asked, best, findings);
  if (best != nullptr) {
    const std::string plan = describe_plan(asked.space.at(best->index).plan);
    findings.notes.push_back(fmt::format("The best plan: --plan '{}'.", plan));
  }
  findings.notes.push_back("Space: " + asked.space.text() + ".");
  add_assumptions(findings, asked.question, nullptr);
  return findings;
}

}  // namespace fastpath::cli
