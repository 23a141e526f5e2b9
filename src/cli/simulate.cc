#include <array>
#include <optional>

#include <fmt/format.h>

#include "analyze/input_findings.h"
#include "analyze/simulation_findings.h"
#include "base/text.h"
#include "cli/emit.h"
#include "cli/input.h"
#include "cli/scenario.h"
#include "cli/simulate_trace.h"
#include "cli/trace_files.h"
#include "cli/verbs.h"
#include "engine/fed_run.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 6> kSimulateFlags{{
    {"seed", FlagKind::whole, "N", "of jitter and of which ranks are stragglers (default 1)", "",
     false},
    {"jitter", FlagKind::text, "SIGMA",
     "log-normal spread of task times, such as 0.05; their mean stays", "", false},
    {"stragglers", FlagKind::text, "SHARE:FACTOR",
     "ranks drawn at random that compute slower: 0.01:1.2 is 1 % of them, by 20 %", "", false},
    {"slow-rank", FlagKind::text, "RANK:FACTOR", "one rank that computes slower", "", true},
    {"slow-link", FlagKind::text, "LEVEL:FACTOR",
     "bandwidth of a level's links over the system's, such as node:0.5", "", true},
    {"no-sharing", FlagKind::yes, "", "transfers never slow each other", "", false},
}};

/// Reads flags and collects all that is wrong with them.
class OptionReader {
 public:
  explicit OptionReader(const Arguments& arguments) : arguments_(arguments) {}

  Result<SimulateOptions> read() {
    SimulateOptions options;
    options.seed = static_cast<std::uint64_t>(arguments_.whole_or("seed", 1));
    options.share_links = !arguments_.has("no-sharing");
    if (const auto jitter = arguments_.text("jitter")) {
      options.jitter = number("jitter", *jitter, *jitter);
    }
    if (const auto stragglers = arguments_.text("stragglers")) {
      const Pair pair = parts("stragglers", *stragglers);
      options.straggler_share = number("stragglers", *stragglers, pair.left);
      options.straggler_factor = pair.factor;
    }
    for (const std::string& text : arguments_.all("slow-rank")) {
      const Pair pair = parts("slow-rank", text);
      const auto rank = parse_integer(pair.left);
      if (!pair.left.empty() && !rank) refuse("slow-rank", text, "3:1.5 is rank 3, 50 % slower");
      options.slow_ranks.push_back({rank.value_or(0), pair.factor});
    }
    for (const std::string& text : arguments_.all("slow-link")) {
      const Pair pair = parts("slow-link", text);
      options.slow_links.push_back({pair.left, pair.factor});
    }
    if (!mistakes_.empty()) return failure(std::move(mistakes_));
    return options;
  }

 private:
  struct Pair {
    std::string left;
    double factor = 1;
  };

  void refuse(std::string_view flag, const std::string& text, std::string hint) {
    mistakes_.push_back({command_line(),
                         fmt::format("--{} {} is not of its form", flag, in_quotes(text)),
                         std::move(hint)});
  }

  double number(std::string_view flag, const std::string& text, const std::string& part) {
    const auto value = parse_number(part);
    if (!value && !part.empty()) refuse(flag, text, "numbers are such as 0.05");
    return value.value_or(0);
  }

  /// Empty, and refused, where it is not two parts.
  Pair parts(std::string_view flag, const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const auto factor = colon == std::string::npos
                            ? std::nullopt
                            : parse_number(std::string_view(text).substr(colon + 1));
    if (!factor || colon == 0) {
      refuse(flag, text, "two parts with a colon between them, the factor last");
      return {};
    }
    return {text.substr(0, colon), *factor};
  }

  const Arguments& arguments_;
  Diagnostics mistakes_;
};

}  // namespace

std::span<const Flag> simulate_flags() { return kSimulateFlags; }

int run_simulate(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  Result<SimulateOptions> options = OptionReader(arguments).read();
  if (!options) return session.fail(options.error());
  const std::vector<std::string> traces = execution_traces_at(arguments.operands().front());
  if (!traces.empty()) return run_simulate_trace(session, arguments, *sources, traces, *options);
  const Result<Question> question = question_from(*sources, arguments);
  if (!question) return session.fail(question.error());
  const Result<Scenario> scenario = one_scenario(*sources, *question, arguments);
  if (!scenario) return session.fail(scenario.error());
  session.warn(scenario->warnings);
  Question asked = *question;
  const auto input = input_from(*sources, arguments, *scenario, asked.assumptions);
  if (!input) return session.fail(input.error());
  options->timeline = arguments.has("timeline") || arguments.has("out");
  Result<Simulation> simulation =
      simulate(scenario->workload, scenario->system, scenario->plan, *options);
  if (!simulation) return session.fail(simulation.error());
  Findings findings =
      explain_simulation({*simulation, scenario->workload, scenario->system, scenario->plan_text});
  std::optional<FedStep> step;
  if (*input) {
    Result<FedStep> fed = fed_step(scenario->workload, scenario->plan, simulation->step, **input);
    if (!fed) return session.fail(fed.error());
    step = std::move(*fed);
    const FedRunOptions run{.seed = options->seed};
    add_input(
        findings, *step,
        FedRuns{simulate_fed(*step, step->first, run), simulate_fed(*step, step->later, run)});
  }
  add_assumptions(findings, asked, &*scenario);
  return emit(session, arguments, findings, kAnswered, [&]() -> Result<Timeline> {
    Timeline timeline = *std::move(simulation->timeline);
    return step ? with_input(std::move(timeline), *step, step->first) : std::move(timeline);
  });
}

}  // namespace fastpath::cli
