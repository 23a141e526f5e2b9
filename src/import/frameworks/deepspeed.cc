// DeepSpeed's JSON. Source: microsoft/DeepSpeed@38327e07f6cd deepspeed/runtime.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "import/frameworks/knob.h"

namespace fastpath {
namespace {

constexpr std::string_view kDevices = "cpu=true none=false null=false nvme=true";

constexpr auto kKnobs = std::to_array<Knob>({
    {"train_batch_size", "@global_batch", kCount},
    {"train_micro_batch_size_per_gpu", "micro_batch", kCount},
    {"gradient_accumulation_steps", "@accumulation", kCount},
    {"zero_optimization.stage", "zero", kCount},
    {"zero_optimization.overlap_comm", "overlap", kSwitch},
    {"zero_optimization.mics_shard_size", "shard", kCount},
    {"zero_optimization.offload_optimizer.device", "@offload_optimizer", kDevices},
    {"zero_optimization.offload_param.device", "@offload_weights", kDevices},
    {"zero_optimization.cpu_offload", "@offload_optimizer", kSwitch},
    {"activation_checkpointing.cpu_checkpointing", "@offload_activations", kSwitch},
    {"bf16.enabled", "@bf16", kSwitch},
    {"bfloat16.enabled", "@bf16", kSwitch},
    {"fp16.enabled", "@fp16", kSwitch},
    {"data_types.grad_accum_dtype", "gradients", "fp32=fp32 bf16=bf16 fp16=fp16"},
    {"optimizer.type", "optimizer", "AdamW=adam Adam=adam SGD=sgd Muon=muon OneBitAdam=adam"},
    {"tensor_parallel.autotp_size", "tp", kCount},
    {"sequence_parallel_size", "@ulysses", kCount},
    {"data_parallel_size", "@mesh_data", kCount},
});

constexpr auto kIgnored =
    std::to_array<std::string_view>({"optimizer.params.*",
                                     "scheduler.*",
                                     "steps_per_print",
                                     "wall_clock_breakdown",
                                     "gradient_clipping",
                                     "prescale_gradients",
                                     "fp16.*",
                                     "bf16.*",
                                     "zero_allow_untested_optimizer",
                                     "zero_optimization.*_bucket_size",
                                     "zero_optimization.contiguous_gradients",
                                     "zero_optimization.reduce_scatter",
                                     "zero_optimization.allgather_partitions",
                                     "zero_optimization.sub_group_size",
                                     "zero_optimization.stage3_*",
                                     "zero_optimization.offload_*.pin_memory",
                                     "zero_optimization.offload_*.buffer_*",
                                     "zero_optimization.round_robin_gradients",
                                     "activation_checkpointing.*",
                                     "tensorboard.*",
                                     "wandb.*",
                                     "flops_profiler.*",
                                     "comms_logger.*",
                                     "memory_breakdown",
                                     "dump_state",
                                     "checkpoint.*",
                                     "zero_force_ds_cpu_optimizer",
                                     "csv_monitor.*",
                                     "elasticity.*"});

void relate_batch(Statements& said, Diagnostics& mistakes) {
  const auto batch = said.count("@global_batch");
  const auto rows = said.count("micro_batch");
  if (!batch || !rows || *rows < 1) return;
  const auto steps = said.count("@accumulation");
  if (!steps || *steps < 1 || *rows > *batch || *steps > *batch) return;
  const Statement& at = *said.find("@global_batch");
  if (*batch % (*rows * *steps) != 0) {
    mistakes.push_back({at.value_place,
                        fmt::format("{} is not a multiple of micro-batch x accumulation = {}",
                                    *batch, *rows * *steps),
                        "train_batch_size is their product with the number of devices"});
    return;
  }
  said.set("dp", fmt::format("{}", *batch / (*rows * *steps)), at);
}

void relate(Statements& said, Diagnostics& mistakes, Diagnostics&) {
  relate_batch(said, mistakes);
  if (const Statement* at = said.find("@mesh_data"); at && !said.find("dp")) {
    said.set("dp", at->value, *at);
  }
  if (const Statement* at = said.find("@ulysses"); at && said.count_or("@ulysses", 1) > 1) {
    said.set("cp", at->value, *at);
    said.set("cp_exchange", "ulysses", *at);
  }
  std::string offload;
  for (const std::string_view what : {"activations", "optimizer", "weights"}) {
    if (!said.is(fmt::format("@offload_{}", what), "true")) continue;
    offload += fmt::format("{}{}", offload.empty() ? "" : ",", what);
  }
  if (!offload.empty()) said.set("offload", offload);
  for (const std::string_view format : {"bf16", "fp16"}) {
    const std::string fact = fmt::format("@{}", format);
    if (said.is(fact, "true")) said.set("@format", std::string(format), *said.find(fact));
  }
}

void state(Statements& said) {
  const long long rows = std::max(said.count_or("micro_batch", 1), 1LL);
  const long long dp = said.count_or("dp", 1);
  const long long batch = said.count_or("@global_batch", rows * dp);
  const long long steps = std::max(batch / (rows * dp), 1LL);
  said.set("micro_batch", fmt::format("{}", rows));
  said.set("@accumulation", fmt::format("{}", steps));
  said.set("@global_batch", fmt::format("{}", rows * dp * steps));
  const std::string offload = said.text("offload");
  for (const std::string_view what : {"activations", "optimizer", "weights"}) {
    if (offload.find(what) == offload.npos) continue;
    said.set(fmt::format("@offload_{}", what), "true");
  }
  const std::string format = said.is("gradients", "fp16") ? "fp16" : "bf16";
  said.set("@format", format);
  said.set("@" + format, "true");
  if (said.is("cp_exchange", "ulysses") && said.count_or("cp", 1) > 1) {
    said.set("@ulysses", said.text("cp"));
    said.set("@mesh_data", fmt::format("{}", dp));
  }
}

}  // namespace

const FrameworkForm& deepspeed_form() {
  static constexpr FrameworkForm kForm{"deepspeed", "deepspeed", FileForm::json, false, {},
                                       kKnobs,      kIgnored,    relate,         state};
  return kForm;
}

}  // namespace fastpath
