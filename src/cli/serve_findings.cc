#include "cli/serve_findings.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/sources.h"

namespace fastpath::cli {
namespace {

/// Appends a column and its cell to a table of one row.
void add(Table& table, std::string name, Unit unit, Cell cell) {
  if (table.rows.empty()) table.rows.emplace_back();
  table.columns.push_back({std::move(name), unit});
  table.rows.front().push_back(std::move(cell));
}

double number(std::int64_t value) { return static_cast<double>(value); }

/// Devices that are on, mean over the run: all but replicas that are scaled away.
double devices_on(const ServedQuestion& question, const ServeResult& result) {
  const double all = number(question.devices);
  if (question.scaling_least() == 0 || result.duration <= Seconds{}) return all;
  const double each = number(question.plan.device_count());
  const double up = result.replica_time / result.duration;
  return all - each * (number(question.deployment.serving.count) - up);
}

/// Energy and cost of the whole run: devices that are on are so until the last token.
void add_energy_and_cost(Table& table, const ServedQuestion& question, const ServeMetrics& metrics,
                         const ServeResult& result) {
  const System& system = question.scenario.system;
  const double millions = metrics.output_tokens / 1e6;
  if (millions <= 0) return;
  const double devices = devices_on(question, result);
  const Seconds duration = result.duration;
  if (system.device.power) {
    Watts power = devices * system.device.power->value;
    if (system.host.power && !system.levels.empty()) {
      power += std::ceil(devices / number(system.levels.front().count)) * system.host.power->value;
    }
    const Joules energy = system.power_overhead * (power * duration);
    add(table, "energy", Unit::joules, energy.base());
    add(table, "energy_per_million_output_tokens", Unit::joules, energy.base() / millions);
  }
  const auto& rent = system.rent ? system.rent : system.device.rent;
  if (!rent) return;
  const Dollars cost = devices * (rent->value * duration);
  add(table, "cost", Unit::dollars, cost.base());
  add(table, "cost_per_million_output_tokens", Unit::dollars, cost.base() / millions);
}

bool has_objective(const ServiceObjective& objective) {
  return objective.first_token + objective.per_token + objective.total > Seconds{};
}

Table summary(const ServedQuestion& question, const ServeResult& result,
              const ServeMetrics& metrics) {
  Table table{"summary", "Summary", {}, {}};
  const System& system = question.scenario.system;
  add(table, "model", Unit::none, question.scenario.workload.name);
  add(table, "system", Unit::none, system.id.empty() ? system.name : system.id);
  add(table, "plan", Unit::none, describe_plan(question.plan));
  add(table, "engine", Unit::none, question.engine.id);
  add(table, "replicas", Unit::count, number(question.deployment.serving.count));
  if (question.deployment.prefill.count > 0) {
    add(table, "prefill_workers", Unit::count, number(question.deployment.prefill.count));
  }
  add(table, "devices", Unit::count, number(question.devices));
  add(table, "requests", Unit::count, static_cast<double>(result.requests.size()));
  if (result.rejected > 0) add(table, "rejected", Unit::count, number(result.rejected));
  add(table, "duration", Unit::seconds, result.duration.base());
  add(table, "requests_served", Unit::per_second, metrics.requests_per_second);
  if (question.scaling_least() > 0) {
    add(table, "replicas_up", Unit::none, result.replica_time / result.duration);
    add(table, "times_scaled", Unit::count, static_cast<double>(result.scaling.size() - 1));
  }
  if (question.deployment.most_present > 0) {
    add(table, "refused", Unit::count, number(result.refused));
  }
  const Speculation& speculation = question.engine.speculation;
  if (speculation.length > 0) {
    add(table, "proposed_tokens_a_step", Unit::count, number(std::int64_t{speculation.length}));
    add(table, "tokens_a_step", Unit::none, speculation.tokens());
  }
  if (has_objective(question.objective)) {
    const double served = static_cast<double>(std::max<std::size_t>(1, result.requests.size()));
    add(table, "goodput", Unit::per_second, metrics.goodput);
    add(table, "good_share", Unit::ratio, static_cast<double>(metrics.good) / served);
  }
  add(table, "input_tokens", Unit::per_second, metrics.input_tokens_per_second);
  add(table, "output_tokens", Unit::per_second, metrics.output_tokens_per_second);
  add(table, "output_tokens_per_device", Unit::per_second,
      metrics.output_tokens_per_second / number(question.devices));
  add_energy_and_cost(table, question, metrics, result);
  return table;
}

Table latencies(const ServeMetrics& metrics) {
  Table table{"latencies",
              "Latencies",
              {{"metric", Unit::none},
               {"count", Unit::count},
               {"mean", Unit::seconds},
               {"p50", Unit::seconds},
               {"p90", Unit::seconds},
               {"p99", Unit::seconds}},
              {}};
  const auto row = [&](const char* name, const Latencies& one) {
    table.rows.push_back({std::string(name), static_cast<double>(one.count), one.mean.base(),
                          one.p50.base(), one.p90.base(), one.p99.base()});
  };
  row("queue", metrics.queue);
  row("ttft", metrics.ttft);
  row("tpot", metrics.tpot);
  row("itl", metrics.itl);
  row("latency", metrics.latency);
  return table;
}

Table class_table(const ServedQuestion& question, const ServeResult& result) {
  Table table{"classes",
              "Classes of requests, each within its own limits",
              {{"class", Unit::none},
               {"requests", Unit::count},
               {"good_share", Unit::ratio},
               {"goodput", Unit::per_second},
               {"ttft_p50", Unit::seconds},
               {"ttft_p90", Unit::seconds},
               {"ttft_p99", Unit::seconds},
               {"tpot_p90", Unit::seconds}},
              {}};
  for (const ClassMetrics& one : metrics_by_class(question.stream, result)) {
    const double all = std::max(1.0, static_cast<double>(one.requests));
    table.rows.push_back({one.name, static_cast<double>(one.requests),
                          static_cast<double>(one.metrics.good) / all, one.metrics.goodput,
                          one.metrics.ttft.p50.base(), one.metrics.ttft.p90.base(),
                          one.metrics.ttft.p99.base(), one.metrics.tpot.p90.base()});
  }
  return table;
}

/// What serving adapters costs beside their products: memory, and loads where slots are fewer.
Table adapter_table(const ServedQuestion& question, const ServeResult& result) {
  const AdapterFacts& facts = question.adapters;
  const Engine& engine = question.deployment.serving.engine;
  std::int64_t loads = 0;
  for (const ReplicaStats& one : result.replicas)
    loads += one.adapter_loads;
  const double served = static_cast<double>(std::max<std::size_t>(1, result.requests.size()));
  Table table{"adapters", "Adapters", {}, {}};
  add(table, "adapters", Unit::count, number(facts.named));
  add(table, "rank", Unit::count, number(facts.served.rank));
  add(table, "slots", Unit::count, number(facts.served.count));
  add(table, "adapter_memory", Unit::bytes, facts.bytes.base());
  add(table, "slots_memory", Unit::bytes, number(facts.served.count) * facts.bytes.base());
  add(table, "load_of_one", Unit::seconds, engine.adapters.load.base());
  add(table, "loads", Unit::count, number(loads));
  add(table, "loads_per_request", Unit::none, number(loads) / served);
  add(table, "time_loading", Unit::seconds, number(loads) * engine.adapters.load.base());
  return table;
}

Table scaling_table(const ServeResult& result) {
  Table table{"scaling",
              "Replicas that are up or starting",
              {{"from", Unit::seconds}, {"replicas", Unit::count}},
              {}};
  for (const auto& [time, count] : result.scaling)
    table.rows.push_back({time.base(), number(count)});
  return table;
}

Table capacity_table(const ServedQuestion& question) {
  const Capacity& capacity = question.capacity;
  Table table{"capacity", "What a replica holds, without simulation", {}, {}};
  const auto devices = number(question.plan.device_count());
  double context = 0;
  for (const Request& one : question.stream.requests)
    context += number(one.input + one.output);
  context /= std::max(1.0, static_cast<double>(question.stream.requests.size()));
  add(table, "device_memory", Unit::bytes, capacity.device.base());
  add(table, "taken_by_weights_and_activations", Unit::bytes, capacity.taken.base());
  add(table, "cache_per_token", Unit::bytes, devices * capacity.cache_token.base());
  add(table, "cache_tokens", Unit::count, number(capacity.tokens));
  add(table, "mean_sequence", Unit::count, context);
  if (capacity.tokens > 0) {
    add(table, "sequences_that_fit", Unit::count,
        std::floor(number(capacity.tokens) / std::max(1.0, context)));
  }
  add(table, "compute_bound_from", Unit::count,
      capacity.compute_bound ? Cell{number(*capacity.compute_bound)} : Cell{});
  add(table, "decode_step_of_one", Unit::seconds, capacity.step.base());
  add(table, "speed_of_light_of_one", Unit::seconds, capacity.speed_of_light.base());
  return table;
}

Table replica_table(const ServeResult& result, std::int64_t prefill) {
  Table table{"replicas",
              "Replicas",
              {{"replica", Unit::none},
               {"iterations", Unit::count},
               {"busy", Unit::ratio},
               {"running", Unit::none},
               {"kv_occupancy", Unit::ratio},
               {"kv_peak", Unit::ratio},
               {"preemptions", Unit::count},
               {"prompt_tokens", Unit::count},
               {"cached_tokens", Unit::count}},
              {}};
  for (std::size_t i = 0; i < result.replicas.size(); ++i) {
    const ReplicaStats& one = result.replicas[i];
    const bool prefills = static_cast<std::int64_t>(i) < prefill;
    const double duration = std::max(1e-12, result.duration.base());
    table.rows.push_back(
        {fmt::format("{}{}", prefills ? "prefill " : "", i), number(one.iterations),
         one.busy.base() / duration, one.mean_sequences, one.mean_occupancy,
         number(one.peak_blocks) / std::max(1.0, number(one.capacity_blocks)),
         number(one.preemptions), number(one.prompt_tokens), number(one.cached_tokens)});
  }
  return table;
}

void add_adapter_notes(Findings& findings, const ServedQuestion& question) {
  findings.notes.emplace_back(
      "Adapters: two low-rank products beside each dense one, grouped by adapter; those of the "
      "adapters that a step's sequences use are read, all in slots take memory. Experts, router, "
      "embedding and head have none. No kernel of adapters was measured.");
  if (question.deployment.serving.engine.adapters.load > Seconds{}) return;
  findings.notes.push_back(
      fmt::format("The link from host to device of {} is not known: adapters "
                  "are loaded in no time.",
                  question.scenario.system.name));
}

/// Priorities that nothing heeds are worth a word, and how those that count do.
void add_priority_note(Findings& findings, const ServedQuestion& question) {
  const auto& classes = question.stream.classes;
  const bool differ = std::any_of(classes.begin(), classes.end(), [&](const ServiceClass& one) {
    return one.priority != classes.front().priority;
  });
  if (!differ) return;
  findings.notes.emplace_back(
      question.engine.order == QueueOrder::priority
          ? "Priorities order the queue and say who is preempted when blocks run out; what runs is "
            "not interrupted for what waits."
          : "Priorities of classes count with --scheduling priority only.");
}

void add_notes(Findings& findings, const ServedQuestion& question, const ServeResult& result) {
  findings.notes.emplace_back(
      "queue: arrival to first iteration; ttft: arrival to first token, queueing included; tpot: "
      "(last token - first token) / (output tokens - 1) of a request; itl: every gap between "
      "tokens "
      "of a request, in classes of 1 %; latency: arrival to last token. Percentiles are over "
      "requests (itl: over gaps).");
  findings.notes.emplace_back(
      question.stream.concurrency > 0
          ? "Closed loop: a request is sent when another ends; the first ones come together."
          : "Open loop: where more arrives than is served, ttft tells how long the run was.");
  findings.notes.push_back(
      question.engine.rows > 0
          ? fmt::format("Constants of {} were fitted on {} measured configurations; a typical one "
                        "is off by {:.0f} %.",
                        question.engine.id, question.engine.rows,
                        100 * question.engine.factors.front().relative_spread)
          : fmt::format("No constants of {} were fitted: iterations are those of predict.",
                        question.engine.id));
  if (!question.capacity.compute_bound) {
    findings.notes.emplace_back(
        "No batch up to 4096 sequences makes a decode step compute-bound at this context.");
  }
  if (question.engine.speculation.length > 0) {
    findings.notes.emplace_back(
        "Speculation: each proposed token is accepted with the same probability, if those before "
        "it were; a step emits the expected number of tokens, checks all proposed ones at once "
        "(products over all of them, the cache read once) and pays for as many draft steps.");
  }
  if (question.adapters.named > 0) add_adapter_notes(findings, question);
  add_priority_note(findings, question);
  if (result.refused > 0) {
    findings.notes.push_back(
        fmt::format("{} requests were turned away: they count as not good and have no latencies.",
                    result.refused));
  }
  if (result.rejected > 0) {
    findings.notes.push_back(
        fmt::format("{} requests are longer than the KV pool of a replica: they were turned away.",
                    result.rejected));
  }
}

}  // namespace

Findings explain_serving(const ServedQuestion& question, const ServeResult& result) {
  const ServeMetrics metrics = metrics_of(result, question.objective);
  Findings findings;
  findings.title = fmt::format("{}: serving on {}", question.scenario.workload.name,
                               question.scenario.system.name);
  findings.tables = {summary(question, result, metrics), latencies(metrics),
                     capacity_table(question),
                     replica_table(result, question.deployment.prefill.count)};
  if (!question.stream.classes.empty())
    findings.tables.insert(findings.tables.begin() + 1, class_table(question, result));
  if (question.scaling_least() > 0) findings.tables.push_back(scaling_table(result));
  if (question.adapters.named > 0) findings.tables.push_back(adapter_table(question, result));
  add_notes(findings, question, result);
  return findings;
}

Findings explain_no_room(const ServedQuestion& question) {
  Findings findings;
  findings.title = fmt::format("{}: does not fit on {}", question.scenario.workload.name,
                               question.scenario.system.name);
  findings.tables = {capacity_table(question)};
  findings.notes.push_back(fmt::format(
      "The engine takes {:.0f} % of a device's memory; weights and activations leave "
      "nothing for keys and values. More devices a replica (tp, pp) or a smaller format "
      "(weights=fp8) make room.",
      100 * question.engine.memory_share));
  return findings;
}

std::string requests_csv(const ServeResult& result) {
  std::string text =
      "request,arrival_s,input_tokens,output_tokens,queue_s,ttft_s,tpot_s,latency_s,cached_tokens,"
      "preemptions,replica\n";
  for (std::size_t i = 0; i < result.requests.size(); ++i) {
    const RequestOutcome& one = result.requests[i];
    text += fmt::format("{},{:.6f},{},{},{:.6f},{:.6f},{:.6f},{:.6f},{},{},{}\n", i,
                        one.arrival.base(), one.input, one.output,
                        (one.scheduled - one.arrival).base(), one.ttft().base(), one.tpot().base(),
                        one.latency().base(), one.cached, one.preemptions, one.replica);
  }
  return text;
}

}  // namespace fastpath::cli
