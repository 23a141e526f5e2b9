#include "serve/deploy.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>
#include <thread>
#include <tuple>

namespace fastpath {
namespace {

constexpr std::size_t kChunk = 16;  ///< neighbours that one thread judges

/// A quantile by linear interpolation between order statistics, as in latencies_of.
Seconds at_share(std::vector<double> values, double share) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return Seconds{values[low] + (place - static_cast<double>(low)) * (values[high] - values[low])};
}

bool within(Seconds time, Seconds limit) { return limit == Seconds{} || time <= limit; }

}  // namespace

DeployJudge::DeployJudge(const DeployTask& task, DeployTables make)
    : task_(task), make_(std::move(make)) {
  shortest_ = task.stream.requests.empty() ? 1 : task.stream.requests.front().input;
  for (const Request& one : task.stream.requests) {
    longest_ = std::max(longest_, one.input + one.output);
    shortest_ = std::min(shortest_, one.input);
    shares_prefixes_ = shares_prefixes_ || !one.prefix.empty();
  }
  load_ = bounded_load(task.stream, task.limits, task.share, shares_prefixes_);
  tables_.resize(task.systems.size());
}

std::shared_ptr<StepTable> DeployJudge::table(std::size_t system, const Plan& plan) {
  auto& known = tables_[system];
  for (const auto& [of, table] : known) {
    if (of == plan) return table;
  }
  known.emplace_back(plan, make_(system, plan));
  return known.back().second;
}

const DeployJudge::Worker& DeployJudge::worker(const DeployChoice& choice, bool prefills) {
  const bool apart = choice.prefill_workers > 0;
  const std::size_t which = prefills ? choice.prefill_plan : choice.plan;
  const WorkerKey key{choice.system,       which, prefills, choice.engine, choice.max_sequences,
                      choice.token_budget, apart};
  const auto [found, added] = workers_.try_emplace(key);
  Worker& one = found->second;
  if (!added) return one;
  const DeploySystem& system = task_.systems[choice.system];
  const Plan& plan = prefills ? system.prefill_plans[which] : system.plans[which];
  Engine engine = system.engines[choice.engine];
  if (choice.max_sequences > 0) engine.max_sequences = choice.max_sequences;
  if (choice.token_budget > 0) engine.token_budget = choice.token_budget;
  one.devices = plan.device_count();
  one.group.engine = on_ranks(std::move(engine), plan.data_parallel);
  one.group.table = table(choice.system, plan);
  one.capacity = capacity_of(*one.group.table, one.group.engine, one.devices, task_.stream.chunk);
  one.group.pool = one.capacity.pool;
  one.legal = one.group.table->mistakes().empty();
  if (one.legal && fits(one)) set_bounds(one, prefills, apart && !prefills);
  return one;
}

bool DeployJudge::fits(const Worker& worker) const {
  if (worker.group.pool.blocks < 1) return false;
  IterationCost cost(worker.group.table, worker.group.engine);
  return Replica(worker.group.engine, worker.group.pool, std::move(cost)).fits(longest_);
}

void DeployJudge::set_bounds(Worker& worker, bool prefills_only, bool decodes_only) const {
  const Engine& engine = worker.group.engine;
  IterationRange range;
  range.least_context = static_cast<double>(shortest_);
  range.most_context = static_cast<double>(longest_);
  range.mixes = engine.batching != Batching::prefill_first && !prefills_only;
  range.piece = engine.token_budget;
  if (engine.batching == Batching::whole_prompts) range.piece = std::max(range.piece, longest_);
  if (!prefills_only) {
    range.sequences = engine.max_sequences;
    const std::int64_t blocks = (shortest_ + engine.block_tokens - 1) / engine.block_tokens +
                                worker.group.pool.state_blocks;
    if (!shares_prefixes_) {
      range.sequences =
          std::min(range.sequences, worker.group.pool.blocks / std::max<std::int64_t>(1, blocks));
    }
  }
  // Preempted sequences compute their prompts again beside decodes.
  if (decodes_only) range.piece = 1;
  IterationCost cost(worker.group.table, engine);
  worker.bounds = iteration_bounds(cost, engine, range);
}

std::optional<Deployment> DeployJudge::deployment(const DeployChoice& choice) {
  const Worker& serving = worker(choice, false);
  if (!serving.legal || !fits(serving)) return std::nullopt;
  const DeploySystem& system = task_.systems[choice.system];
  Deployment result;
  result.serving = serving.group;
  result.serving.count = choice.replicas;
  result.routing = task_.routing;
  result.cache_token = serving.capacity.cache_whole;
  if (choice.prefill_workers > 0) {
    const Worker& prefill = worker(choice, true);
    if (!prefill.legal || !fits(prefill)) return std::nullopt;
    result.prefill = prefill.group;
    result.prefill.count = choice.prefill_workers;
    result.transfer_bandwidth = static_cast<double>(prefill.devices) * system.bandwidth;
    result.transfer_latency = system.latency;
  }
  return result;
}

