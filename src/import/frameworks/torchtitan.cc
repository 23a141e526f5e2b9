// torchtitan's TOML. Source: pytorch/torchtitan@238fa9953e torchtitan/config/job_config.py.
#include <array>

#include <fmt/format.h>

#include "import/frameworks/knob.h"

namespace fastpath {
namespace {

constexpr auto kKnobs = std::to_array<Knob>({
    {"parallelism.data_parallel_replicate_degree", "@replicate", kCount},
    {"parallelism.data_parallel_shard_degree", "@shard", "*"},
    {"parallelism.fsdp_reshard_after_forward", "@reshard",
     "default=default always=true never=false"},
    {"parallelism.tensor_parallel_degree", "tp", kCount},
    {"parallelism.enable_async_tensor_parallel", "overlap_tp", kSwitch},
    {"parallelism.context_parallel_degree", "cp", kCount},
    {"parallelism.context_parallel_rotate_method", "cp_exchange",
     "allgather=all_gather alltoall=ring"},
    {"parallelism.expert_parallel_degree", "ep", kCount},
    {"parallelism.expert_tensor_parallel_degree", "etp", kCount},
    {"parallelism.pipeline_parallel_degree", "pp", kCount},
    {"parallelism.pipeline_parallel_schedule", "schedule",
     "GPipe=gpipe 1F1B=1f1b Interleaved1F1B=interleaved:2 ZBVZeroBubble=zb-v"},
    {"parallelism.pipeline_parallel_microbatch_size", "@pipeline_rows", kCount},
    {"parallelism.pipeline_parallel_first_stage_less_layers", "@first_less", kCount},
    {"parallelism.pipeline_parallel_last_stage_less_layers", "@last_less", kCount},
    {"training.local_batch_size", "@local_batch", kCount},
    {"training.batch_size", "@local_batch", kCount},
    {"training.global_batch_size", "@global_batch_text", "*"},
    {"training.seq_len", "@sequence", kCount},
    {"training.enable_cpu_offload", "offload", "true=optimizer,weights false=none"},
    {"training.mixed_precision_param", "@format", "bfloat16=bf16 float32=fp32"},
    {"training.mixed_precision_reduce", "gradients", "float32=fp32"},
    {"training.dtype", "master", "float32=true bfloat16=false"},
    {"activation_checkpoint.mode", "recompute", "none=none selective=operators full=full"},
    {"compile.enable", "execution", "true=compiled false=eager"},
    {"training.compile", "execution", "true=compiled false=eager"},
    {"optimizer.name", "optimizer", "AdamW=adam Adam=adam"},
    {"model.name", "@family", "*"},
    {"model.flavor", "@flavor", "*"},
    {"model.converters", "@converters", "*"},
});

constexpr auto kIgnored =
    std::to_array<std::string_view>({"job.*",
                                     "profiling.*",
                                     "metrics.*",
                                     "checkpoint.*",
                                     "comm.*",
                                     "validation.*",
                                     "debug.*",
                                     "lr_scheduler.*",
                                     "optimizer.*",
                                     "fault_tolerance.*",
                                     "experimental.*",
                                     "memory_estimation.*",
                                     "training.steps",
                                     "training.max_norm",
                                     "training.dataset*",
                                     "training.seed",
                                     "training.deterministic",
                                     "training.gc_*",
                                     "training.data_parallel*",
                                     "model.*_path",
                                     "compile.components",
                                     "compile.backend",
                                     "activation_checkpoint.selective_ac_option",
                                     "activation_checkpoint.early_stop",
                                     "parallelism.disable_loss_parallel",
                                     "parallelism.context_parallel_load_balancer",
                                     "quantize.*.filter_fqns",
                                     "training.dataloader.*"});

void relate_data(Statements& said, Diagnostics& mistakes) {
  const long long replicate = said.count_or("@replicate", 1);
  const Statement* at = said.find("@shard");
  const auto shard = said.count("@shard");
  if (at != nullptr && (!shard || *shard < -1 || *shard == 0)) {
    mistakes.push_back({at->value_place, "is neither -1 nor a number of devices", {}});
    return;
  }
  if (!shard || *shard == -1) {
    said.set("@open_shard", "true");
    said.set("zero", "3");
    return;
  }
  said.set("dp", fmt::format("{}", *shard * replicate), *at);
  said.set("zero", *shard > 1 || replicate == 1 ? "3" : "0", *at);
  if (*shard > 1 && replicate > 1) said.set("shard", fmt::format("{}", *shard), *at);
}

void relate(Statements& said, Diagnostics& mistakes, Diagnostics&) {
  relate_data(said, mistakes);
  const Statement* rows = said.find("@local_batch");
  if (said.count_or("pp", 1) > 1) rows = said.find("@pipeline_rows");
  if (rows != nullptr) said.set("micro_batch", rows->value, *rows);
  const auto global = said.count("@global_batch_text");
  if (global && *global > 0) {
    said.set("@global_batch", fmt::format("{}", *global), *said.find("@global_batch_text"));
  }
  if (const Statement* at = said.find("@reshard"); at && at->value != "default") {
    said.set("reshard", at->value, *at);
  }
  const bool both = said.is("@first_less", "0") && said.is("@last_less", "0");
  if (both) said.set("ends_are_layers", "false", *said.find("@first_less"));
  const std::string converters = said.text("@converters");
  if (converters.find("mx") != converters.npos) {
    said.set("compute", "mxfp8", *said.find("@converters"));
  } else if (converters.find("float8") != converters.npos) {
    said.set("compute", "fp8", *said.find("@converters"));
  }
}

void state(Statements& said) {
  const long long dp = said.count_or("dp", 1);
  const long long shard = said.count_or("shard", 0);
  const bool sharded = said.is("zero", "3");
  const long long inside = !sharded ? 1 : shard > 0 && shard < dp && dp % shard == 0 ? shard : dp;
  said.set("@shard", fmt::format("{}", inside));
  said.set("@replicate", fmt::format("{}", dp / inside));
  said.set("@reshard", said.text("reshard"));
  said.set("@format", "bf16");
  const std::string rows = said.count_or("micro_batch", 0) > 0 ? said.text("micro_batch") : "1";
  if (said.count_or("pp", 1) > 1) said.set("@pipeline_rows", rows);
  said.set("@local_batch", rows);
  if (const auto batch = said.count("@global_batch")) {
    said.set("@global_batch_text", fmt::format("{}", *batch));
    if (said.count_or("pp", 1) > 1 && *batch % dp == 0) {
      said.set("@local_batch", fmt::format("{}", *batch / dp));
    }
  }
  if (said.is("ends_are_layers", "false")) {
    said.set("@first_less", "0");
    said.set("@last_less", "0");
  }
  if (said.is("compute", "fp8")) said.set("@converters", "quantize.linear.float8");
  if (said.is("compute", "mxfp8")) said.set("@converters", "quantize.linear.mx");
}

}  // namespace

const FrameworkForm& torchtitan_form() {
  static constexpr FrameworkForm kForm{"torchtitan", "torchtitan", FileForm::toml, false, {},
                                       kKnobs,       kIgnored,     relate,         state};
  return kForm;
}

}  // namespace fastpath
