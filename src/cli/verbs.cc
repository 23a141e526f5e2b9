#include "cli/verbs.h"

#include <array>

#include "cli/calibrate_runtime.h"
#include "cli/deploy.h"
#include "cli/emit.h"
#include "cli/input.h"
#include "cli/scenario.h"
#include "cli/search_question.h"
#include "cli/speculation.h"
#include "cli/verb.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 3> kCommonFlags{{
    {"color", FlagKind::choice, "WHEN",
     "auto (on a terminal, unless NO_COLOR is set), always, never", "auto|always|never", false},
    {"quiet", FlagKind::yes, "", "no warnings", "", false},
    {"help", FlagKind::yes, "", "this text", "", false},
}};

constexpr std::array<Flag, 1> kFigureFlags{{
    {"figure", FlagKind::text, "FIGURE",
     "step, mfu, energy, cost, bound.NAME, memory.CLASS or operator:BLOCK/OP (default step)", "",
     false},
}};

constexpr std::array<Flag, 1> kImportFlags{{
    {"all", FlagKind::yes, "", "every operator in order, not only those with most work", "", false},
}};

using Examples = std::span<const std::string_view>;

constexpr std::array<std::string_view, 3> kPredictExamples{
    "predict llama-3.1-8b --on dgx-h100 --train --seq 8192 --global-batch 128 \\\n"
    "    --plan 'tp=2 dp=4 micro_batch=1 recompute=selective'",
    "predict ./config.json --on my-system.yaml --generate --isl 2048 --osl 256 --batch 16",
    "predict model.onnx --on jetson-agx-orin --dim batch=1 --timeline step.json",
};
constexpr std::array<std::string_view, 3> kSimulateExamples{
    "simulate llama-3.1-8b --on dgx-h100 --train --global-batch 64 --plan 'tp=2 dp=4' \\\n"
    "    --slow-rank 3:1.5",
    "simulate llama-3.1-8b --on dgx-h100 --nodes 4 --train --global-batch 128 \\\n"
    "    --plan 'tp=4 pp=2 dp=4' --jitter 0.05 --seed 7 --timeline step.json",
    "simulate execution-traces/ --on dgx-h100",
};
constexpr std::array<std::string_view, 1> kGoodputExamples{
    "goodput llama-3.1-405b --on dgx-h100 --nodes 2048 --train --seq 8192 \\\n"
    "    --global-batch 2048 --plan 'tp=8 pp=16 dp=128 zero=1 recompute=full' \\\n"
    "    --tokens 15.6e12 --checkpoint-bandwidth 2TB/s --restart 10min",
};
constexpr std::array<std::string_view, 2> kServeExamples{
    "serve llama-3.1-8b --on dgx-h100 --plan tp=1 --replicas 8 --rate 60 --isl 1024 --osl 256 \\\n"
    "    --max-ttft '500 ms' --max-tpot '30 ms'",
    "serve llama-3.1-70b --on dgx-h100 --plan tp=4 --requests azure_llm_2023_conv.csv",
};
constexpr std::array<std::string_view, 2> kFeedExamples{
    "feed --read 7GB/s --iops 1000000 --samples 47943930 --sample 114.66kB \\\n"
    "    --layout shards --batch 400 --compute 224ms --accelerators 38",
    "feed --storage samsung-980-pro-1m-files --samples 1281167 --sample 110kB --workers 8 \\\n"
    "    --decode 1.6ms --cache 64GB --batch 256 --compute 90ms --accelerators 2",
};
constexpr std::array<std::string_view, 1> kMeasureExamples{
    "measure --quick --output this-machine.yaml",
};
constexpr std::array<std::string_view, 2> kRunExamples{
    "run model.onnx --threads 1 --timeline run.json",
    "run model.onnx --dim batch=1 --dim height=640 --dim width=640",
};
constexpr std::array<std::string_view, 6> kIoExamples{
    "io /data/test.bin --create 1GiB --table my-catalog/storage/disk.csv --name my-disk",
    "io /data/images --threads 8",
    "io /data/shards --make shards --encoding jpeg --samples 4000",
    "io /data/shards --fetch --pipeline pipeline.yaml",
    "io /data/shards --replay pipeline.yaml --verify",
    "io --decode jpeg --image 224 --threads 4",
};
constexpr std::array<std::string_view, 2> kCompareExamples{
    "compare llama-3.1-8b --on dgx-a100-80gb --on dgx-h100 --prefill --plan tp=8",
    "compare llama-3.1-8b --on dgx-h100 --train --plan tp=8 --plan dp=8",
};
constexpr std::array<std::string_view, 5> kSearchExamples{
    "search llama-3.1-8b --on dgx-h100 --train --seq 8192 --global-batch 128",
    "search llama-3.1-8b --on dgx-h100 --train --global-batch 128 --front memory \\\n"
    "    --space 'tp=1,2,4,8 micro_batch=1..8 recompute=none,selective,full zero=0..3' \\\n"
    "    --against 'tp=8 sp recompute=full'",
    "search llama-3.1-8b --on dgx-h100 --decode --batch 64 --objective cost --max-time '20 ms'",
    "search llama-3.1-8b --on dgx-h100 --train --global-batch 128 --shard 3/7 --journal 3.db",
    "search llama-3.1-70b --serve --on dgx-h100 --devices 16 --rate 8 --isl 1024 --osl 256 \\\n"
    "    --max-ttft '1 s' --max-tpot '30 ms' --percentile 99",
};
constexpr std::array<std::string_view, 1> kMergeExamples{"merge 1.db 2.db 3.db --json"};
constexpr std::array<std::string_view, 1> kExplainExamples{
    "explain llama-3.1-8b --on dgx-h100 --prefill --plan tp=2 --figure mfu",
};
constexpr std::array<std::string_view, 2> kCatalogExamples{"catalog devices h100",
                                                           "catalog dgx-h100"};
