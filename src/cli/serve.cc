#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/emit.h"
#include "cli/flag_reader.h"
#include "cli/scenario.h"
#include "cli/serve_findings.h"
#include "cli/serve_load.h"
#include "cli/serving.h"
#include "cli/speculation.h"
#include "cli/verbs.h"
#include "import/catalog/engines.h"
#include "serve/timeline.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 17> kEngineFlags{{
    {"engine", FlagKind::text, "ENGINE", "vllm (default), sglang or trtllm", "", false},
    {"replicas", FlagKind::whole, "N", "equal copies of the plan (default 1)", "", false},
    {"routing", FlagKind::choice, "HOW", "round_robin (default), least_loaded or prefix_aware",
     "round_robin|least_loaded|prefix_aware", false},
    {"token-budget", FlagKind::whole, "TOKENS", "of an iteration, instead of the engine's own", "",
     false},
    {"max-sequences", FlagKind::whole, "N", "that run at one time in a replica", "", false},
    {"block-tokens", FlagKind::whole, "TOKENS", "of a block of the KV pool", "", false},
    {"memory-share", FlagKind::text, "X", "of a device's memory that the engine takes", "", false},
    {"prefix-caching", FlagKind::choice, "ON", "on or off, instead of the engine's own", "on|off",
     false},
    {"prefill-workers", FlagKind::whole, "N", "disaggregated: prompts run there, --replicas decode",
     "", false},
    {"prefill-plan", FlagKind::text, "PLAN", "of a prefill worker (default: --plan)", "", false},
    {"transfer-bandwidth", FlagKind::text, "RATE",
     "of caches between workers (default: the system's outermost link, for each device)", "",
     false},
    {"min-replicas", FlagKind::whole, "N", "autoscaling between N and --replicas", "", false},
    {"scale-target", FlagKind::text, "X",
     "requests a replica that autoscaling aims at (default: half of --max-sequences)", "", false},
    {"scale-every", FlagKind::text, "TIME", "between decisions (default 10 s)", "", false},
    {"start-up", FlagKind::text, "TIME", "until a started replica serves (default 60 s)", "",
     false},
    {"max-present", FlagKind::whole, "N",
     "requests for each replica that is up; more are turned away", "", false},
    {"scheduling", FlagKind::choice, "ORDER",
     "fcfs (default), or priority: by the classes' priorities, smaller first", "fcfs|priority",
     false},
}};

constexpr std::array<Flag, 4> kAdapterFlags{{
    {"adapters", FlagKind::whole, "N", "LoRA adapters that requests ask for, one each", "", false},
    {"adapter-rank", FlagKind::whole, "R", "of all adapters (default 16)", "", false},
    {"adapter-slots", FlagKind::whole, "N",
     "in a device's memory at one time; others are loaded from the host (default: all)", "", false},
    {"adapter-skew", FlagKind::text, "X",
     "adapter k is asked for with weight 1 / k^X (default 0: all alike)", "", false},
}};

constexpr std::array<Flag, 5> kObjectiveFlags{{
    {"max-ttft", FlagKind::text, "TIME", "a request is good if its first token comes by then", "",
     false},
    {"max-tpot", FlagKind::text, "TIME", "... and its mean time per further token is at most this",
     "", false},
    {"max-latency", FlagKind::text, "TIME", "... and its last token comes by then", "", false},
    {"class", FlagKind::text, "NAME:SHARE:TTFT:TPOT:PRIORITY",
     "requests of a kind with limits of their own, such as 'chat:0.7:500 ms:30 ms'; a limit may be "
     "empty, the priority left out",
     "", true},
    {"requests-csv", FlagKind::file, "FILE", "write a row for every request", "", false},
}};

Engine with_options(Engine engine, const Arguments& arguments, ServeFlags& reader) {
  engine.token_budget = arguments.whole_or("token-budget", engine.token_budget);
  engine.max_sequences = arguments.whole_or("max-sequences", engine.max_sequences);
  engine.block_tokens = arguments.whole_or("block-tokens", engine.block_tokens);
  engine.memory_share = reader.number("memory-share", engine.memory_share, 0.01, 1);
  if (const auto caching = arguments.text("prefix-caching")) {
    engine.prefix_caching = *caching == "on";
  }
  return engine;
}

Routing routing_from(const Arguments& arguments) {
  const std::string name = arguments.text_or("routing", "round_robin");
  if (name == "least_loaded") return Routing::least_loaded;
  return name == "prefix_aware" ? Routing::prefix_aware : Routing::round_robin;
}

struct EngineGroup {
  ReplicaGroup group;
  Capacity capacity;
  Bytes adapter;  ///< one of them, on a device
};

