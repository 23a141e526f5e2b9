#include "cli/scenario.h"

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>

#include "fastpath/framework.h"

#include "base/text.h"
#include "import/catalog/framework_defaults.h"
#include "import/catalog/framework_factors.h"
#include "ir/names.h"
#include "ir/system.h"
#include "lower/runtime_graph.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 8> kWorkloadFlags{{
    {"train", FlagKind::yes, "", "one training step: forward, backward and update", "", false},
    {"prefill", FlagKind::yes, "", "read a prompt (what is predicted if nothing is said)", "",
     false},
    {"decode", FlagKind::yes, "", "generate one token behind --past tokens", "", false},
    {"seq", FlagKind::whole, "TOKENS", "tokens of a sequence (default 2048)", "", false},
    {"past", FlagKind::whole, "TOKENS", "tokens in the cache already (decode: default 2048)", "",
     false},
    {"batch", FlagKind::whole, "N", "sequences or rows of a step, on all devices together", "",
     false},
    {"global-batch", FlagKind::whole, "N", "the same as --batch, as training says it", "", false},
    {"dim", FlagKind::text, "NAME=N", "size of a dimension of a graph or workload", "", true},
}};

constexpr std::array<Flag, 3> kGenerationFlags{{
    {"generate", FlagKind::yes, "", "a prefill of --isl tokens, then --osl tokens one by one", "",
     false},
    {"isl", FlagKind::whole, "TOKENS", "length of the prompt (default 1024)", "", false},
    {"osl", FlagKind::whole, "TOKENS", "length of the answer (default 128)", "", false},
}};

constexpr std::array<Flag, 2> kAdapterFlags{{
    {"adapters", FlagKind::whole, "N",
     "LoRA adapters in memory; each sequence uses one of them (inference)", "", false},
    {"adapter-rank", FlagKind::whole, "R", "of the adapters (default 16)", "", false},
}};

constexpr Flag kPlanFlag{"plan",
                         FlagKind::text,
                         "PLAN",
                         "such as 'tp=8 pp=4 micro_batch=1', a YAML file, or a launch script or "
                         "configuration of a training framework; the fastest of the usual ones if "
                         "not given",
                         "",
                         true};
constexpr Flag kCatalogFlag{
    "catalog", FlagKind::file,
    "DIR",     "your own systems, devices and models (also FASTPATH_CATALOG)",
    "",        true};
constexpr std::array<Flag, 1> kCatalogFlags{kCatalogFlag};
constexpr std::array<Flag, 2> kPlanFlags{kPlanFlag, kCatalogFlag};
constexpr std::array<Flag, 6> kSystemFlags{{
    {"on", FlagKind::text, "SYSTEM", "system or device of the catalog, or a YAML file", "", true},
    {"devices", FlagKind::whole, "N", "that many devices instead of the system's own number", "",
     false},
    {"nodes", FlagKind::whole, "N", "that many nodes", "", false},
    {"framework", FlagKind::text, "NAME",
     "training steps as this framework runs them (megatron-lm, nemo, torchtitan, llm-foundry, "
     "...); any: as all of them do on the whole, and what is taken where steps were published; "
     "none: kernels and collectives as if alone",
     "", false},
    kPlanFlag,
    kCatalogFlag,
}};

constexpr std::int64_t kDefaultTokens = 2048;
constexpr std::int64_t kDefaultInput = 1024;
constexpr std::int64_t kDefaultOutput = 128;

struct PhaseFlag {
  std::string_view flag;
  Phase phase;
};

constexpr std::array<PhaseFlag, 4> kPhaseFlags{{{"train", Phase::training},
                                                {"prefill", Phase::prefill},
                                                {"decode", Phase::decode},
                                                {"generate", Phase::decode}}};

