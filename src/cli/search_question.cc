#include "cli/search_question.h"

#include <array>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "import/yaml/plan.h"
#include "import/yaml/system.h"
#include "import/yaml/workload.h"
#include "search/default_space.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 9> kSearchFlags{{
    {"space", FlagKind::text, "WORDS",
     "plans to search, such as 'tp=1..8*2 pp=1,2,4 recompute=none,full', or a YAML file; by the "
     "model and the system if not given",
     "", false},
    {"objective", FlagKind::choice, "FIGURE",
     "what one step should take least of (default time); of --serve: what there should be most of",
     "time|cost|energy|memory|goodput-per-device|goodput-per-dollar", false},
    {"front", FlagKind::choice, "FIGURE",
     "also the Pareto front of the objective and this figure (no bounds: every plan is compared)",
     "time|cost|energy|memory|devices", false},
    {"max-time", FlagKind::text, "TIME", "longest step, for example '10 s'", "", false},
    {"max-memory", FlagKind::text, "SIZE", "most memory per device, for example '70 GiB'", "",
     false},
    {"max-cost", FlagKind::text, "MONEY", "most for a step, for example '0.5 USD'", "", false},
    {"max-energy", FlagKind::text, "ENERGY", "most for a step, for example '2 MJ'", "", false},
    {"max-devices", FlagKind::whole, "N", "most devices", "", false},
    {"against", FlagKind::text, "PLAN", "your plan: how far it is from the best", "", false},
}};

/// Flags that the answer depends on, in the order in which a journal keeps them.
constexpr auto kKept = std::to_array<std::string_view>(
    {"train",        "prefill",     "decode",  "seq",      "past",       "batch",
     "global-batch", "dim",         "on",      "devices",  "nodes",      "catalog",
     "space",        "objective",   "front",   "max-time", "max-memory", "max-cost",
     "max-energy",   "max-devices", "against", "top"});

constexpr std::uintmax_t kSpaceLimit = 1U << 20U;  ///< bytes of a YAML file

void append(Diagnostics& all, Diagnostics more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool is_yaml(const std::string& text) { return text.ends_with(".yaml") || text.ends_with(".yml"); }

Result<Space> space_from(const Arguments& arguments, const Scenario& scenario,
                         Objective objective) {
  const std::int64_t devices = scenario.system.device_count();
  const std::optional<std::string> given = arguments.text("space");
  if (!given) {
    const std::string text = default_space(scenario.workload, scenario.system, objective);
    return Space::parse(text, devices, {.file = "space"});
  }
  if (!is_yaml(*given)) {
    return Space::parse(*given, devices, {.file = "space", .line = 1, .column = 1});
  }
  const Result<std::string> text = read_file(*given, kSpaceLimit);
  if (!text) return failure(text.error());
  const Result<std::vector<PlanWord>> words = read_plan_words(*text, *given);
  if (!words) return failure(words.error());
  return Space::of_words(*words, devices);
}

template <class Q>
void read_limit(const Arguments& arguments, std::string_view flag, std::optional<Q>& limit,
                Diagnostics& mistakes) {
  const std::optional<std::string> text = arguments.text(flag);
  if (!text) return;
  Result<Q> value = parse_quantity<Q>(*text, {.file = fmt::format("--{}", flag)});
  if (!value) {
    append(mistakes, std::move(value.error()));
  } else {
    limit = *value;
  }
}

SearchGoal goal_from(const Arguments& arguments, Diagnostics& mistakes) {
  SearchGoal goal;
  goal.objective = objective_of(arguments.text_or("objective", "time")).value_or(Objective::time);
  if (const auto front = arguments.text("front")) goal.tradeoff = objective_of(*front);
  goal.top = static_cast<std::size_t>(std::min<std::int64_t>(arguments.whole_or("top", 10), 1000));
  read_limit(arguments, "max-time", goal.limits.time, mistakes);
  read_limit(arguments, "max-memory", goal.limits.memory, mistakes);
  read_limit(arguments, "max-cost", goal.limits.cost, mistakes);
  read_limit(arguments, "max-energy", goal.limits.energy, mistakes);
  goal.limits.devices = arguments.whole("max-devices");
  if (goal.tradeoff == goal.objective) {
    mistakes.push_back({command_line(), "--front and --objective name the same figure",
                        "trade the objective off against another figure"});
  }
  return goal;
}

/// Figures that are asked for but that the system does not give.
void check_figures(const SearchGoal& goal, const System& system, Diagnostics& mistakes) {
  const auto asked = [&](Objective figure) {
    return goal.objective == figure || goal.tradeoff == figure;
  };
  const std::string name = system.id.empty() ? system.name : system.id;
  if ((asked(Objective::cost) || goal.limits.cost) && !system.rent && !system.device.rent) {
    mistakes.push_back({{.file = name},
                        "has no rent: a step has no cost",
                        "give `rent: 2 USD/h` in a YAML file with `base: " + name + "`"});
  }
  if ((asked(Objective::energy) || goal.limits.energy) && !system.device.power) {
    mistakes.push_back({{.file = name},
                        "has no power: a step has no energy",
                        "give the device's power in a YAML file with `base: " + name + "`"});
  }
}

/// FNV-1a, 64 bits: tells texts apart, no more.
std::uint64_t fingerprint(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3U;
  }
  return hash;
}