/// All that a serving run is asked.
struct Order {
  RequestStream stream;
  Scenario scenario;
  Engine engine;
  Plan plan;
  Plan prefill_plan;
  std::int64_t replicas = 1;
  std::int64_t prefill_workers = 0;
  BytesPerSecond bandwidth;
  ServiceObjective objective;
  Autoscaling autoscaling;
  Proposal proposal;
  ServedAdapters adapters;          ///< in a device's memory
  std::int64_t named_adapters = 0;  ///< that requests ask for
};

void read_adapters(const Arguments& arguments, ServeFlags& reader, Order& order) {
  order.named_adapters = arguments.whole_or("adapters", 0);
  for (const char* flag : {"adapter-rank", "adapter-slots", "adapter-skew"}) {
    if (order.named_adapters > 0 || !arguments.has(flag)) continue;
    reader.add({command_line(), fmt::format("--{} needs --adapters", flag),
                "--adapters N is how many there are"});
  }
  if (order.named_adapters == 0) return;
  order.adapters = {arguments.whole_or("adapter-slots", order.named_adapters),
                    arguments.whole_or("adapter-rank", ServedAdapters{}.rank)};
  if (order.adapters.count > order.named_adapters) {
    reader.add({command_line(), "--adapter-slots is above --adapters",
                fmt::format("at most {}", order.named_adapters)});
  }
}

void read_scaling(const Arguments& arguments, ServeFlags& reader, Order& order) {
  Autoscaling& scaling = order.autoscaling;
  scaling.least = arguments.whole_or("min-replicas", 0);
  scaling.start_up = Seconds{60};
  if (arguments.has("start-up")) scaling.start_up = reader.quantity<Seconds>("start-up");
  if (arguments.has("scale-every")) scaling.interval = reader.quantity<Seconds>("scale-every");
  if (!(scaling.interval > Seconds{}))
    reader.add(
        {command_line(), "--scale-every is not above 0", "for example --scale-every '10 s'"});
  for (const char* flag : {"scale-target", "scale-every", "start-up"}) {
    if (scaling.least > 0 || !arguments.has(flag)) continue;
    reader.add({command_line(), fmt::format("--{} needs --min-replicas", flag),
                "--min-replicas N turns autoscaling on"});
  }
  if (scaling.least > order.replicas) {
    reader.add({command_line(), "--min-replicas is above --replicas",
                "--replicas is the most that autoscaling starts"});
  }
}

/// Replicas of a plan: the order's own, or its prefill workers'.
Result<EngineGroup> group_of(const Sources& sources, const std::string& model, const Order& order,
                             const Plan& plan) {
  const RequestStream& stream = order.stream;
  EngineGroup result;
  result.group.engine = on_ranks(order.engine, plan.data_parallel);
  const System& system = order.scenario.system;
  result.group.table = step_table(sources, model, system, plan, order.adapters);
  if (order.proposal)
    result.group.draft = draft_table(sources, order.proposal.draft, model, system, plan);
  if (order.adapters.count > 0) {
    const auto bytes = adapter_bytes(sources, model, system, plan, order.adapters.rank);
    if (!bytes) return failure(bytes.error());
    result.adapter = *bytes;
    result.group.engine.adapters.slots = order.adapters.count;
    if (const auto& link = system.host.link)
      result.group.engine.adapters.load = *bytes / link->value;
  }
  result.capacity = capacity_of(*result.group.table, result.group.engine, plan.device_count(),
                                stream.chunk, result.group.draft.get());
  if (result.group.draft && !result.group.draft->mistakes().empty())
    return failure(result.group.draft->mistakes());
  add_decode_facts(*result.group.table, typical_context(stream), result.capacity);
  if (!result.group.table->mistakes().empty()) return failure(result.group.table->mistakes());
  result.group.pool = result.capacity.pool;
  return result;
}

