// llm-foundry's YAML. Sources: mosaicml/llm-foundry@8c8dd48f7216 scripts/train/yamls;
// mosaicml/composer@6405188805a0 composer/utils/parallelism.py.
#include <array>

#include <fmt/format.h>

#include "import/frameworks/knob.h"

namespace fastpath {
namespace {

constexpr auto kKnobs = std::to_array<Knob>({
    {"max_seq_len", "@sequence", kCount},
    {"global_train_batch_size", "@global_batch", kCount},
    {"device_train_microbatch_size", "@rows", "*"},
    {"device_train_grad_accum", "@accumulation", kCount},
    {"precision", "@precision", "amp_bf16=bf16 amp_fp16=fp16 amp_fp8=fp8 fp32=fp32"},
    {"fsdp_config.sharding_strategy", "@strategy",
     "FULL_SHARD=full SHARD_GRAD_OP=keep HYBRID_SHARD=hybrid NO_SHARD=none"},
    {"fsdp_config.data_parallel_shard_degree", "@shard", "*"},
    {"fsdp_config.data_parallel_replicate_degree", "@replicate", "*"},
    {"fsdp_config.mixed_precision", "@mixed", "PURE=pure DEFAULT=fp32 FULL=fp32"},
    {"fsdp_config.activation_checkpointing", "recompute", "true=full false=none"},
    {"fsdp_config.activation_cpu_offload", "offload", "true=activations false=none"},
    {"fsdp_config.forward_prefetch_limit", "prefetch", kCount},
    {"tp_config.tensor_parallel_degree", "tp", kCount},
    {"optimizer.name", "optimizer",
     "decoupled_adamw=adam adamw=adam decoupled_lionw=momentum adam=adam"},
    {"compile_config.backend", "execution", "inductor=compiled"},
    {"model.d_model", "@hidden", kCount},
    {"model.n_heads", "@heads", kCount},
    {"model.n_layers", "@layers", kCount},
    {"model.vocab_size", "@vocab", kCount},
    {"model.attn_config.attn_impl", "attention", "flash=flash torch=unfused triton=flash"},
    {"model.attn_config.kv_n_heads", "@kv_heads", kCount},
});

constexpr auto kIgnored =
    std::to_array<std::string_view>({"variables.*",
                                     "run_name",
                                     "model.name",
                                     "model.init_device",
                                     "model.max_seq_len",
                                     "model.expansion_ratio",
                                     "model.attn_config.*",
                                     "model.*",
                                     "tokenizer.*",
                                     "train_loader.*",
                                     "eval_loader.*",
                                     "scheduler.*",
                                     "optimizer.*",
                                     "algorithms.*",
                                     "max_duration",
                                     "eval_*",
                                     "seed",
                                     "device_eval_batch_size",
                                     "progress_bar",
                                     "log_to_console",
                                     "console_log_interval",
                                     "callbacks.*",
                                     "loggers.*",
                                     "save_*",
                                     "load_*",
                                     "data_*",
                                     "fsdp_config.activation_checkpointing_reentrant",
                                     "fsdp_config.limit_all_gathers",
                                     "fsdp_config.state_dict_type",
                                     "fsdp_config.verbose",
                                     "autoresume",
                                     "dist_timeout",
                                     "global_seed",
                                     "image",
                                     "name",
                                     "python_log_level"});

void relate_data(Statements& said, Diagnostics& warnings) {
  const std::string strategy = said.text("@strategy");
  const bool none = strategy == "none";
  if (const Statement* at = said.find("@strategy")) {
    said.set("zero", none ? "0" : "3", *at);
    if (!none) said.set("reshard", strategy == "keep" ? "false" : "true", *at);
  }
  const long long shard = said.count_or("@shard", -1);
  const long long replicate = said.count_or("@replicate", 1);
  if (shard > 0 && replicate > 0) {
    said.set("dp", fmt::format("{}", shard * replicate), *said.find("@shard"));
    if (replicate > 1 && !none) said.set("shard", fmt::format("{}", shard), *said.find("@shard"));
  } else if (strategy == "hybrid") {
    const Statement& at = *said.find("@strategy");
    said.set("shard", "8", at);
    warnings.push_back({at.value_place, "HYBRID_SHARD shards inside a node: read as 8 devices",
                        "state data_parallel_shard_degree where a node has others"});
  }
}

void relate(Statements& said, Diagnostics&, Diagnostics& warnings) {
  relate_data(said, warnings);
  if (const auto rows = said.count("@rows"); rows && *rows > 0) {
    said.set("micro_batch", fmt::format("{}", *rows), *said.find("@rows"));
  } else if (const Statement* at = said.find("@rows")) {
    warnings.push_back({at->value_place, "the framework tries micro-batches out: 1 is assumed",
                        "state device_train_microbatch_size"});
  }
  if (const Statement* at = said.find("@precision")) {
    said.set("@format", at->value == "fp8" ? "bf16" : at->value, *at);
    if (at->value == "fp8") said.set("compute", "fp8", *at);
  }
  if (const Statement* at = said.find("@mixed")) {
    const std::string format = said.text("@format");
    said.set("gradients", at->value == "pure" ? (format.empty() ? "bf16" : format) : "fp32", *at);
  } else {
    said.set("gradients", "fp32");  // composer's DEFAULT
  }
}

void state(Statements& said) {
  const long long dp = said.count_or("dp", 1);
  const long long shard = said.count_or("shard", 0);
  const bool sharded = said.is("zero", "3");
  const long long inside = sharded && shard > 0 && shard < dp && dp % shard == 0 ? shard : dp;
  said.set("@strategy", !sharded                      ? "none"
                        : said.is("reshard", "false") ? "keep"
                        : inside < dp                 ? "hybrid"
                                                      : "full");
  said.set("@shard", fmt::format("{}", inside));
  said.set("@replicate", fmt::format("{}", dp / inside));
  const long long rows = said.count_or("micro_batch", 0);
  said.set("@rows", fmt::format("{}", rows > 0 ? rows : 1));
  const std::string gradients = said.text("gradients");
  const std::string format = gradients == "fp16" ? "fp16" : "bf16";
  said.set("@mixed", gradients == format ? "pure" : "fp32");
  said.set("@precision", said.is("compute", "fp8") ? "fp8" : format);
}

}  // namespace

const FrameworkForm& llm_foundry_form() {
  static constexpr FrameworkForm kForm{"llm-foundry", "llm-foundry", FileForm::yaml, false, {},
                                       kKnobs,        kIgnored,      relate,         state};
  return kForm;
}

}  // namespace fastpath
