#include <algorithm>
#include <list>

#include <fmt/format.h>

#include "analyze/prediction_findings.h"
#include "cli/emit.h"
#include "cli/scenario.h"
#include "cli/verbs.h"

namespace fastpath::cli {
namespace {

/// A scenario with its prediction, under the name that tells it from the others.
struct Case {
  std::string label;
  Scenario scenario;
  Prediction prediction;
};

constexpr std::size_t kMostCases = 8;

/// Every system with every plan, in the order of the command line.
struct Pair {
  std::string system;
  std::string plan;
};

Result<std::vector<Pair>> pairs_from(const Arguments& arguments) {
  const std::vector<std::string> systems = arguments.all("on");
  std::vector<std::string> plans = arguments.all("plan");
  if (plans.empty()) plans.emplace_back();
  std::vector<Pair> pairs;
  for (const std::string& system : systems) {
    for (const std::string& plan : plans)
      pairs.push_back({system, plan});
  }
  if (systems.empty()) {
    return failure(command_line(), "--on is missing: on which systems?",
                   "for example --on dgx-a100-80gb --on dgx-h100");
  }
  if (pairs.size() < 2) {
    return failure(command_line(), "only one case: nothing to compare with",
                   "give a second --on or a second --plan");
  }
  if (pairs.size() > kMostCases) {
    return failure(command_line(),
                   fmt::format("{} cases are too many to print side by side", pairs.size()),
                   fmt::format("compare up to {}", kMostCases));
  }
  return pairs;
}

/// What differs names the case; what is equal everywhere does not help.
std::string label_of(const Pair& pair, const Scenario& scenario, const Arguments& arguments) {
  const std::string system = scenario.system.id.empty() ? pair.system : scenario.system.id;
  const bool systems = arguments.all("on").size() > 1;
  const bool plans = arguments.all("plan").size() > 1;
  if (systems && plans) return system + ", " + scenario.plan_text;
  return plans ? scenario.plan_text : system;
}

/// Equal labels (the same case twice) get a number: columns are named by them.
void make_unique(std::string& label, const std::list<Case>& cases) {
  const std::string base = label;
  const auto taken = [&] {
    return std::any_of(cases.begin(), cases.end(),
                       [&](const Case& other) { return other.label == label; });
  };
  for (int number = 2; taken(); ++number)
    label = fmt::format("{} ({})", base, number);
}

Result<Case> solve(const Sources& sources, const Question& question, const Arguments& arguments,
                   const Pair& pair) {
  Result<Scenario> scenario = scenario_from(sources, question, arguments, pair.system, pair.plan);
  if (!scenario) return failure(std::move(scenario.error()));
  Result<Prediction> prediction = predict(scenario->workload, scenario->system, scenario->plan, {});
  if (!prediction) return failure(std::move(prediction.error()));
  std::string label = label_of(pair, *scenario, arguments);
  return Case{std::move(label), std::move(*scenario), std::move(*prediction)};
}

/// Appends what is not there already: the same model is read for every case.
void append_new(Diagnostics& all, Diagnostics more) {
  for (Diagnostic& mistake : more) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const Diagnostic& other) {
      return other.what == mistake.what;
    });
    if (!known) all.push_back(std::move(mistake));
  }
}

Result<std::list<Case>> solve_all(const Sources& sources, const Question& question,
                                  const Arguments& arguments, const std::vector<Pair>& pairs) {
  std::list<Case> cases;
  Diagnostics mistakes;
  for (const Pair& pair : pairs) {
    Result<Case> solved = solve(sources, question, arguments, pair);
    if (!solved) {
      append_new(mistakes, std::move(solved.error()));
      continue;
    }
    make_unique(solved->label, cases);
    cases.push_back(std::move(*solved));
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return cases;
}

}  // namespace

int run_compare(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Question> question = question_from(*sources, arguments);
  if (!question) return session.fail(question.error());
  const Result<std::vector<Pair>> pairs = pairs_from(arguments);
  if (!pairs) return session.fail(pairs.error());
  const Result<std::list<Case>> cases = solve_all(*sources, *question, arguments, *pairs);
  if (!cases) return session.fail(cases.error());
  session.warn(cases->front().scenario.warnings);
  std::vector<PredictedCase> predicted;
  std::vector<std::string> labels;
  bool fits = true;
  for (const Case& c : *cases) {
    predicted.push_back({c.prediction, c.scenario.workload, c.scenario.system, c.scenario.plan,
                         c.scenario.plan_text});
    labels.push_back(c.label);
    fits = fits && !c.prediction.out_of_memory;
  }
  Findings findings = compare_predictions(predicted, labels);
  add_assumptions(findings, *question, nullptr);
  return emit(session, arguments, findings, fits ? kAnswered : kInfeasible);
}

}  // namespace fastpath::cli