Missed DeployJudge::missed(const DeployChoice& choice) {
  const bool apart = choice.prefill_workers > 0;
  const Worker& serving = worker(choice, false);
  const Worker& prefill = apart ? worker(choice, true) : serving;
  BoundedDeployment bounded;
  bounded.apart = apart;
  bounded.prefill = prefill.bounds;
  bounded.decode = serving.bounds;
  bounded.decode_replicas = static_cast<double>(choice.replicas);
  bounded.prefill_replicas = static_cast<double>(apart ? choice.prefill_workers : choice.replicas);
  bounded.front_end = prefill.group.engine.request.value.base();
  return surely_missed(load_, bounded);
}

void DeployJudge::simulate(const Deployment& deployment, DeployFigures& figures) const {
  const Result<ServeResult> result = serve(task_.stream, deployment);
  if (!result) {
    figures.verdict = DeployVerdict::illegal;
    return;
  }
  const ServeMetrics metrics = metrics_of(*result, task_.limits);
  std::vector<double> first;
  std::vector<double> token;
  std::vector<double> total;
  for (const RequestOutcome& one : result->requests) {
    if (one.replica < 0) continue;
    first.push_back(one.ttft().base());
    total.push_back(one.latency().base());
    if (one.output > 1) token.push_back(one.tpot().base());
  }
  figures.first_token = at_share(std::move(first), task_.share);
  figures.per_token = at_share(std::move(token), task_.share);
  figures.total = at_share(std::move(total), task_.share);
  figures.mean_per_token = metrics.tpot.mean;
  figures.goodput = metrics.goodput;
  figures.output_tokens_per_second = metrics.output_tokens_per_second;
  const bool kept = result->rejected == 0 &&
                    within(figures.first_token, task_.limits.first_token) &&
                    within(figures.per_token, task_.limits.per_token) &&
                    within(figures.total, task_.limits.total);
  figures.verdict = kept ? DeployVerdict::meets : DeployVerdict::misses;
}

DeployFigures DeployJudge::judge(const DeployChoice& choice) {
  DeployFigures figures;
  const Worker& serving = worker(choice, false);
  figures.devices = choice.replicas * serving.devices;
  bool legal = serving.legal;
  if (choice.prefill_workers > 0) {
    const Worker& prefill = worker(choice, true);
    figures.devices += choice.prefill_workers * prefill.devices;
    legal = legal && prefill.legal;
  }
  if (const auto& rent = task_.systems[choice.system].rent) {
    figures.rent = static_cast<double>(figures.devices) * *rent;
  }
  if (!legal) return figures;
  const std::optional<Deployment> made = deployment(choice);
  figures.verdict = DeployVerdict::no_room;
  if (!made) return figures;
  figures.verdict = DeployVerdict::excluded;
  figures.missed = missed(choice);
  if (figures.missed == Missed::none) simulate(*made, figures);
  return figures;
}

std::vector<DeployFigures> judge_deployments(const DeployTask& task, const DeployTables& make,
                                             int threads, const DeployListener& listener) {
  std::vector<DeployFigures> figures(task.choices.size());
  std::atomic<std::size_t> next{0};
  std::size_t done = 0;
  std::mutex mutex;
  const auto work = [&] {
    DeployJudge judge(task, make);
    for (std::size_t i = next.fetch_add(kChunk); i < figures.size(); i = next.fetch_add(kChunk)) {
      const std::size_t end = std::min(figures.size(), i + kChunk);
      for (std::size_t j = i; j < end; ++j)
        figures[j] = judge.judge(task.choices[j]);
      const std::lock_guard lock(mutex);
      done += end - i;
      if (listener && !listener(done)) next = figures.size();
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i)
    others.emplace_back(work);
  work();
  for (std::thread& other : others)
    other.join();
  return figures;
}

std::vector<std::size_t> deploy_front(const std::vector<DeployFigures>& figures) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (figures[i].verdict == DeployVerdict::meets) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) {
      return std::tuple(-figures[i].user_speed(), -figures[i].device_throughput(), i);
    };
    return key(a) < key(b);
  });
  std::vector<std::size_t> front;
  double best = -1;
  for (const std::size_t i : order) {
    if (figures[i].device_throughput() <= best) continue;
    best = figures[i].device_throughput();
    front.push_back(i);
  }
  return front;
}

}  // namespace fastpath
