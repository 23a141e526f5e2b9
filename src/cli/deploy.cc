#include "cli/deploy.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/deploy_findings.h"
#include "cli/deploy_space.h"
#include "cli/emit.h"
#include "cli/scenario.h"
#include "cli/serve_load.h"
#include "cli/serving.h"
#include "import/catalog/engines.h"

namespace fastpath::cli {
namespace {

constexpr std::size_t kMostDeployments = 2'000'000;

constexpr std::array<Flag, 7> kDeployFlags{{
    {"serve", FlagKind::yes, "",
     "deployments that serve a load, instead of plans of a step: docs/guide/serving.md", "", false},
    {"engine", FlagKind::text, "ENGINE,...", "vllm (default), sglang, trtllm", "", false},
    {"routing", FlagKind::choice, "HOW", "round_robin, least_loaded (default) or prefix_aware",
     "round_robin|least_loaded|prefix_aware", false},
    {"max-ttft", FlagKind::text, "TIME", "longest time to the first token, at the percentile", "",
     false},
    {"max-tpot", FlagKind::text, "TIME", "longest mean time per further token, at the percentile",
     "", false},
    {"max-latency", FlagKind::text, "TIME", "longest time to the last token, at the percentile", "",
     false},
    {"percentile", FlagKind::text, "P", "of requests that keep each limit (default 90)", "", false},
}};

/// Flags of a search over plans, and of one over deployments.
constexpr auto kOfPlans = std::to_array<std::string_view>(
    {"train", "prefill", "decode", "seq", "past", "batch", "global-batch", "dim", "front",
     "max-time", "max-memory", "max-cost", "max-energy", "max-devices", "against", "journal",
     "shard"});
constexpr auto kOfDeployments = std::to_array<std::string_view>(
    {"engine", "routing", "max-ttft", "max-tpot", "max-latency", "percentile", "load", "requests",
     "rate", "variation", "concurrency", "count", "isl", "osl", "length-spread", "turns", "think",
     "speed-up", "seed"});

bool is_goodput(std::string_view objective) { return objective.starts_with("goodput"); }

std::vector<std::string> listed(const std::vector<std::string>& given) {
  std::vector<std::string> all;
  for (const std::string& words : given) {
    for (const std::string_view word : split(words, ','))
      all.emplace_back(word);
  }
  return all;
}

void append(Diagnostics& all, const Diagnostics& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// A system with the workload that finds its plans.
struct Site {
  Scenario scenario;
  DeploySystem system;
};

Result<Site> site_on(const Sources& sources, const Arguments& arguments,
                     const RequestStream& stream, const std::string& on) {
  const Question question = decode_question(arguments.operands().front(), stream);
  Result<Scenario> scenario = scenario_from(sources, question, arguments, on, "tp=1");
  if (!scenario) return failure(scenario.error());
  Site site;
  site.scenario = std::move(*scenario);
  const System& system = site.scenario.system;
  site.system.id = system.id.empty() ? on : system.id;
  site.system.devices = system.device_count();
  const auto& rent = system.rent ? system.rent : system.device.rent;
  if (rent) site.system.rent = rent->value;
  if (!system.levels.empty()) {
    const Level& outermost = system.levels.back();
    site.system.bandwidth = outermost.achieved.value * outermost.bandwidth.value;
    site.system.latency = outermost.latency.value;
  }
  const auto engines = embedded_engines();
  if (!engines) return failure(engines.error());
  for (const std::string& name : listed({arguments.text_or("engine", "vllm")})) {
    const Result<Engine> engine = engine_for(*engines, name, system.device.family);
    if (!engine) return failure(engine.error());
    site.system.engines.push_back(*engine);
  }
  return site;
}

Result<std::vector<Site>> sites_of(const Sources& sources, const Arguments& arguments,
                                   const RequestStream& stream) {
  const std::vector<std::string> systems = listed(arguments.all("on"));
  if (systems.empty()) {
    return failure(command_line(), "--on is missing: on which system?",
                   "for example --on dgx-h100, or --on dgx-h100,dgx-h200");
  }
  std::vector<Site> all;
  Diagnostics mistakes;
  for (const std::string& on : systems) {
    Result<Site> site = site_on(sources, arguments, stream, on);
    if (site) {
      all.push_back(std::move(*site));
    } else {
      append(mistakes, site.error());
    }
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return all;
}

/// Per dollar where there is a choice of devices and all have a rent, unless the user says.
Result<bool> counts_dollars(const Arguments& arguments, const std::vector<Site>& all) {
  const std::string asked = arguments.text_or("objective", "");
  for (const Site& one : all) {
    if (one.system.rent) continue;
    if (asked != "goodput-per-dollar") return false;
    return failure({.file = one.system.id}, "has no rent: goodput per dollar is not known",
                   "give `rent: 2 USD/h` in a YAML file with `base: " + one.system.id + "`");
  }
  return asked.empty() ? all.size() > 1 : asked == "goodput-per-dollar";
}

Routing routing_of(const Arguments& arguments) {
  const std::string name = arguments.text_or("routing", "least_loaded");
  if (name == "round_robin") return Routing::round_robin;
  return name == "prefix_aware" ? Routing::prefix_aware : Routing::least_loaded;
}

/// What engines call the model: as the user did where it is a repository, else as the catalog's
/// source does.
std::string repository_of(const Sources& sources, const std::string& given,
                          const std::string& name) {
  if (given.find('/') != given.npos) return given;
  const std::string known = sources.repository(name);
  return known.empty() ? "MODEL" : known;
}

struct Asked {
  DeployQuestion question;
  std::vector<Site> sites;
};

Result<DeploySpace> space_of(const std::string& text) {
  return DeploySpace::parse(text, {.file = "space", .line = 1, .column = 1});
}

std::string usual_space(const std::vector<Site>& all) {
  std::int64_t most = 1;
  for (const Site& one : all)
    most = std::max(most, one.system.devices);
  return default_deploy_space(all.front().scenario.workload, most);
}

/// What is wrong with flags that need neither model nor system.
Diagnostics mistakes_of_flags(const Arguments& arguments) {
  Diagnostics mistakes = misplaced_search_flags(arguments);
  const std::string objective = arguments.text_or("objective", "");
  if (!objective.empty() && !is_goodput(objective)) {
    mistakes.push_back({command_line(),
                        fmt::format("--objective {} is of a step, not of a deployment", objective),
                        "goodput-per-device or goodput-per-dollar"});
  }
  if (const auto text = arguments.text("space")) {
    const auto space = space_of(*text);
    if (!space) append(mistakes, space.error());
  }
  return mistakes;
}

Result<Asked> asked_from(const Sources& sources, const Arguments& arguments) {
  ServeFlags flags(arguments);
  Asked asked;
  DeployQuestion& question = asked.question;
  question.task.limits = flags.objective();
  question.task.share = flags.number("percentile", 90, 1, 100) / 100;
  Diagnostics mistakes = mistakes_of_flags(arguments);
  for (Diagnostic& one : mistakes)
    flags.add(std::move(one));
  Result<RequestStream> stream = flags.stream();
  if (!stream) return failure(stream.error());
  if (!stream->classes.empty()) {
    return failure(command_line(), "classes do not go with search --serve",
                   "it judges all requests by --max-ttft, --max-tpot and --max-latency");
  }
  question.task.stream = std::move(*stream);
  question.task.routing = routing_of(arguments);
  Result<std::vector<Site>> all = sites_of(sources, arguments, question.task.stream);
  if (!all) return failure(all.error());
  asked.sites = std::move(*all);
  const Result<bool> dollars = counts_dollars(arguments, asked.sites);
  if (!dollars) return failure(dollars.error());
  question.per_dollar = *dollars;
  const Result<DeploySpace> space = space_of(arguments.text_or("space", usual_space(asked.sites)));
  if (!space) return failure(space.error());
  question.model = asked.sites.front().scenario.workload.name;
  question.repository = repository_of(sources, arguments.operands().front(), question.model);
  question.space = space->text();
  question.top = static_cast<std::size_t>(arguments.whole_or("top", 10));
  for (const Site& one : asked.sites) {
    question.too_many +=
        space->add_to(question.task, one.system, one.scenario.workload, one.scenario.system.device);
  }
  const std::size_t count = question.task.choices.size();
  if (count == 0 || count > kMostDeployments) {
    return failure(command_line(),
                   count == 0 ? "no deployment of the space needs so few devices"
                              : fmt::format("the space has {} deployments, more than {}",
                                            format_number(static_cast<double>(count), 12),
                                            format_number(kMostDeployments, 12)),
                   count == 0 ? "ask for more: --devices" : "give fewer values in --space");
  }
  return asked;
}

/// The bar of a search, at most a few times a second.
class Bar {
 public:
  Bar(Session& session, std::size_t all) : session_(session), all_(all) {}

  void show(std::size_t done) {
    constexpr auto kPause = std::chrono::milliseconds(100);
    const auto now = std::chrono::steady_clock::now();
    if (!session_.shows_progress() || now - last_ < kPause) return;
    last_ = now;
    constexpr int kWidth = 24;
    const double share = static_cast<double>(done) / static_cast<double>(all_);
    const int filled = static_cast<int>(share * kWidth);
    session_.progress(fmt::format("[{:#>{}}{:->{}}] {:3.0f} %  {} of {} deployments", "", filled,
                                  "", kWidth - filled, 100 * share, done, all_));
  }

 private:
  Session& session_;
  std::size_t all_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace

std::span<const Flag> deploy_flags() { return kDeployFlags; }

Diagnostics misplaced_search_flags(const Arguments& arguments) {
  Diagnostics mistakes;
  const bool serves = arguments.has("serve");
  const auto refuse = [&](std::string_view flag) {
    if (!arguments.has(flag)) return;
    mistakes.push_back({command_line(),
                        fmt::format("--{} {} --serve", flag, serves ? "does not go with" : "needs"),
                        serves ? "it is of a search over plans of a step"
                               : "search --serve covers deployments that serve a load"});
  };
  if (serves) {
    std::for_each(kOfPlans.begin(), kOfPlans.end(), refuse);
  } else {
    std::for_each(kOfDeployments.begin(), kOfDeployments.end(), refuse);
    if (is_goodput(arguments.text_or("objective", ""))) refuse("objective");
  }
  return mistakes;
}

int run_deploy_search(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Asked> asked = asked_from(*sources, arguments);
  if (!asked) return session.fail(asked.error());
  session.warn(asked->sites.front().scenario.warnings);
  const std::string model = arguments.operands().front();
  const DeployTables make = [&](std::size_t system, const Plan& plan) {
    return step_table(*sources, model, asked->sites[system].scenario.system, plan);
  };
  const DeployTask& task = asked->question.task;
  const auto all = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  const std::int64_t threads = std::min<std::int64_t>(arguments.whole_or("threads", all), 1024);
  Bar bar(session, task.choices.size());
  const auto start = std::chrono::steady_clock::now();
  const std::vector<DeployFigures> figures =
      judge_deployments(task, make, static_cast<int>(threads), [&](std::size_t done) {
        bar.show(done);
        return true;
      });
  session.progress("");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (session.shows_progress()) {
    session.say(fmt::format("{} deployments in {}.",
                            format_number(static_cast<double>(figures.size()), 12),
                            format_quantity(Seconds{seconds.count()})));
  }
  const bool found = !ranked_deployments(asked->question, figures).empty();
  return emit(session, arguments, explain_deployments(asked->question, figures),
              found ? kAnswered : kInfeasible);
}

}  // namespace fastpath::cli
