#include "analyze/trace/kernel_class.h"

#include <algorithm>
#include <array>

namespace fastpath {
namespace {

bool holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

template <std::size_t N>
bool holds_any(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return holds(text, word); });
}

struct ClassWord {
  std::string_view word;
  std::string_view name;
};

/// In this order: a fused attention kernel may hold "gemm" in its name.
constexpr std::array<ClassWord, 41> kClassWords{{
    {"flash", "attention"},
    {"fmha", "attention"},
    {"attention", "attention"},
    {"attn", "attention"},
    {"conv", "convolution"},
    {"winograd", "convolution"},
    {"implicit_gemm", "convolution"},
    {"cudnn::", "convolution"},
    {"miopen", "convolution"},
    {"wgrad", "convolution"},
    {"dgrad", "convolution"},
    {"igemm", "convolution"},
    {"gemm", "gemm"},
    {"gemv", "gemm"},
    {"GEMM", "gemm"},
    {"Cijk_", "gemm"},
    {"cutlass", "gemm"},
    {"nvjet", "gemm"},
    {"matmul", "gemm"},
    {"wvSplitK", "gemm"},
    {"splitKreduce", "gemm"},
    {"multi_tensor_apply", "optimizer"},
    {"adam", "optimizer"},
    {"Adam", "optimizer"},
    {"sgd", "optimizer"},
    {"norm", "normalization"},
    {"Norm", "normalization"},
    {"bn_", "normalization"},
    {"embedding", "embedding"},
    {"Embedding", "embedding"},
    {"index", "embedding"},
    {"gather", "embedding"},
    {"scatter", "embedding"},
    {"elementwise", "elementwise"},
    {"triton_poi", "elementwise"},
    {"Fill", "elementwise"},
    {"CatArray", "elementwise"},
    {"softmax", "reduction"},
    {"SoftMax", "reduction"},
    {"reduce", "reduction"},
    {"triton_red", "reduction"},
}};

}  // namespace

bool is_communication(std::string_view name) {
  static constexpr std::array<std::string_view, 17> kWords{
      "nccl",        "rccl",        "hccl",       "oneccl",
      "ccl_",        "nvshmem",     "multimem",   "all_reduce",
      "allreduce",   "AllReduce",   "all_gather", "reduce_scatter",
      "internode::", "intranode::", "deep_ep::",  "cross_device_reduce",
      "quickreduce",
  };
  static constexpr std::array<std::string_view, 3> kOthers{"all_to_all", "alltoall", "AllToAll"};
  return holds_any(name, kWords) || holds_any(name, kOthers);
}

std::string_view kernel_class(std::string_view name, const std::vector<KernelRule>& rules) {
  for (const KernelRule& rule : rules) {
    if (holds(name, rule.text)) return rule.name;
  }
  if (is_communication(name)) return "communication";
  if (name.starts_with("Memcpy") || name.starts_with("Memset") || name.starts_with("Copy")) {
    return "copy";
  }
  for (const ClassWord& word : kClassWords) {
    if (holds(name, word.word)) return word.name;
  }
  return "other";
}

std::string_view operator_class(std::string_view name, const std::vector<KernelRule>& rules) {
  constexpr std::array<ClassWord, 22> kWords{
      {{"norm", "normalization"}, {"ln_", "normalization"}, {"proj", "gemm"},
       {"lm_head", "gemm"},       {"matmul", "gemm"},       {"linear", "gemm"},
       {"router", "gemm"},        {"experts", "gemm"},      {"fc", "gemm"},
       {"qkv", "gemm"},           {"_add", "elementwise"},  {"attention", "attention"},
       {"attn", "attention"},     {"conv", "convolution"},  {"embed", "embedding"},
       {"softmax", "reduction"},  {"loss", "reduction"},    {"optimizer", "optimizer"},
       {"update", "optimizer"},   {"act", "elementwise"},   {"rope", "elementwise"},
       {"add", "elementwise"}}};
  for (const KernelRule& rule : rules) {
    if (holds(name, rule.text)) return rule.name;
  }
  const std::string_view own = name.substr(name.find('.') + 1);  // all of it without a dot
  for (const ClassWord& word : kWords) {
    if (holds(own, word.word)) return word.name;
  }
  return kernel_class(name, rules);
}

WorkClass work_class(const Trace& trace, const TraceEvent& event,
                     const std::vector<KernelRule>& rules) {
  if (event.kind == EventKind::copy || event.kind == EventKind::set) return WorkClass::copy;
  const std::string& name = trace.names[event.name];
  for (const KernelRule& rule : rules) {
    if (!holds(name, rule.text)) continue;
    if (rule.name == "communication") return WorkClass::communication;
    return rule.name == "copy" ? WorkClass::copy : WorkClass::compute;
  }
  if (trace.predicted && trace.lanes[event.lane].thread.starts_with("network")) {
    return holds(name, "the host") ? WorkClass::copy : WorkClass::communication;
  }
  if (event.detail != kNone && trace.kernels[event.detail].collective != kNone) {
    return WorkClass::communication;
  }
  return is_communication(name) ? WorkClass::communication : WorkClass::compute;
}

std::string_view name_of(WorkClass work) {
  switch (work) {
    case WorkClass::compute: return "compute";
    case WorkClass::communication: return "communication";
    case WorkClass::copy: return "copy";
  }
  return "";
}

}  // namespace fastpath
