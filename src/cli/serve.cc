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
#include "cli/serving.h"
#include "cli/verbs.h"
#include "import/catalog/engines.h"
#include "import/requests/requests.h"
#include "serve/load.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 256u << 20;

constexpr std::array<Flag, 12> kLoadFlags{{
    {"requests", FlagKind::file, "FILE.csv", "a trace: docs/guide/serving.md has its columns", "",
     false},
    {"rate", FlagKind::text, "N", "requests a second that arrive (open loop)", "", false},
    {"variation", FlagKind::text, "X",
     "of the gaps between arrivals: 1 = Poisson (default), 0 = even, else Gamma", "", false},
    {"concurrency", FlagKind::whole, "N", "that many requests at all times (closed loop)", "",
     false},
    {"count", FlagKind::whole, "N", "requests, or conversations (default 1000)", "", false},
    {"isl", FlagKind::whole, "TOKENS", "length of prompts, or of what a turn adds (default 1024)",
     "", false},
    {"osl", FlagKind::whole, "TOKENS", "length of answers (default 128)", "", false},
    {"length-spread", FlagKind::text, "X", "lengths are uniform within 1 - X and 1 + X (default 0)",
     "", false},
    {"turns", FlagKind::whole, "N", "of a conversation, each behind all before it (default 1)", "",
     false},
    {"think", FlagKind::text, "TIME", "from an answer to the next turn (default 0)", "", false},
    {"speed-up", FlagKind::text, "X", "the trace's arrivals at X times their rate", "", false},
    {"seed", FlagKind::whole, "N", "of arrivals and lengths (default 1)", "", false},
}};

constexpr std::array<Flag, 11> kEngineFlags{{
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
}};

constexpr std::array<Flag, 4> kObjectiveFlags{{
    {"max-ttft", FlagKind::text, "TIME", "a request is good if its first token comes by then", "",
     false},
    {"max-tpot", FlagKind::text, "TIME", "... and its mean time per further token is at most this",
     "", false},
    {"max-latency", FlagKind::text, "TIME", "... and its last token comes by then", "", false},
    {"requests-csv", FlagKind::file, "FILE", "write a row for every request", "", false},
}};

/// Reads flags and collects all that is wrong with them.
class Reader {
 public:
  explicit Reader(const Arguments& arguments) : flags_(arguments) {}

  double number(std::string_view flag, double fallback, double least, double most) {
    const auto text = flags_.arguments().text(flag);
    if (!text) return fallback;
    const auto value = parse_number(*text);
    if (value && *value >= least && *value <= most) return *value;
    flags_.add({{command_line(),
                 fmt::format("--{} {} is not a number from {:g} to {:g}", flag, in_quotes(*text),
                             least, most),
                 {}}});
    return fallback;
  }

  template <class Q>
  Q quantity(std::string_view flag) {
    return flags_.quantity<Q>(flag).value_or(Q{});
  }

  void add(Diagnostic mistake) { flags_.add({std::move(mistake)}); }
  const Diagnostics& mistakes() const { return flags_.mistakes(); }

  Load load() {
    Load load;
    load.rate = number("rate", 0, 1e-9, 1e9);
    load.variation = number("variation", 1, 0, 100);
    load.concurrency = flags_.arguments().whole_or("concurrency", 0);
    load.count = flags_.arguments().whole_or("count", 1000);
    const double spread = number("length-spread", 0, 0, 1);
    load.input = lengths(flags_.arguments().whole_or("isl", 1024), spread);
    load.output = lengths(flags_.arguments().whole_or("osl", 128), spread);
    load.turns = flags_.arguments().whole_or("turns", 1);
    load.think = quantity<Seconds>("think");
    load.seed = static_cast<std::uint64_t>(flags_.arguments().whole_or("seed", 1));
    return load;
  }

 private:
  static Lengths lengths(std::int64_t mean, double spread) {
    const auto middle = static_cast<double>(mean);
    const auto least = static_cast<std::int64_t>(std::ceil(middle * (1 - spread)));
    const auto most = static_cast<std::int64_t>(std::floor(middle * (1 + spread)));
    return {std::max<std::int64_t>(1, least), std::max<std::int64_t>(1, most)};
  }

  FlagReader flags_;
};