/// A flag that means nothing in the chosen phase, and where it belongs.
void reject(const Arguments& arguments, std::string_view flag, std::string_view instead,
            Diagnostics& mistakes) {
  if (!arguments.has(flag)) return;
  mistakes.push_back(
      {command_line(), fmt::format("--{} does not apply here", flag), std::string(instead)});
}

std::optional<Phase> phase_from(const Arguments& arguments, Diagnostics& mistakes) {
  std::optional<Phase> phase;
  std::string given;
  for (const PhaseFlag& candidate : kPhaseFlags) {
    if (!arguments.has(candidate.flag)) continue;
    if (phase) {
      mistakes.push_back({command_line(),
                          fmt::format("--{} and --{} exclude each other", given, candidate.flag),
                          "ask for one of --train, --prefill, --decode and --generate"});
    }
    phase = candidate.phase;
    given = candidate.flag;
  }
  return phase;
}

void read_batch(const Arguments& arguments, Question& question, Diagnostics& mistakes) {
  if (arguments.has("batch") && arguments.has("global-batch")) {
    mistakes.push_back({command_line(), "--batch and --global-batch are the same", "give one"});
  }
  const std::optional<std::int64_t> batch =
      arguments.has("batch") ? arguments.whole("batch") : arguments.whole("global-batch");
  question.step.batch = batch.value_or(1);
  if (!batch) question.assumptions.emplace_back("Assumed --batch 1.");
}

std::int64_t length_of(const Arguments& arguments, std::string_view flag, std::int64_t fallback,
                       Question& question) {
  const std::optional<std::int64_t> given = arguments.whole(flag);
  if (!given) question.assumptions.push_back(fmt::format("Assumed --{} {}.", flag, fallback));
  return given.value_or(fallback);
}

void read_generation(const Arguments& arguments, Question& question, Diagnostics& mistakes) {
  question.generation = Generation{length_of(arguments, "isl", kDefaultInput, question),
                                   length_of(arguments, "osl", kDefaultOutput, question)};
  reject(arguments, "seq", "--generate takes --isl and --osl", mistakes);
  reject(arguments, "past", "--generate takes --isl and --osl", mistakes);
}

void read_lengths(const Arguments& arguments, Question& question, Diagnostics& mistakes) {
  if (question.step.phase == Phase::decode) {
    question.step.past = length_of(arguments, "past", kDefaultTokens, question);
    reject(arguments, "seq", "a decode step computes one token; --past is what it looks back on",
           mistakes);
    return;
  }
  question.step.sequence = length_of(arguments, "seq", kDefaultTokens, question);
  question.step.past = arguments.whole_or("past", 0);
  if (question.step.phase == Phase::training) {
    reject(arguments, "past", "training keeps no cache", mistakes);
  }
}

/// Speculation is of decode steps; adapters are served, and trained by a plan's lora.
void read_serving(const Arguments& arguments, Question& question, Diagnostics& mistakes) {
  question.proposal = proposal_from(arguments, mistakes);
  if (question.proposal && question.step.phase != Phase::decode) {
    mistakes.push_back({command_line(), "--speculate does not apply here",
                        "it proposes tokens in --decode and --generate"});
  }
  if (question.proposal) question.step.sequence = 1 + question.proposal.by.length;
  if (question.step.phase == Phase::training) {
    reject(arguments, "adapters", "a plan trains one: --plan lora=16", mistakes);
  }
  if (!arguments.has("adapters")) {
    reject(arguments, "adapter-rank", "it goes with --adapters", mistakes);
    return;
  }
  question.adapters = {arguments.whole_or("adapters", 0),
                       arguments.whole_or("adapter-rank", ServedAdapters{}.rank)};
}

/// A graph, table or workload has sizes of its own; only --dim applies.
void read_graph(const Arguments& arguments, Question& question, Diagnostics& mistakes) {
  for (const std::string_view flag :
       {"generate", "prefill", "decode", "seq", "past", "batch", "global-batch", "speculate",
        "accept", "adapters", "adapter-rank"})
    reject(arguments, flag, "the model has sizes of its own: set a dimension with --dim NAME=N",
           mistakes);
  if (!question.step.phase) question.step.phase = Phase::forward;
}

