/// The functions behind the verbs: one file each.
#pragma once

#include <span>

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/verb.h"

namespace fastpath::cli {

std::span<const Flag> analyze_flags();
std::span<const Flag> diff_flags();
std::span<const Flag> validate_flags();
std::span<const Flag> calibrate_flags();
std::span<const Flag> collective_flags();
std::span<const Flag> search_run_flags();
std::span<const Flag> merge_flags();
std::span<const Flag> plan_verb_flags();
std::span<const Flag> simulate_flags();
std::span<const Flag> goodput_flags();
std::span<const Flag> serve_load_flags();
std::span<const Flag> serve_engine_flags();
std::span<const Flag> serve_adapter_flags();
std::span<const Flag> serve_objective_flags();
std::span<const Flag> serve_system_flags();
std::span<const Flag> feed_flags();
std::span<const Flag> io_flags();
std::span<const Flag> io_sample_flags();
std::span<const Flag> io_replay_flags();
std::span<const Flag> measure_flags();
std::span<const Flag> run_flags();

int run_predict(Session& session, const Arguments& arguments);
int run_simulate(Session& session, const Arguments& arguments);
int run_goodput(Session& session, const Arguments& arguments);
int run_serve(Session& session, const Arguments& arguments);
int run_feed(Session& session, const Arguments& arguments);
int run_measure(Session& session, const Arguments& arguments);
int run_io(Session& session, const Arguments& arguments);
/// io --make, --decode and --fetch.
int run_io_samples(Session& session, const Arguments& arguments);
/// io --replay and --verify.
int run_io_replay(Session& session, const Arguments& arguments);
int run_model(Session& session, const Arguments& arguments);
int run_compare(Session& session, const Arguments& arguments);
int run_explain(Session& session, const Arguments& arguments);
int run_search(Session& session, const Arguments& arguments);
int run_merge(Session& session, const Arguments& arguments);
int run_collective(Session& session, const Arguments& arguments);
int run_catalog(Session& session, const Arguments& arguments);
int run_plan(Session& session, const Arguments& arguments);
int run_lower(Session& session, const Arguments& arguments);
int run_import(Session& session, const Arguments& arguments);
int run_analyze(Session& session, const Arguments& arguments);
int run_diff(Session& session, const Arguments& arguments);
int run_validate(Session& session, const Arguments& arguments);
/// validate --of training.
int run_validate_training(Session& session, const Arguments& arguments);
/// validate --of training-memory.
int run_validate_memory(Session& session, const Arguments& arguments);
/// validate --of serving.
int run_validate_serving(Session& session, const Arguments& arguments);
/// validate --of storage.
int run_validate_storage(Session& session, const Arguments& arguments);
/// validate --of edge.
int run_validate_edge(Session& session, const Arguments& arguments);
int run_calibrate(Session& session, const Arguments& arguments);
int run_completion(Session& session, const Arguments& arguments);
int run_version(Session& session, const Arguments& arguments);

}  // namespace fastpath::cli