Result<RequestStream> stream_from(const Arguments& arguments, Reader& reader) {
  const Load load = reader.load();
  const double speed_up = reader.number("speed-up", 1, 1e-6, 1e6);
  const auto file = arguments.text("requests");
  const int ways = static_cast<int>(file.has_value()) + static_cast<int>(arguments.has("rate")) +
                   static_cast<int>(arguments.has("concurrency"));
  if (ways != 1) {
    reader.add({command_line(), ways == 0 ? "no requests: which load?" : "more than one load",
                "give one of --requests FILE, --rate and --concurrency"});
  }
  if (!reader.mistakes().empty()) return failure(reader.mistakes());
  if (!file) return stream_of(load);
  const Result<std::string> text = read_file(*file, kMostBytes);
  if (!text) return failure(text.error());
  Result<RequestTrace> trace = read_requests(*text, *file);
  if (!trace) return failure(trace.error());
  if (arguments.has("count")) {
    auto& requests = trace->stream.requests;
    requests.resize(std::min(requests.size(), static_cast<std::size_t>(load.count)));
  }
  return at_rate(std::move(trace->stream), speed_up);
}

Engine with_options(Engine engine, const Arguments& arguments, Reader& reader) {
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

/// Mean tokens of a sequence half-way through its answer.
double typical_context(const RequestStream& stream) {
  double sum = 0;
  for (const Request& one : stream.requests)
    sum += static_cast<double>(one.input) + static_cast<double>(one.output) / 2;
  return std::max(1.0, sum / static_cast<double>(stream.requests.size()));
}

struct Group {
  ReplicaGroup group;
  Capacity capacity;
};

/// Question of a decode step, which finds the model, the system and a plan.
Question question_of(const Arguments& arguments, const RequestStream& stream) {
  Question question;
  question.model = arguments.operands().front();
  question.step.phase = Phase::decode;
  question.step.batch = 64;
  question.step.sequence = 1;
  question.step.past = static_cast<std::int64_t>(typical_context(stream));
  return question;
}

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
};

/// Replicas of a plan: the order's own, or its prefill workers'.
Result<Group> group_of(const Sources& sources, const std::string& model, const Order& order,
                       const Plan& plan) {
  const RequestStream& stream = order.stream;
  Group result;
  result.group.engine = on_ranks(order.engine, plan.data_parallel);
  result.group.table = step_table(sources, model, order.scenario.system, plan);
  result.capacity =
      capacity_of(*result.group.table, result.group.engine, plan.device_count(), stream.chunk);
  add_decode_facts(*result.group.table, typical_context(stream), result.capacity);
  if (!result.group.table->mistakes().empty()) return failure(result.group.table->mistakes());
  result.group.pool = result.capacity.pool;
  return result;
}

Result<Order> order_from(const Sources& sources, const Arguments& arguments) {
  Reader reader(arguments);
  Order order;
  order.bandwidth = reader.quantity<BytesPerSecond>("transfer-bandwidth");
  order.objective = {reader.quantity<Seconds>("max-ttft"), reader.quantity<Seconds>("max-tpot"),
                     reader.quantity<Seconds>("max-latency")};
  Result<RequestStream> stream = stream_from(arguments, reader);
  if (!stream) return failure(stream.error());
  order.stream = std::move(*stream);
  Result<Scenario> scenario =
      one_scenario(sources, question_of(arguments, order.stream), arguments);
  if (!scenario) return failure(scenario.error());
  order.scenario = std::move(*scenario);
  const auto engines = embedded_engines();
  if (!engines) return failure(engines.error());
  const Result<Engine> engine = engine_for(*engines, arguments.text_or("engine", "vllm"),
                                           order.scenario.system.device.family);
  if (!engine) return failure(engine.error());
  order.engine = with_options(*engine, arguments, reader);
  order.plan = served_plan(order.scenario.plan, arguments.text_or("plan", ""));
  order.prefill_plan = order.plan;
  order.replicas = arguments.whole_or("replicas", 1);
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

std::span<const Flag> serve_load_flags() { return kLoadFlags; }
std::span<const Flag> serve_engine_flags() { return kEngineFlags; }
std::span<const Flag> serve_system_flags() {
  static const std::vector<Flag> flags = system_flags_without("framework");  // of training
  return flags;
}

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
  if (deployment.serving.pool.blocks < 1) {
    return emit(session, arguments, explain_no_room(question), kInfeasible);
  }
  const Result<ServeResult> result = serve(order->stream, deployment);
  if (!result) return session.fail(result.error());
  if (const auto file = arguments.text("requests-csv")) {
    if (const auto wrong = write_file(*file, requests_csv(*result))) return session.fail({*wrong});
  }
  Findings findings = explain_serving(question, *result);
  add_assumptions(findings, Question{}, &order->scenario);
  return emit(session, arguments, findings, result->rejected > 0 ? kInfeasible : kAnswered);
}

}  // namespace fastpath::cli
