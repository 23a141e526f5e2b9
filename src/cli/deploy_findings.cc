#include "cli/deploy_findings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/launch_lines.h"
#include "cli/sources.h"

namespace fastpath::cli {
namespace {

constexpr std::array<std::string_view, 3> kEngines{"vllm", "sglang", "trtllm"};

double number(std::size_t value) { return static_cast<double>(value); }
double number(std::int64_t value) { return static_cast<double>(value); }

/// What the search maximises.
double worth(const DeployQuestion& asked, const DeployFigures& one) {
  if (asked.per_dollar && one.rent) return one.goodput / one.rent->base();
  return one.goodput / number(one.devices);
}

Cell rent_share(const DeployFigures& one, double per_second) {
  if (!one.rent || one.rent->base() <= 0) return {};
  return per_second / one.rent->base();
}

/// Dollars for a million output tokens.
Cell token_cost(const DeployFigures& one) {
  if (!one.rent || one.output_tokens_per_second <= 0) return {};
  return 1e6 * one.rent->base() / one.output_tokens_per_second;
}

std::string limits_text(const DeployTask& task) {
  std::string text;
  const auto add = [&](const char* name, Seconds limit) {
    if (limit == Seconds{}) return;
    text += fmt::format("{}{} <= {}", text.empty() ? "" : ", ", name, format_quantity(limit));
  };
  add("ttft", task.limits.first_token);
  add("tpot", task.limits.per_token);
  add("latency", task.limits.total);
  if (text.empty()) return "none";
  return fmt::format("{} at p{:g}", text, 100 * task.share);
}

std::string load_text(const RequestStream& stream) {
  double input = 0;
  double output = 0;
  for (const Request& one : stream.requests) {
    input += number(one.input);
    output += number(one.output);
  }
  const double count = std::max(1.0, number(stream.requests.size()));
  std::string arrivals;
  if (stream.concurrency > 0) {
    arrivals = fmt::format("{} at all times", stream.concurrency);
  } else {
    const double last = stream.requests.back().arrival.base();
    arrivals = last > 0 ? fmt::format("{:.4g} a second", count / last) : "all at once";
  }
  return fmt::format("{} requests, {}, means of {:.0f} tokens in and {:.0f} out",
                     stream.requests.size(), arrivals, input / count, output / count);
}

Table summary(const DeployQuestion& asked) {
  std::vector<std::string> systems;
  for (const DeploySystem& one : asked.task.systems)
    systems.push_back(fmt::format("{} of {}", one.devices, one.id));
  return {
      "summary",
      "Summary",
      {{"model", Unit::none},
       {"devices", Unit::none},
       {"load", Unit::none},
       {"limits", Unit::none},
       {"objective", Unit::none},
       {"space", Unit::none}},
      {{asked.model, fmt::format("{}", fmt::join(systems, ", ")), load_text(asked.task.stream),
        limits_text(asked.task),
        std::string(asked.per_dollar ? "goodput per dollar" : "goodput per device"), asked.space}}};
}

Table coverage_table(const DeployQuestion& asked, const std::vector<DeployFigures>& figures) {
  Table table{"coverage",
              "How each deployment was judged",
              {{"deployments", Unit::none},
               {"count", Unit::count},
               {"share", Unit::ratio},
               {"meaning", Unit::none}},
              {}};
  const auto count = [&](DeployVerdict verdict) {
    return std::count_if(figures.begin(), figures.end(),
                         [&](const DeployFigures& one) { return one.verdict == verdict; });
  };
  const double all = std::max(1.0, number(figures.size()));
  const auto row = [&](const char* what, std::ptrdiff_t n, const char* meaning) {
    table.rows.push_back({what, static_cast<double>(n), static_cast<double>(n) / all, meaning});
  };
  row("keep the limits", count(DeployVerdict::meets), "simulated");
  row("miss a limit", count(DeployVerdict::misses), "simulated");
  row("excluded", count(DeployVerdict::excluded), "no schedule can keep the limits: not simulated");
  row("do not fit", count(DeployVerdict::no_room),
      "weights leave no room for the longest sequence");
  row("illegal", count(DeployVerdict::illegal), "no plan of this model on this system");
  row("all", static_cast<std::ptrdiff_t>(figures.size()), "the space");
  if (asked.too_many > 0) {
    table.rows.push_back({"too large", number(asked.too_many), Cell{},
                          "layouts that need more devices, besides the space"});
  }
  return table;
}

/// Deployments by rank in two tables: what ranks them with the deployment last, since it is long;
/// and the other figures.
std::vector<Table> best_tables(const DeployQuestion& asked,
                               const std::vector<DeployFigures>& figures,
                               const std::vector<std::size_t>& ranked) {
  Table best{"best",
             "Best deployments; times are at the percentile",
             {{"rank", Unit::count},
              {"devices", Unit::count},
              {asked.per_dollar ? "goodput_per_dollar" : "goodput_per_device",
               asked.per_dollar ? Unit::count : Unit::per_second},
              {"ttft", Unit::seconds},
              {"tpot", Unit::seconds},
              {"deployment", Unit::none}},
             {}};
  Table more{"best_figures",
             "Best deployments: more figures",
             {{"rank", Unit::count},
              {"goodput", Unit::per_second},
              {"tokens_per_user", Unit::per_second},
              {"tokens_per_device", Unit::per_second},
              {"latency", Unit::seconds},
              {"goodput_per_dollar", Unit::count},
              {"cost_per_million_tokens", Unit::dollars}},
             {}};
  const std::size_t rows = std::min(asked.top, ranked.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const DeployFigures& one = figures[ranked[i]];
    best.rows.push_back({number(i + 1), number(one.devices), worth(asked, one),
                         one.first_token.base(), one.per_token.base(),
                         describe_deployment(asked, asked.task.choices[ranked[i]])});
    more.rows.push_back({number(i + 1), one.goodput, one.user_speed(), one.device_throughput(),
                         one.total.base(), rent_share(one, one.goodput), token_cost(one)});
  }
  return {std::move(best), std::move(more)};
}

Table front_table(const DeployQuestion& asked, const std::vector<DeployFigures>& figures) {
  Table table{"front",
              "Speed of a user against throughput of a device: none is beaten in both",
              {{"tokens_per_user", Unit::per_second},
               {"tokens_per_device", Unit::per_second},
               {"devices", Unit::count},
               {"ttft", Unit::seconds},
               {"deployment", Unit::none}},
              {}};
  for (const std::size_t i : deploy_front(figures)) {
    const DeployFigures& one = figures[i];
    table.rows.push_back({one.user_speed(), one.device_throughput(), number(one.devices),
                          one.first_token.base(),
                          describe_deployment(asked, asked.task.choices[i])});
  }
  return table;
}

/// A worker of the deployment in the words of one engine.
std::vector<Cell> launch_row(const DeployQuestion& asked, const DeployChoice& choice,
                             std::string_view words, WorkerRole role) {
  const DeploySystem& system = asked.task.systems[choice.system];
  const Engine& engine = system.engines[choice.engine];
  LaunchOrder order;
  order.model = asked.repository;
  order.plan = role == WorkerRole::prefill ? system.prefill_plans[choice.prefill_plan]
                                           : system.plans[choice.plan];
  order.role = role;
  order.max_sequences = choice.max_sequences > 0 ? choice.max_sequences : engine.max_sequences;
  order.token_budget = choice.token_budget > 0 ? choice.token_budget : engine.token_budget;
  if (words == engine.id) order.memory_share = engine.memory_share;
  for (const Request& one : asked.task.stream.requests)
    order.longest = std::max(order.longest, one.input + one.output);
  const std::int64_t copies =
      role == WorkerRole::prefill ? choice.prefill_workers : choice.replicas;
  constexpr std::array<const char*, 3> kRoles{"replica", "prefill", "decode"};
  return {std::string(words), kRoles[static_cast<std::size_t>(role)], number(copies),
          launch_line(words, order)};
}

Table launch_table(const DeployQuestion& asked, const DeployChoice& choice) {
  Table table{"launch",
              "Lines that launch the best deployment, each so many times, behind a router",
              {{"words_of", Unit::none},
               {"worker", Unit::none},
               {"copies", Unit::count},
               {"line", Unit::none}},
              {}};
  for (const std::string_view words : kEngines) {
    if (choice.prefill_workers > 0) {
      table.rows.push_back(launch_row(asked, choice, words, WorkerRole::prefill));
      table.rows.push_back(launch_row(asked, choice, words, WorkerRole::decode));
    } else {
      table.rows.push_back(launch_row(asked, choice, words, WorkerRole::all));
    }
  }
  return table;
}

void add_notes(Findings& findings, const DeployQuestion& asked, const DeployChoice* best) {
  findings.notes.emplace_back(
      "goodput: requests a second within all limits; tokens per user: 1 / mean tpot; tokens per "
      "device: output tokens a second over all devices. Simulated as `fastpath serve` does it.");
  findings.notes.emplace_back(
      "Excluded: the least time of an iteration, a prompt or the whole work, over all schedules, "
      "is above what the limits leave.");
  if (best == nullptr) return;
  const DeploySystem& system = asked.task.systems[best->system];
  const Engine& engine = system.engines[best->engine];
  findings.notes.push_back(fmt::format(
      "The best one is predicted with the constants of {}; the other engines' lines are the same "
      "deployment in their words.",
      engine.id));
  const Plan& plan = system.plans[best->plan];
  for (const std::string_view words : kEngines) {
    if (quantises_at_start(words, plan)) continue;
    findings.notes.push_back(
        fmt::format("{} needs a checkpoint whose weights are in this format already.", words));
  }
  if (plan.weight_format || plan.cache_format) {
    findings.notes.emplace_back(
        "Narrower formats change answers; how much is not known here: weights=own cache=own leave "
        "them out.");
  }
}

}  // namespace

std::string describe_deployment(const DeployQuestion& asked, const DeployChoice& choice) {
  const DeploySystem& system = asked.task.systems[choice.system];
  const auto words = [](Plan plan) {
    plan.execution = Execution::eager;  // what nobody chose is not said
    plan.compute_format.reset();
    const std::string text = describe_plan(plan);
    return text.starts_with("tp=") ? text : "tp=1 " + text;
  };
  std::string text;
  if (asked.task.systems.size() > 1) text += system.id + ": ";
  if (system.engines.size() > 1) text += system.engines[choice.engine].id + ' ';
  text += fmt::format("{} x ({})", choice.replicas, words(system.plans[choice.plan]));
  if (choice.prefill_workers > 0) {
    text += fmt::format(" + {} prefill x ({})", choice.prefill_workers,
                        words(system.prefill_plans[choice.prefill_plan]));
  }
  if (choice.max_sequences > 0) text += fmt::format(", {} sequences", choice.max_sequences);
  if (choice.token_budget > 0) text += fmt::format(", {} tokens", choice.token_budget);
  return text;
}

std::vector<std::size_t> ranked_deployments(const DeployQuestion& asked,
                                            const std::vector<DeployFigures>& figures) {
  std::vector<std::size_t> ranked;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (figures[i].verdict == DeployVerdict::meets) ranked.push_back(i);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [&](std::size_t a, std::size_t b) {
    return worth(asked, figures[a]) > worth(asked, figures[b]);
  });
  // Limits that are never reached change nothing: the first of equal ones stands for them.
  const auto equal = [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) {
      const DeployFigures& one = figures[i];
      return std::tuple(one.devices, one.goodput, one.first_token, one.per_token, one.total);
    };
    return key(a) == key(b);
  };
  ranked.erase(std::unique(ranked.begin(), ranked.end(), equal), ranked.end());
  return ranked;
}

Findings explain_deployments(const DeployQuestion& asked,
                             const std::vector<DeployFigures>& figures) {
  const std::vector<std::size_t> ranked = ranked_deployments(asked, figures);
  Findings findings;
  findings.title = fmt::format("{}: deployments", asked.model);
  findings.tables = {summary(asked), coverage_table(asked, figures)};
  const DeployChoice* best = ranked.empty() ? nullptr : &asked.task.choices[ranked.front()];
  if (best != nullptr) {
    for (Table& table : best_tables(asked, figures, ranked))
      findings.tables.push_back(std::move(table));
    findings.tables.push_back(front_table(asked, figures));
    findings.tables.push_back(launch_table(asked, *best));
  } else {
    findings.notes.emplace_back(
        "No deployment keeps the limits: allow more devices (--devices), longer times, or a lower "
        "rate.");
  }
  add_notes(findings, asked, best);
  return findings;
}

}  // namespace fastpath::cli