/// "name=value" for dimensions of a graph or workload.
void read_dims(const Arguments& arguments, Question& question, Diagnostics& mistakes) {
  for (const std::string& text : arguments.all("dim")) {
    const std::size_t equals = text.find('=');
    const std::optional<long long> size =
        equals == std::string::npos ? std::nullopt : parse_integer(text.substr(equals + 1));
    if (!size || *size < 1 || equals == 0) {
      mistakes.push_back({command_line(),
                          fmt::format("--dim takes NAME=N with N above 0, not '{}'", text),
                          "for example --dim batch=8"});
      continue;
    }
    question.step.dims.emplace_back(text.substr(0, equals), *size);
  }
}

Diagnostic system_is_missing() {
  return {command_line(), "--on is missing: on which system?",
          "for example --on dgx-h100; fastpath catalog systems lists them"};
}

/// Scales the system to --devices or --nodes.
Result<System> scaled(System system, const Arguments& arguments) {
  std::optional<std::int64_t> count = arguments.whole("devices");
  if (const auto nodes = arguments.whole("nodes")) {
    count = *nodes * (system.levels.empty() ? 1 : system.levels.front().count);
  }
  if (!count) return system;
  return with_device_count(std::move(system), *count);
}

void append(Diagnostics& all, Diagnostics more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// Enough devices for the plan, else which flag gives them.
void check_devices(const Scenario& scenario, Diagnostics& mistakes) {
  const std::int64_t needed = scenario.plan.device_count();
  const std::int64_t there = scenario.system.device_count();
  if (needed <= there) return;
  mistakes.push_back(
      {{.file = "plan"},
       fmt::format("the plan needs {} devices, {} has {}", needed,
                   scenario.system.id.empty() ? scenario.system.name : scenario.system.id, there),
       fmt::format("split less, or add --devices {}", needed)});
}

/// Steps were published of transformers, on some generations of devices: what all frameworks have
/// in common there is taken for a framework that is not named. Null elsewhere.
Result<std::shared_ptr<const Framework>> usual_framework(const Workload& workload,
                                                         const std::string& generation) {
  const auto attends = [](const Block& block) {
    return std::any_of(block.ops.begin(), block.ops.end(),
                       [](const Op& op) { return op.kind == OpKind::attention; });
  };
  if (std::none_of(workload.blocks.begin(), workload.blocks.end(), attends)) return nullptr;
  const Result<FrameworkFactors> factors = FrameworkFactors::embedded();
  if (!factors) return failure(factors.error());
  const Framework* const usual = factors->knows(generation) ? factors->find("", "") : nullptr;
  if (usual == nullptr) return nullptr;
  return std::make_shared<const Framework>(*usual);
}

/// Factors of a training framework on a generation of devices; null for "none". Errors: unknown
/// frameworks.
Result<std::shared_ptr<const Framework>> framework_on(const std::string& name,
                                                      const std::string& generation) {
  if (name == "none") return nullptr;
  const Result<FrameworkDefaults> defaults = FrameworkDefaults::embedded();
  if (!defaults) return failure(defaults.error());
  std::vector<std::string> known = defaults->frameworks();
  known.insert(known.end(), {"any", "none"});
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return failure(command_line(), fmt::format("unknown --framework {}", in_quotes(name)),
                   did_you_mean(name, known));
  }
  const Result<FrameworkFactors> factors = FrameworkFactors::embedded();
  if (!factors) return failure(factors.error());
  const Framework* const found = factors->find(defaults->root_of(name), generation);
  if (found == nullptr) return std::make_shared<const Framework>();
  return std::make_shared<const Framework>(*found);
}

