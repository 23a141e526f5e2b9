// Megatron-LM's flags, and the same names as keys of NeMo and Megatron-Bridge.
// Sources: NVIDIA/Megatron-LM megatron/training/arguments.py; NVIDIA/NeMo nemo/collections/llm.
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "import/frameworks/knob.h"

namespace fastpath {
namespace {

constexpr long long kMostRanks = 1 << 20;  ///< of one axis
constexpr std::string_view kPrecisions =
    "bf16-mixed=bf16 bf16_mixed=bf16 bf16=bf16 16-mixed=fp16 fp16_mixed=fp16 16=fp16 fp16=fp16 "
    "32=fp32";
constexpr std::string_view kFormats = "fp32=fp32 bf16=bf16 fp16=fp16 32=fp32 16=fp16";

constexpr auto kKnobs = std::to_array<Knob>({
    {"nnodes", "@nodes", kCount},
    {"nproc_per_node", "@per_node", kCount},
    {"num_nodes", "@nodes", kCount},
    {"num_gpus", "@per_node", kCount},
    {"devices", "@per_node", kCount},
    {"tensor_model_parallel_size", "tp", kCount},
    {"context_parallel_size", "cp", kCount},
    {"expert_model_parallel_size", "ep", kCount},
    {"expert_tensor_parallel_size", "etp", kCount},
    {"pipeline_model_parallel_size", "pp", kCount},
    {"num_virtual_stages_per_pipeline_rank", "@chunks", kCount},
    {"virtual_pipeline_model_parallel_size", "@chunks", kCount},
    {"num_layers_per_virtual_pipeline_stage", "@chunk_layers", kCount},
    {"decoder_first_pipeline_num_layers", "first_stage", kCount},
    {"num_layers_in_first_pipeline_stage", "first_stage", kCount},
    {"decoder_last_pipeline_num_layers", "last_stage", kCount},
    {"num_layers_in_last_pipeline_stage", "last_stage", kCount},
    {"account_for_embedding_in_pipeline_split", "@embedding_layer", kSwitch},
    {"account_for_loss_in_pipeline_split", "@loss_layer", kSwitch},
    {"sequence_parallel", "sp", kSwitch},
    {"use_tp_pp_dp_mapping", "order", "true=tp,cp,pp,ep,dp false=tp,cp,ep,dp,pp"},
    {"micro_batch_size", "micro_batch", kCount},
    {"global_batch_size", "@global_batch", kCount},
    {"seq_length", "@sequence", kCount},
    {"encoder_seq_length", "@sequence", kCount},
    {"recompute_granularity", "@recompute", "full=full selective=selective null=none"},
    {"activations_checkpoint_granularity", "@recompute", "full=full selective=selective null=none"},
    {"recompute_activations", "@recompute", "true=selective"},
    {"checkpoint_activations", "@recompute", "true=full"},
    {"recompute_method", "@recompute_method", "uniform=uniform block=block null=none"},
    {"activations_checkpoint_method", "@recompute_method", "uniform=uniform block=block null=none"},
    {"recompute_num_layers", "@recompute_layers", kCount},
    {"use_distributed_optimizer", "@distributed_optimizer", kSwitch},
    {"use_megatron_fsdp", "@fsdp", kSwitch},
    {"use_custom_fsdp", "@fsdp", kSwitch},
    {"data_parallel_sharding_strategy", "@sharding",
     "no_shard=0 optim=1 optim_grads=2 optim_grads_params=3"},
    {"use_torch_fsdp2", "@fsdp2", kSwitch},
    {"zero_stage", "zero", kCount},
    {"overlap_grad_reduce", "overlap", kSwitch},
    {"overlap_grad_sync", "overlap", kSwitch},
    {"overlap_param_gather", "overlap_weights", kSwitch},
    {"overlap_param_sync", "overlap_weights", kSwitch},
    {"tp_comm_overlap", "overlap_tp", kSwitch},
    {"ub_tp_comm_overlap", "overlap_tp", kSwitch},
    {"accumulate_allreduce_grads_in_fp32", "@fp32_gradients", kSwitch},
    {"grad_reduce_in_fp32", "@fp32_gradients", kSwitch},
    {"grad_reduce_in_bf16", "gradients", "true=bf16"},
    {"grad_sync_dtype", "gradients", kFormats},
    {"cp_comm_type", "cp_exchange",
     "p2p=ring all_gather=all_gather allgather=all_gather a2a=ulysses"},
    {"attention_backend", "attention",
     "flash=flash unfused=unfused fused=flash auto=flash local=unfused"},
    {"use_flash_attn", "attention", "true=flash false=unfused"},
    {"use_flash_attention", "attention", "true=flash false=unfused"},
    {"optimizer", "optimizer", "adam=adam sgd=momentum muon=muon"},
    {"bf16", "@bf16", kSwitch},
    {"fp16", "@fp16", kSwitch},
    {"precision", "@format", kPrecisions},
    {"mixed_precision", "@format", kPrecisions},
    {"fp8_format", "@fp8", "hybrid=fp8 e4m3=fp8 null=none"},
    {"fp8", "@fp8", "hybrid=fp8 e4m3=fp8 null=none true=fp8 false=none"},
    {"fp8_recipe", "@fp8_recipe", "mxfp8=mxfp8 delayed=fp8 tensorwise=fp8 blockwise=fp8 null=none"},
    {"fp4_format", "compute", "e2m1=nvfp4"},
    {"cuda_graph_impl", "execution",
     "none=eager local=graph transformer_engine=graph full_iteration=graph"},
    {"enable_cuda_graph", "execution", "true=graph false=eager"},
    {"optimizer_cpu_offload", "@offload_optimizer", kSwitch},
    {"cpu_offloading", "@offload_activations", kSwitch},
    {"moe_expert_capacity_factor", "capacity", "%"},
    {"num_layers", "@layers", kCount},
    {"hidden_size", "@hidden", kCount},
    {"ffn_hidden_size", "@ffn", kCount},
    {"num_attention_heads", "@heads", kCount},
    {"num_query_groups", "@kv_heads", kCount},
    {"vocab_size", "@vocab", kCount},
    {"num_experts", "@experts", kCount},
    {"num_moe_experts", "@experts", kCount},
    {"moe_router_topk", "@top_k", kCount},
});

/// What a YAML file says otherwise than a launch line.
constexpr auto kYamlKnobs = std::to_array<Knob>({
    {"num_nodes", "@nodes", kCount},
    {"devices", "@per_node", kCount},
    {"virtual_pipeline_model_parallel_size", "@chunks", kCount},
    {"num_layers_in_first_pipeline_stage", "first_stage", kCount},
    {"num_layers_in_last_pipeline_stage", "last_stage", kCount},
    {"grad_reduce_in_fp32", "@fp32_gradients", kSwitch},
    {"fp8", "@fp8", "hybrid=fp8 e4m3=fp8 null=none true=fp8 false=none"},
});

constexpr auto kIgnored = std::to_array<std::string_view>({"save*",
                                                           "load*",
                                                           "data*",
                                                           "tokenizer*",
                                                           "vocab_file",
                                                           "merge_file",
                                                           "lr*",
                                                           "min_lr",
                                                           "max_lr",
                                                           "log*",
                                                           "eval*",
                                                           "weight_decay*",
                                                           "adam_*",
                                                           "clip_grad",
                                                           "seed",
                                                           "wandb*",
                                                           "tensorboard*",
                                                           "init_method_std",
                                                           "train_iters",
                                                           "train_samples",
                                                           "exit_*",
                                                           "split",
                                                           "master_*",
                                                           "node_rank",
                                                           "rdzv*",
                                                           "distributed_*",
                                                           "num_workers",
                                                           "max_position_embeddings",
                                                           "position_embedding_type",
                                                           "rotary_*",
                                                           "norm*",
                                                           "layernorm_epsilon",
                                                           "swiglu",
                                                           "untie_embeddings_and_output_weights",
                                                           "disable_bias_linear",
                                                           "group_query_attention",
                                                           "use_mcore_models",
                                                           "transformer_impl",
                                                           "attention_dropout",
                                                           "hidden_dropout",
                                                           "override_*",
                                                           "ckpt*",
                                                           "async_save",
                                                           "initial_loss*",
                                                           "no_save*",
                                                           "no_load*",
                                                           "finetune",
                                                           "hysteresis",
                                                           "loss_scale*",
                                                           "dist_ckpt*",
                                                           "mock_data",
                                                           "kv_channels",
                                                           "name",
                                                           "_target_",
                                                           "max_steps",
                                                           "use_rotary_position_embeddings",
                                                           "timing_log*",
                                                           "moe_aux_loss_coeff",
                                                           "moe_router_load_balancing_type",
                                                           "moe_z_loss_coeff",
                                                           "standalone",
                                                           "nsys*",
                                                           "profile*",
                                                           "check_for_nan*",
                                                           "make_vocab_size_divisible_by",
                                                           "reset_*",
                                                           "eod_*",
                                                           "create_attention_mask*",
                                                           "val_check_interval",
                                                           "limit_*",
                                                           "accelerator",
                                                           "betas",
                                                           "eps",
                                                           "dir",
                                                           "gc_interval*",
                                                           "manual_gc*",
                                                           "recipe",
                                                           "model",
                                                           "warmup*",
                                                           "constant_steps",
                                                           "group_query*"});

void relate_devices(Statements& said, Diagnostics& mistakes) {
  const auto per_node = said.count("@per_node");
  if (!per_node) return;
  const long long devices = *per_node * said.count_or("@nodes", 1);
  long long model = 1;
  for (const std::string_view axis : {"tp", "pp", "cp"}) {
    if (said.count_or(axis, 1) > kMostRanks) return;  // a mistake of its own
    model *= said.count_or(axis, 1);
  }
  const Statement& at = *said.find("@per_node");
  if (model < 1 || devices < model || devices % model != 0) {
    mistakes.push_back({at.value_place,
                        fmt::format("{} devices cannot be parted into groups of tp x pp x cp = {}",
                                    devices, model),
                        "make the number of devices a multiple"});
    return;
  }
  said.set("dp", fmt::format("{}", devices / model), at);
}

void relate_schedule(Statements& said, Diagnostics& mistakes) {
  if (const Statement* layers = said.find("@chunk_layers"); layers && !said.find("@chunks")) {
    const long long part = said.count_or("pp", 1) * said.count_or("@chunk_layers", 1);
    const auto all = said.count("@layers");
    if (!all || part < 1 || *all % part != 0) {
      mistakes.push_back({layers->value_place, "does not divide the layers of a pipeline rank",
                          "num_layers must be a multiple of pp times this"});
    } else {
      said.set("@chunks", fmt::format("{}", *all / part), *layers);
    }
  }
  const Statement* chunks = said.find("@chunks");
  if (chunks == nullptr || said.count_or("@chunks", 1) <= 1) return;
  said.set("schedule", fmt::format("interleaved:{}", chunks->value), *chunks);
}

void relate_recompute(Statements& said, Diagnostics& warnings) {
  const Statement* method = said.find("@recompute_method");
  if (method != nullptr && method->value != "none" && said.find("@recompute") == nullptr) {
    said.set("@recompute", "full", *method);  // before 2022 the method alone said so
  }
  const Statement* granularity = said.find("@recompute");
  if (granularity == nullptr) return;
  std::string word = granularity->value;
  const Statement* layers = said.find("@recompute_layers");
  if (word == "full" && layers != nullptr && said.is("@recompute_method", "block")) {
    word += ":" + layers->value;
  } else if (word == "full" && said.count_or("@recompute_layers", 1) > 1) {
    warnings.push_back({layers->key_place,
                        "inputs are kept once per group of layers: read as once per layer",
                        "predicted memory is higher"});
  }
  said.set("recompute", word, *granularity);
}

void relate_states(Statements& said) {
  if (const Statement* at = said.find("@distributed_optimizer"); at && !said.find("zero")) {
    said.set("zero", at->value == "true" ? "1" : "0", *at);
  }
  if (const Statement* at = said.find("@sharding"); at && said.is("@fsdp", "true")) {
    said.set("zero", at->value, *at);
  }
  if (const Statement* at = said.find("@fsdp2"); at && at->value == "true") {
    said.set("zero", "3", *at);
  }
  if (const Statement* at = said.find("@offload_optimizer"); at) {
    const bool both = said.is("@offload_activations", "true");
    if (at->value == "true") said.set("offload", both ? "activations,optimizer" : "optimizer", *at);
  }
  if (const Statement* at = said.find("@offload_activations"); at && !said.find("offload")) {
    said.set("offload", at->value == "true" ? "activations" : "none", *at);
  }
}

void relate_formats(Statements& said) {
  for (const std::string_view format : {"bf16", "fp16"}) {
    const std::string fact = fmt::format("@{}", format);
    if (said.is(fact, "true")) said.set("@format", std::string(format), *said.find(fact));
  }
  if (const Statement* at = said.find("@fp32_gradients"); at && !said.find("gradients")) {
    const std::string half = said.is("@format", "fp16") ? "fp16" : "bf16";
    said.set("gradients", at->value == "true" ? "fp32" : half, *at);
  }
  const Statement* fp8 = said.find("@fp8");
  if (fp8 != nullptr && fp8->value != "none" && said.find("compute") == nullptr) {
    const std::string recipe = said.text("@fp8_recipe");
    said.set("compute", recipe.empty() || recipe == "none" ? "fp8" : recipe, *fp8);
  }
  const Statement* embedding = said.find("@embedding_layer");
  if (embedding != nullptr && embedding->value == "true" && said.is("@loss_layer", "true")) {
    said.set("ends_are_layers", "true", *embedding);
  }
}

void relate(Statements& said, Diagnostics& mistakes, Diagnostics& warnings) {
  relate_devices(said, mistakes);
  relate_schedule(said, mistakes);
  relate_recompute(said, warnings);
  relate_states(said);
  relate_formats(said);
}

void state_rest(Statements& said) {
  const std::string schedule = said.text("schedule");
  if (schedule.starts_with("interleaved:")) said.set("@chunks", schedule.substr(12));
  const std::string recompute = said.text("recompute");
  if (recompute != "none") said.set("@recompute", recompute.substr(0, recompute.find(':')));
  if (recompute.starts_with("full")) {
    const std::size_t colon = recompute.find(':');
    said.set("@recompute_method", colon == recompute.npos ? "uniform" : "block");
    said.set("@recompute_layers", colon == recompute.npos ? "1" : recompute.substr(colon + 1));
  }
  const std::string offload = said.text("offload");
  if (offload.find("optimizer") != offload.npos) said.set("@offload_optimizer", "true");
  if (offload.find("activations") != offload.npos) said.set("@offload_activations", "true");
  const std::string compute = said.text("compute");
  if (compute == "fp8" || compute == "mxfp8") said.set("@fp8", "fp8");
  if (compute == "mxfp8") said.set("@fp8_recipe", compute);
  if (said.is("ends_are_layers", "true")) {
    said.set("@embedding_layer", "true");
    said.set("@loss_layer", "true");
  }
}

void state(Statements& said) {
  const long long devices = said.count_or("@devices", 1);
  const long long per_node = std::gcd(devices, 8LL);
  said.set("@nodes", fmt::format("{}", devices / per_node));
  said.set("@per_node", fmt::format("{}", per_node));
  const long long zero = said.count_or("zero", 0);
  said.set("@distributed_optimizer", zero > 0 ? "true" : "false");
  if (zero > 1) {
    said.set("@fsdp", "true");
    said.set("@sharding", fmt::format("{}", zero));
  }
  said.erase("zero");
  const std::string gradients = said.text("gradients");
  const std::string format = gradients == "fp16" ? "fp16" : "bf16";
  said.set("@" + format, "true");
  if (gradients != "bf16") {
    said.set("@fp32_gradients", gradients == "fp32" ? "true" : "false");
    said.erase("gradients");
  }
  state_rest(said);
}

/// A YAML file says `grad_reduce_in_fp32: false` and `precision`.
void state_nemo(Statements& said) {
  const std::string gradients = said.text("gradients");
  state(said);
  said.erase("gradients");
  said.set("@format", gradients == "fp16" ? "fp16" : "bf16");
  said.erase("@bf16");
  said.erase("@fp16");
  said.set("@fp32_gradients", gradients == "fp32" ? "true" : "false");
}

}  // namespace

const FrameworkForm& megatron_form() {
  static constexpr FrameworkForm kForm{"megatron", "megatron-lm", FileForm::shell, true, {},
                                       kKnobs,     kIgnored,      relate,          state};
  return kForm;
}

const FrameworkForm& nemo_form() {
  static constexpr FrameworkForm kForm{"nemo", "nemo",   FileForm::yaml, true,      kYamlKnobs,
                                       kKnobs, kIgnored, relate,         state_nemo};
  return kForm;
}

}  // namespace fastpath