constexpr std::array<std::string_view, 2> kPlanExamples{
    "plan train.sh", "plan 'tp=8 pp=4 dp=2 zero=1' --as megatron --global-batch 256"};
constexpr std::array<std::string_view, 1> kLowerExamples{
    "lower llama-3.1-8b --prefill --plan tp=2 | less"};
constexpr std::array<std::string_view, 2> kImportExamples{"import config.json --prefill --seq 4096",
                                                          "import model.onnx --dim batch=8 --json"};
constexpr std::array<std::string_view, 4> kAnalyzeExamples{
    "analyze rank0.json.gz",
    "analyze traces/ --json",
    "analyze step.json.gz --window 'ProfilerStep#7' --class communication=my_all_reduce",
    "analyze step.json.gz --what-if 'device=nvidia-h200-sxm-141gb launch=0.5'",
};
constexpr std::array<std::string_view, 2> kDiffExamples{"diff before.json.gz after.json.gz",
                                                        "diff predicted.json measured/ --top 20"};
constexpr std::array<std::string_view, 2> kValidateExamples{
    "validate --kind gemm --folds devices --plot gemm.svg", "validate my-operators.csv --json"};
constexpr std::array<std::string_view, 3> kCalibrateExamples{
    "calibrate my-operators.csv --device nvidia-h100-sxm-80gb --output my-h100.yaml",
    "calibrate my-operators.csv --output my-catalog/kernels.csv",
    "calibrate one.onnx other.onnx --on this-machine.yaml --output calibrated.yaml"};
constexpr std::array<std::string_view, 3> kCollectiveExamples{
    "collective all_reduce --on dgx-h100 --devices 16",
    "collective all_reduce --on dgx-h100 --log all_reduce_perf.log",
    "collective --validate collectives.csv",
};
constexpr std::array<std::string_view, 1> kCompletionExamples{"completion bash"};
constexpr std::array<std::string_view, 1> kVersionExamples{"version"};