Result<Order> order_from(const Sources& sources, const Arguments& arguments) {
  ServeFlags reader(arguments);
  Order order;
  order.bandwidth = reader.quantity<BytesPerSecond>("transfer-bandwidth");
  order.objective = reader.objective();
  order.replicas = arguments.whole_or("replicas", 1);
  read_scaling(arguments, reader, order);
  read_adapters(arguments, reader, order);
  Diagnostics wrong;
  order.proposal = proposal_from(arguments, wrong);
  for (Diagnostic& one : wrong)
    reader.add(std::move(one));
  const double skew = reader.number("adapter-skew", 0, 0, 10);
  Result<RequestStream> stream = reader.stream();
  if (!stream) return failure(stream.error());
  order.stream = with_adapters(std::move(*stream), order.named_adapters, skew,
                               static_cast<std::uint64_t>(arguments.whole_or("seed", 1)));
  Result<Scenario> scenario =
      one_scenario(sources, decode_question(arguments.operands().front(), order.stream), arguments);
  if (!scenario) return failure(scenario.error());
  order.scenario = std::move(*scenario);
  const auto engines = embedded_engines();
  if (!engines) return failure(engines.error());
  const Result<Engine> engine = engine_for(*engines, arguments.text_or("engine", "vllm"),
                                           order.scenario.system.device.family);
  if (!engine) return failure(engine.error());
  order.engine = with_options(*engine, arguments, reader);
  order.engine.speculation = order.proposal.by;
  if (arguments.text_or("scheduling", "fcfs") == "priority")
    order.engine.order = QueueOrder::priority;
  order.autoscaling.target =
      reader.number("scale-target",
                    std::max(1.0, static_cast<double>(order.engine.max_sequences) / 2), 1e-3, 1e9);
  order.plan = served_plan(order.scenario.plan, arguments.text_or("plan", ""));
  order.prefill_plan = order.plan;
  order.prefill_workers = arguments.whole_or("prefill-workers", 0);
  if (const auto text = arguments.text("prefill-plan")) {
    const auto given = plan_from(*text);
    if (!given) return failure(given.error());
    const auto plan = given->on(order.scenario.system.device_count());
    if (!plan) return failure(plan.error());
    order.prefill_plan = served_plan(*plan, *text);
  }
  const std::int64_t needed = order.replicas * order.plan.device_count() +
                              order.prefill_workers * order.prefill_plan.device_count();
  if (needed > order.scenario.system.device_count()) {
    reader.add({command_line(),
                fmt::format("{} devices are needed, {} has {}", needed, order.scenario.system.id,
                            order.scenario.system.device_count()),
                fmt::format("ask for more: --devices {}", needed)});
  }
  if (!reader.mistakes().empty()) return failure(reader.mistakes());
  return order;
}

BytesPerSecond transfer_bandwidth(const Order& order) {
  if (order.bandwidth > BytesPerSecond{}) return order.bandwidth;
  const auto& levels = order.scenario.system.levels;
  if (levels.empty()) return {};
  const auto devices = static_cast<double>(order.prefill_plan.device_count());
  return devices * levels.back().achieved.value * levels.back().bandwidth.value;
}

}  // namespace

std::span<const Flag> serve_load_flags() { return load_flags(); }
std::span<const Flag> serve_engine_flags() { return kEngineFlags; }
std::span<const Flag> serve_system_flags() {
  static const std::vector<Flag> flags = system_flags_without("framework");  // of training
  return flags;
}

std::span<const Flag> serve_adapter_flags() { return kAdapterFlags; }
std::span<const Flag> serve_objective_flags() { return kObjectiveFlags; }

int run_serve(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Order> order = order_from(*sources, arguments);
  if (!order) return session.fail(order.error());
  session.warn(order->scenario.warnings);
  const std::string model = arguments.operands().front();
  const auto serving = group_of(*sources, model, *order, order->plan);
  if (!serving) return session.fail(serving.error());
  Deployment deployment;
  deployment.serving = serving->group;
  deployment.serving.count = order->replicas;
  deployment.routing = routing_from(arguments);
  deployment.autoscaling = order->autoscaling;
  deployment.most_present = arguments.whole_or("max-present", 0);
  deployment.cache_token = serving->capacity.cache_whole;
  if (order->prefill_workers > 0) {
    const auto prefill = group_of(*sources, model, *order, order->prefill_plan);
    if (!prefill) return session.fail(prefill.error());
    deployment.prefill = prefill->group;
    deployment.prefill.count = order->prefill_workers;
    deployment.transfer_bandwidth = transfer_bandwidth(*order);
    const auto& levels = order->scenario.system.levels;
    if (!levels.empty()) deployment.transfer_latency = levels.back().latency.value;
  }
  ServedQuestion question{order->scenario,   order->plan,      order->engine, deployment,
                          serving->capacity, order->objective, order->stream};
  question.devices = order->replicas * order->plan.device_count() +
                     order->prefill_workers * order->prefill_plan.device_count();
  question.adapters = {order->named_adapters, order->adapters, serving->adapter};
  if (deployment.serving.pool.blocks < 1) {
    return emit(session, arguments, explain_no_room(question), kInfeasible);
  }
  std::vector<IterationRecord> log;
  const bool draws = arguments.has("timeline") || arguments.has("out");
  const Result<ServeResult> result =
      serve(order->stream, deployment, nullptr, draws ? &log : nullptr);
  if (!result) return session.fail(result.error());
  if (const auto file = arguments.text("requests-csv")) {
    if (const auto wrong = write_file(*file, requests_csv(*result))) return session.fail({*wrong});
  }
  Findings findings = explain_serving(question, *result);
  add_assumptions(findings, Question{}, &order->scenario);
  return emit(session, arguments, findings, result->rejected > 0 ? kInfeasible : kAnswered,
              [&]() -> Result<Timeline> { return timeline_of(log, order->prefill_workers); });
}

}  // namespace fastpath::cli