/// The framework asked for, or the usual one of a training step; null where there is none. Errors:
/// unknown frameworks, and any where nothing is trained.
Result<std::shared_ptr<const Framework>> asked_framework(const Scenario& scenario,
                                                         const Arguments& arguments) {
  const std::string& generation = scenario.system.device.family;
  const bool trains = scenario.workload.phase == Phase::training;
  const auto name = arguments.text("framework");
  if (!name) return trains ? usual_framework(scenario.workload, generation) : nullptr;
  if (trains) return framework_on(*name, generation);
  return failure(command_line(), "--framework: its factors are those of training steps",
                 "use it with --train, or leave it out");
}

std::string framework_note(const Framework* framework) {
  if (framework == nullptr) {
    return "Kernels and collectives as if alone; what a framework takes beside them is not in it.";
  }
  if (framework->id.empty()) {
    return fmt::format(
        "A step as frameworks run it on the whole: factors fitted to {} published steps. "
        "--framework names one, or none.",
        framework->rows);
  }
  return fmt::format("Step as {} runs it: factors fitted to {} published steps.", framework->id,
                     framework->rows);
}

bool has_runtime(const System& system) { return system.framework && system.framework->runtime; }

/// The graph as the system's runtime executes it; training is not its business.
void run_by_runtime(Scenario& scenario) {
  if (scenario.workload.phase == Phase::training) {
    scenario.system.framework = nullptr;
    return;
  }
  const Runtime& runtime = *scenario.system.framework->runtime;
  RuntimeGraph graph = as_runtime_executes(scenario.workload);
  scenario.workload = std::move(graph.workload);
  scenario.runtime = fmt::format(
      "As {} {} executes it with {} {}: {} operators run inside others, {} changes of layout are "
      "inserted; kernels as measured at {} points.",
      runtime.id, runtime.version, runtime.threads, runtime.threads == 1 ? "thread" : "threads",
      graph.fused, graph.reorders, runtime.points.size());
}

}  // namespace

std::span<const Flag> workload_flags() { return kWorkloadFlags; }
std::span<const Flag> generation_flags() { return kGenerationFlags; }
std::span<const Flag> adapter_flags() { return kAdapterFlags; }
std::span<const Flag> system_flags() { return kSystemFlags; }
std::vector<Flag> system_flags_without(std::string_view name) {
  std::vector<Flag> some(kSystemFlags.begin(), kSystemFlags.end());
  std::erase_if(some, [&](const Flag& flag) { return flag.name == name; });
  return some;
}

std::span<const Flag> plan_flags() { return kPlanFlags; }
std::span<const Flag> catalog_flags() { return kCatalogFlags; }

