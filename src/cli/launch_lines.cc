#include "cli/launch_lines.h"

#include <fmt/format.h>

namespace fastpath::cli {
namespace {

bool is_fp8(const std::optional<NumberFormat>& format) { return format == NumberFormat::fp8; }

bool caches_in_16_bits(const Plan& plan) { return !is_fp8(plan.cache_format); }

std::string vllm_line(const LaunchOrder& order) {
  const Plan& plan = order.plan;
  std::string line =
      fmt::format("vllm serve {} --tensor-parallel-size {}", order.model, plan.tensor_parallel);
  if (plan.pipeline_parallel > 1)
    line += fmt::format(" --pipeline-parallel-size {}", plan.pipeline_parallel);
  if (plan.data_parallel > 1) line += fmt::format(" --data-parallel-size {}", plan.data_parallel);
  if (plan.expert_parallel > 1) line += " --enable-expert-parallel";
  line += fmt::format(" --max-num-seqs {} --max-num-batched-tokens {} --max-model-len {}",
                      order.max_sequences, order.token_budget, order.longest);
  if (order.memory_share > 0)
    line += fmt::format(" --gpu-memory-utilization {:g}", order.memory_share);
  if (is_fp8(plan.weight_format)) line += " --quantization fp8";
  if (!caches_in_16_bits(plan)) line += " --kv-cache-dtype fp8";
  if (plan.execution == Execution::eager) line += " --enforce-eager";
  if (order.role != WorkerRole::all) {
    line += R"( --kv-transfer-config '{"kv_connector": "NixlConnector", "kv_role": "kv_both"}')";
  }
  return line;
}

/// SGLang counts all ranks in tp, and limits of all attention ranks together.
std::string sglang_line(const LaunchOrder& order) {
  const Plan& plan = order.plan;
  const std::int64_t ranks = plan.data_parallel;
  std::string line = fmt::format("python -m sglang.launch_server --model-path {} --tp-size {}",
                                 order.model, plan.tensor_parallel * ranks);
  if (plan.pipeline_parallel > 1) line += fmt::format(" --pp-size {}", plan.pipeline_parallel);
  if (ranks > 1) line += fmt::format(" --dp-size {} --enable-dp-attention", ranks);
  if (plan.expert_parallel > 1) line += fmt::format(" --ep-size {}", plan.expert_parallel);
  line += fmt::format(" --max-running-requests {} --chunked-prefill-size {} --context-length {}",
                      order.max_sequences * ranks, order.token_budget * ranks, order.longest);
  if (order.memory_share > 0)
    line += fmt::format(" --mem-fraction-static {:g}", order.memory_share);
  if (is_fp8(plan.weight_format)) line += " --quantization fp8";
  if (!caches_in_16_bits(plan)) line += " --kv-cache-dtype fp8_e4m3";
  if (plan.execution == Execution::eager) line += " --disable-cuda-graph";
  if (order.role == WorkerRole::prefill) line += " --disaggregation-mode prefill";
  if (order.role == WorkerRole::decode) line += " --disaggregation-mode decode";
  return line;
}

/// What trtllm-serve takes from a file only.
std::string trtllm_options(const LaunchOrder& order) {
  std::string options;
  if (order.plan.data_parallel > 1) options += R"(enable_attention_dp: true\n)";
  if (!caches_in_16_bits(order.plan)) options += R"(kv_cache_config: {dtype: fp8}\n)";
  if (order.role != WorkerRole::all) options += R"(cache_transceiver_config: {backend: DEFAULT}\n)";
  if (order.plan.execution != Execution::eager)
    options += R"(cuda_graph_config: {enable_padding: true}\n)";
  return options;
}

std::string trtllm_line(const LaunchOrder& order) {
  const Plan& plan = order.plan;
  if (plan.data_parallel > 1 && plan.tensor_parallel > 1)
    return "# TensorRT-LLM splits attention by heads or by requests, not by both";
  const std::string options = trtllm_options(order);
  std::string line;
  if (!options.empty()) line += fmt::format("printf '{}' > options.yml && ", options);
  line += fmt::format("trtllm-serve {} --tp_size {}", order.model,
                      plan.tensor_parallel * plan.data_parallel);
  if (plan.pipeline_parallel > 1) line += fmt::format(" --pp_size {}", plan.pipeline_parallel);
  if (plan.expert_parallel > 1) line += fmt::format(" --ep_size {}", plan.expert_parallel);
  line += fmt::format(" --max_batch_size {} --max_num_tokens {} --max_seq_len {}",
                      order.max_sequences, order.token_budget, order.longest);
  if (order.memory_share > 0) {
    line += fmt::format(" --kv_cache_free_gpu_memory_fraction {:g}", order.memory_share);
  }
  if (!options.empty()) line += " --extra_llm_api_options options.yml";
  return line;
}

}  // namespace

std::string launch_line(std::string_view engine, const LaunchOrder& order) {
  if (engine == "sglang") return sglang_line(order);
  if (engine == "trtllm") return trtllm_line(order);
  return vllm_line(order);
}

bool quantises_at_start(std::string_view engine, const Plan& plan) {
  return !plan.weight_format || (is_fp8(plan.weight_format) && engine != "trtllm");
}

}  // namespace fastpath::cli