/// The first figures of the space: they change with anything that a prediction depends on.
std::string probe(const SearchQuestion& asked) {
  constexpr std::int64_t kMostTried = 10'000;
  const SearchEngine engine = engine_maker(asked)();
  for (std::int64_t i = 0; i < std::min(asked.space.size(), kMostTried); ++i) {
    const Point point = asked.space.at(i);
    if (point.kind != PointKind::plan || !engine.legal(point.plan)) continue;
    const PlanFigures figures = engine.evaluate(point.plan);
    return fmt::format("{} {}", figures.step.base(), figures.memory.base());
  }
  return "none";
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::span<const Flag> search_flags() { return kSearchFlags; }

std::span<const Flag> search_system_flags() {
  static const std::vector<Flag> flags = system_flags_without("plan");  // a search finds it
  return flags;
}

Result<SearchQuestion> search_question(const Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return failure(sources.error());
  Diagnostics mistakes;
  const SearchGoal goal = goal_from(arguments, mistakes);
  Result<Question> question = question_from(*sources, arguments);
  if (!question) append(mistakes, std::move(question.error()));
  const std::vector<std::string> systems = arguments.all("on");
  if (systems.size() != 1) {
    mistakes.push_back(
        {command_line(),
         systems.empty() ? "--on is missing: on which system?" : "more than one system",
         "for example --on dgx-h100; fastpath catalog systems lists them"});
  }
  const std::optional<std::string> against = arguments.text("against");
  Result<GivenPlan> given = against ? plan_from(*against) : Result<GivenPlan>(GivenPlan{});
  if (!given) append(mistakes, std::move(given.error()));
  if (!mistakes.empty()) return failure(std::move(mistakes));
  Result<Scenario> scenario =
      scenario_from(*sources, *question, arguments, systems.front(), "tp=1");
  if (!scenario) return failure(std::move(scenario.error()));
  Result<Space> space = space_from(arguments, *scenario, goal.objective);
  if (!space) append(mistakes, std::move(space.error()));
  check_figures(goal, scenario->system, mistakes);
  append(mistakes, PlanEvaluator(scenario->workload, scenario->system).mistakes(Plan{}));
  Result<Plan> own = given->on(scenario->system.device_count());
  if (!own) append(mistakes, std::move(own.error()));
  if (against && own) {
    append(mistakes, PlanEvaluator(scenario->workload, scenario->system).mistakes(*own));
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return SearchQuestion{std::move(*question), std::move(*scenario), std::move(*space), goal,
                        against ? std::optional<Plan>(*own) : std::nullopt};
}

EngineMaker engine_maker(const SearchQuestion& asked) {
  return [&asked] {
    const auto evaluator =
        std::make_shared<PlanEvaluator>(asked.scenario.workload, asked.scenario.system);
    return SearchEngine{[evaluator](const Plan& plan) { return evaluator->mistakes(plan).empty(); },
                        [evaluator](const Plan& plan) { return evaluator->bound(plan); },
                        [evaluator](const Plan& plan) { return evaluator->evaluate(plan); }};
  };
}

JournalHeader journal_header(const SearchQuestion& asked, const Arguments& arguments,
                             std::int64_t shard, std::int64_t shards) {
  JournalHeader header;
  header.pieces = chunk_count(asked.space);
  header.shard = shard;
  header.shards = shards;
  header.question = fmt::format(
      "program {}\nmodel {}\noperators {:016x}\nsystem {}\nfigures {:016x}\nfirst plan {}\n"
      "space {}\ntop {}\nobjective {}\n",
      FASTPATH_VERSION, one_line(asked.question.model),
      fingerprint(write_workload(asked.scenario.workload)), asked.scenario.system.id,
      fingerprint(write_system_yaml(asked.scenario.system)), probe(asked), asked.space.text(),
      asked.goal.top, name_of(asked.goal.objective));
  for (const std::string_view flag :
       {"front", "max-time", "max-memory", "max-cost", "max-energy", "max-devices"}) {
    if (const auto value = arguments.text(flag)) {
      header.question += fmt::format("{} {}\n", flag, one_line(*value));
    }
  }
  header.command = one_line(arguments.operands().front());
  for (const std::string_view flag : kKept) {
    for (const std::string& value : arguments.all(flag)) {
      const bool is_switch = flag == "train" || flag == "prefill" || flag == "decode";
      header.command += fmt::format("\n--{}", flag);
      if (!is_switch) header.command += "=" + one_line(value);
    }
  }
  return header;
}

Result<Arguments> arguments_of_command(const std::string& command) {
  std::vector<std::string> words;
  for (const std::string_view word : split(command, '\n'))
    words.emplace_back(word);
  for (const Verb& verb : verbs()) {
    if (verb.name == "search") return parse_arguments(verb, words);
  }
  return failure(command_line(), "this program cannot search");
}

}  // namespace fastpath::cli