Result<Question> question_from(const Sources& sources, const Arguments& arguments) {
  Question question;
  Diagnostics mistakes;
  question.model = arguments.operands().front();
  question.step.phase = phase_from(arguments, mistakes);
  read_dims(arguments, question, mistakes);
  if (sources.has_own_sizes(question.model)) {
    read_graph(arguments, question, mistakes);
  } else {
    if (!question.step.phase) {
      question.step.phase = Phase::prefill;
      question.assumptions.emplace_back(
          "Predicted a prefill; --train, --decode and --generate ask for others.");
    }
    reject(arguments, "dim", "it sets dimensions of graphs and workloads", mistakes);
    read_batch(arguments, question, mistakes);
    if (arguments.has("generate")) {
      read_generation(arguments, question, mistakes);
    } else {
      reject(arguments, "isl", "it goes with --generate", mistakes);
      reject(arguments, "osl", "it goes with --generate", mistakes);
      read_lengths(arguments, question, mistakes);
    }
    read_serving(arguments, question, mistakes);
  }
  if (arguments.has("devices") && arguments.has("nodes")) {
    mistakes.push_back({command_line(), "--devices and --nodes exclude each other", "give one"});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return question;
}

Result<Scenario> scenario_from(const Sources& sources, const Question& question,
                               const Arguments& arguments, const std::string& on,
                               const std::string& plan) {
  Scenario scenario;
  Diagnostics mistakes;
  StepRequest step = question.step;
  if (question.generation) {
    step.past = question.generation->input;
    step.sequence = 1 + question.proposal.by.length;
  }
  Result<System> system = sources.system(on);
  step.as_executed = system && has_runtime(*system);
  Result<Imported<Workload>> workload = sources.workload(question.model, step);
  if (system) system = scaled(std::move(*system), arguments);
  Result<GivenPlan> given = plan.empty() ? Result<GivenPlan>(GivenPlan{}) : plan_from(plan);
  if (!workload) append(mistakes, std::move(workload.error()));
  if (!system) append(mistakes, std::move(system.error()));
  if (!given) append(mistakes, std::move(given.error()));
  if (!mistakes.empty()) return failure(std::move(mistakes));
  scenario.workload = std::move(workload->value);
  serve_adapters(scenario.workload, question.adapters);
  scenario.warnings = std::move(workload->warnings);
  scenario.system = std::move(*system);
  if (has_runtime(scenario.system)) run_by_runtime(scenario);
  auto framework = asked_framework(scenario, arguments);
  if (!framework) return failure(std::move(framework.error()));
  if (*framework) scenario.system.framework = std::move(*framework);
  append(scenario.warnings, std::move(given->warnings));
  scenario.input = given->input;
  Result<Plan> parsed = given->on(scenario.system.device_count());
  if (plan.empty() && scenario.runtime.empty()) {
    parsed = default_plan(scenario.workload, scenario.system);
    scenario.plan_was_chosen = parsed.has_value();
  }
  if (!parsed) return failure(std::move(parsed.error()));
  scenario.plan = *parsed;
  scenario.plan_text = describe_plan(*parsed);
  check_devices(scenario, mistakes);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return scenario;
}

Result<System> one_system(const Sources& sources, const Arguments& arguments) {
  const std::vector<std::string> systems = arguments.all("on");
  if (systems.empty()) return failure(Diagnostics{system_is_missing()});
  if (systems.size() > 1) {
    return failure(command_line(), "more than one system", "give one --on");
  }
  Result<System> system = sources.system(systems.front());
  if (!system) return system;
  return scaled(*std::move(system), arguments);
}

Result<Scenario> one_scenario(const Sources& sources, const Question& question,
                              const Arguments& arguments) {
  Diagnostics mistakes;
  const std::vector<std::string> systems = arguments.all("on");
  const std::vector<std::string> plans = arguments.all("plan");
  if (systems.empty()) {
    mistakes.push_back(system_is_missing());
  }
  if (systems.size() > 1 || plans.size() > 1) {
    mistakes.push_back({command_line(), "more than one system or plan",
                        "fastpath compare sets them side by side"});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return scenario_from(sources, question, arguments, systems.front(),
                       plans.empty() ? "" : plans.front());
}

void add_assumptions(Findings& findings, const Question& question, const Scenario* scenario) {
  std::vector<std::string> notes = question.assumptions;
  if (scenario != nullptr && !scenario->runtime.empty()) {
    notes.push_back(scenario->runtime);
  } else if (scenario != nullptr && scenario->workload.phase == Phase::training) {
    notes.push_back(framework_note(scenario->system.framework.get()));
  }
  if (question.adapters.count > 0) {
    notes.push_back(fmt::format(
        "{} adapters of rank {}: two low-rank products beside each dense one, grouped by adapter; "
        "experts, router, embedding and head have none. No kernel of adapters was measured.",
        question.adapters.count, question.adapters.rank));
  }
  if (scenario != nullptr && scenario->plan_was_chosen) {
    notes.push_back(fmt::format("No --plan given: took the fastest of the usual ones, --plan '{}'.",
                                scenario->plan_text));
  }
  findings.notes.insert(findings.notes.begin(), notes.begin(), notes.end());
}

}  // namespace fastpath::cli