/// Built on first use: the groups refer to tables of other files.
struct Tables {
  std::array<FlagGroup, 8> predict{{{"Model", workload_flags()},
                                    {"Generation", generation_flags()},
                                    {"Speculation", speculation_flags()},
                                    {"Adapters", adapter_flags()},
                                    {"System and plan", system_flags()},
                                    {"Input pipeline", input_flags()},
                                    {"Output", report_flags()},
                                    {"Timeline", timeline_flags()}}};
  std::array<FlagGroup, 6> simulate{{{"Model", workload_flags()},
                                     {"System and plan", system_flags()},
                                     {"Input pipeline", input_flags()},
                                     {"Disturbances", simulate_flags()},
                                     {"Output", report_flags()},
                                     {"Timeline", timeline_flags()}}};
  std::array<FlagGroup, 4> goodput{{{"Model", workload_flags()},
                                    {"System and plan", system_flags()},
                                    {"Run", goodput_flags()},
                                    {"Output", report_flags()}}};
  std::array<FlagGroup, 8> serve{{{"Load", serve_load_flags()},
                                  {"Engine", serve_engine_flags()},
                                  {"Speculation", speculation_flags()},
                                  {"Adapters", serve_adapter_flags()},
                                  {"Objective", serve_objective_flags()},
                                  {"System and plan", serve_system_flags()},
                                  {"Output", report_flags()},
                                  {"Timeline", timeline_flags()}}};
  std::array<FlagGroup, 3> feed{
      {{"Input pipeline", feed_flags()}, {"Catalog", catalog_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 2> measure{{{"Measure", measure_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 3> run{
      {{"Run", run_flags()}, {"Output", report_flags()}, {"Timeline", timeline_flags()}}};
  std::array<FlagGroup, 5> io{{{"Reads", io_flags()},
                               {"Samples", io_sample_flags()},
                               {"Loader", io_replay_flags()},
                               {"Catalog", catalog_flags()},
                               {"Output", report_flags()}}};
  std::array<FlagGroup, 3> compare{{{"Model", workload_flags()},
                                    {"System and plan, two or more", system_flags()},
                                    {"Output", report_flags()}}};
  std::array<FlagGroup, 4> explain{{{"Figure", kFigureFlags},
                                    {"Model", workload_flags()},
                                    {"System and plan", system_flags()},
                                    {"Output", report_flags()}}};
  std::array<FlagGroup, 7> search{{{"Search", search_flags()},
                                   {"Model", workload_flags()},
                                   {"Deployments", deploy_flags()},
                                   {"Load of --serve", serve_load_flags()},
                                   {"System", search_system_flags()},
                                   {"Run", search_run_flags()},
                                   {"Output", report_flags()}}};
  std::array<FlagGroup, 2> merge{{{"Journals", merge_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 2> collective{
      {{"Collective", collective_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 2> catalog{{{"Catalog", catalog_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 2> plan{{{"Plan", plan_verb_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 2> lower{{{"Model", workload_flags()}, {"Plan", plan_flags()}}};
  std::array<FlagGroup, 4> import{{{"Model", workload_flags()},
                                   {"Detail", kImportFlags},
                                   {"Catalog", catalog_flags()},
                                   {"Output", report_flags()}}};
  std::array<FlagGroup, 3> analyze{
      {{"Analysis", analyze_flags()}, {"Catalog", catalog_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 2> diff{{{"Analysis", diff_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 3> validate{
      {{"Validation", validate_flags()}, {"Catalog", catalog_flags()}, {"Output", report_flags()}}};
  std::array<FlagGroup, 4> calibrate{{{"Calibration", calibrate_flags()},
                                      {"Of a runtime on models", runtime_calibration_flags()},
                                      {"Catalog", catalog_flags()},
                                      {"Output", report_flags()}}};
  std::array<Verb, 23> verbs{{
      {"predict", "Predict time, memory, energy and cost of a model on a system, and say why.",
       "MODEL", 1, 1, predict, kPredictExamples, run_predict},
      {"simulate",
       "Run a step, or execution traces, event by event: shared links, stragglers, slow ranks.",
       "MODEL|TRACES", 1, 1, simulate, kSimulateExamples, run_simulate},
      {"goodput", "Predict a whole training run: failures, checkpoints, days, energy and cost.",
       "MODEL", 1, 1, goodput, kGoodputExamples, run_goodput},
      {"serve",
       "Simulate an engine under a stream of requests: latencies, goodput, KV cache, cost.",
       "MODEL", 1, 1, serve, kServeExamples, run_serve},
      {"feed", "Say how many accelerators storage and decoding feed, and which stage limits them.",
       "", 0, 0, feed, kFeedExamples, run_feed},
      {"measure", "Measure this machine's memory levels and matmuls, and write it as a system.", "",
       0, 0, measure, kMeasureExamples, run_measure},
      {"run", "Execute an ONNX model on this machine: its time, its operators, a timeline.",
       "MODEL.onnx", 1, 1, run, kRunExamples, run_model},
      {"io", "Measure reads, opens, data sets and decoding; run an input pipeline on this machine.",
       "[PATH]", 0, 1, io, kIoExamples, run_io},
      {"compare", "Set systems or plans side by side, and say where the difference comes from.",
       "MODEL", 1, 1, compare, kCompareExamples, run_compare},
      {"search", "Find the best plan of a space, and prove that no other is better.", "MODEL", 1, 1,
       search, kSearchExamples, run_search},
      {"merge", "Unite the journals of a search's shards, or list what is missing.",
       "JOURNAL [JOURNAL...]", 1, 4096, merge, kMergeExamples, run_merge},
      {"explain", "Print the formula, the inputs and their sources behind one figure.", "MODEL", 1,
       1, explain, kExplainExamples, run_explain},
      {"import", "Read a model and print its parameters, work and traffic by operator.", "MODEL", 1,
       1, import, kImportExamples, run_import},
      {"plan", "Read a plan, or a training framework's file, and write it in another's words.",
       "PLAN", 1, 1, plan, kPlanExamples, run_plan},
      {"lower", "Print what each device executes under a plan, as JSON.", "MODEL", 1, 1, lower,
       kLowerExamples, run_lower},
      {"analyze", "Say where the time goes in profilers' traces, why, and what to do.",
       "TRACE [TRACE...]", 1, 65536, analyze, kAnalyzeExamples, run_analyze},
      {"diff",
       "Set two traces, or two jobs' traces, side by side: where the difference comes from.",
       "BEFORE AFTER", 2, 2, diff, kDiffExamples, run_diff},
      {"collective", "Print the times that nccl-tests should show, and say why a log differs.",
       "[COLLECTIVE]", 0, 1, collective, kCollectiveExamples, run_collective},
      {"catalog", "List, search and show systems, devices, models, links and storage.",
       "[systems|devices|models|links|storage] [NAME]", 0, 2, catalog, kCatalogExamples,
       run_catalog},
      {"validate", "Compare predicted operator times with published measurements, or your own.",
       "[FILE.csv...]", 0, 16, validate, kValidateExamples, run_validate},
      {"calibrate", "Fit a device's kernels to measurements, or a measured runtime to models.",
       "[FILE.csv...|MODEL.onnx...]", 0, 16, calibrate, kCalibrateExamples, run_calibrate},
      {"completion",
       "Print a script that completes command lines, or the manual page.",
       "bash|zsh|fish|man",
       1,
       1,
       {},
       kCompletionExamples,
       run_completion},
      {"version", "Print the version.", "", 0, 0, {}, kVersionExamples, run_version},
  }};
};

const Tables& tables() {
  static const Tables all;
  return all;
}

}  // namespace

std::span<const Verb> verbs() { return tables().verbs; }

const FlagGroup& common_flags() {
  static const FlagGroup group{"Always", kCommonFlags};
  return group;
}

}  // namespace fastpath::cli
