#include "import/measurements/operators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "import/measurements/row.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

OpShape attention_shape(const MeasurementRow& row, double batch, double queries, double keys) {
  const double heads = row.need("heads");
  const double kv_heads = row.number_or("kv_heads", heads);
  const double width = row.need("head_dim");
  OpShape shape;
  shape.kind = OpKind::attention;
  shape.compute_format = NumberFormat::bf16;
  shape.m = queries;
  const bool masked = row.text("notes").find("unmasked") == std::string_view::npos;
  shape.n = mean_keys(queries, keys, masked, 0);
  shape.k = width;
  shape.batch = batch * heads;
  shape.group = heads / std::max(kv_heads, 1.0);
  shape.work = Flops{4 * shape.batch * queries * shape.n * width};
  shape.read = Bytes{2 * batch * width * (heads * queries + 2 * kv_heads * keys)};
  shape.write = Bytes{2 * batch * width * heads * queries};
  return shape;
}

/// "prefill 512 + 16 decodes at kv 1024" in one kernel.
std::vector<OpShape> mixed_parts(const MeasurementRow& row) {
  const auto prefill = row.note("prefill ");
  const auto decodes = row.note(" + ");
  const auto context = row.note("at kv ");
  if (!prefill || !decodes || !context) return {};
  return {attention_shape(row, 1, *prefill, *prefill), attention_shape(row, *decodes, 1, *context)};
}

OpShape stream_shape(OpKind kind, double rows, double columns, double reads, double writes) {
  OpShape shape;
  shape.kind = kind;
  shape.m = rows;
  shape.work = Flops{5 * rows * columns};
  shape.read = Bytes{reads * rows * columns * 2};
  shape.write = Bytes{writes * rows * columns * 2};
  return shape;
}

/// Experts of the busiest rank that get rows, and their rows.
struct ExpertLoad {
  double experts = 1;
  double rows = 1;
};

/// Balanced: rows touch as many experts as they can. Power law of exponent alpha: expert i's load
/// is the quantile (i - 1/2) / experts of a density x^-alpha between 1 and 0.8 tokens (as the
/// benchmark of ai-dynamo/aiconfigurator draws it), at most one row a token, dealt to the ranks in
/// order of size.
ExpertLoad busiest_rank(double tokens, double top_k, double experts, double ranks, double alpha) {
  const double rows = tokens * top_k;
  if (alpha <= 0 || alpha == 1) {
    const double here = std::max(rows / ranks, 1.0);
    return {std::min(std::max(experts / ranks, 1.0), here), here};
  }
  const double power = 1 - alpha;
  const double end = std::pow(std::max(0.8 * tokens, 2.0), power);
  const auto load = [&](double i) {
    const double u = (i - 0.5) / experts;
    return std::pow(1 + (end - 1) * u, 1 / power);
  };
  double sum = 0;
  const auto count = static_cast<std::size_t>(experts);
  for (std::size_t i = 1; i <= count; ++i)
    sum += load(static_cast<double>(i));
  ExpertLoad result{0, 0};
  const auto step = static_cast<std::size_t>(ranks);
  for (std::size_t i = count; i >= 1; i = i > step ? i - step : 0) {
    const double here = std::min(rows * load(static_cast<double>(i)) / sum, tokens);
    result.rows += here;
    result.experts += std::min(here, 1.0);
  }
  return {std::max(result.experts, 1.0), std::max(result.rows, 1.0)};
}

/// Gate and up projections, and the down projection, of the experts on one rank.
std::vector<OpShape> expert_parts(const MeasurementRow& row, const FormatScheme& scheme) {
  constexpr double kMostExperts = 65536;
  const double tokens = row.need("m");
  const double hidden = row.need("k");
  const double experts = std::min(row.note("experts=").value_or(1), kMostExperts);
  const double ranks = std::max(row.note("moe_ep=").value_or(1), 1.0);
  const double inner = row.need("n") / row.note("moe_tp=").value_or(1);
  const ExpertLoad load = busiest_rank(tokens, row.note("topk=").value_or(1), experts, ranks,
                                       row.note("power_law_").value_or(0));
  const auto part = [&](double n, double k) {
    OpShape shape = matmul_shape(scheme, load.rows / load.experts, n, k);
    shape.kind = OpKind::grouped_matmul;
    shape.batch = load.experts;
    shape.work = load.experts * shape.work;
    shape.read = load.experts * shape.read;
    shape.write = load.experts * shape.write;
    shape.weights = load.experts * shape.weights;
    return shape;
  };
  return {part(2 * inner, hidden), part(hidden, inner)};
}

std::vector<OpShape> stream_parts(const MeasurementRow& row) {
  const std::string_view op = row.text("op");
  const double m = row.need("m");
  if (op == "rope") {
    const double width = row.need("head_dim") * (row.need("heads") + row.need("kv_heads"));
    return {stream_shape(OpKind::rope, m, width, 1, 1)};
  }
  const double n = row.need("n");
  if (op == "softmax") return {stream_shape(OpKind::softmax, m, n, 1, 1)};
  if (op == "layernorm") return {stream_shape(OpKind::layer_norm, m, n, 1, 1)};
  return {stream_shape(OpKind::elementwise, m, n, 2, 1)};
}

/// One product, or `batch` of them side by side, of which none is of weights.
OpShape products(const MeasurementRow& row, const FormatScheme& scheme) {
  OpShape shape = matmul_shape(scheme, row.need("m"), row.need("n"), row.need("k"));
  const double batch = row.number_or("batch", 1);
  if (!(batch > 1)) return shape;
  shape.batch = batch;
  shape.work = batch * shape.work;
  shape.read = batch * shape.read;
  shape.write = batch * shape.write;
  shape.weights = {};
  return shape;
}

std::vector<OpShape> parts_of(const MeasurementRow& row, const FormatScheme& scheme) {
  const std::string_view op = row.text("op");
  if (op == "gemm") return {products(row, scheme)};
  if (op == "attention_prefill") {
    const double seq = row.need("seq");
    return {attention_shape(row, row.need("batch"), seq, seq)};
  }
  if (op == "attention_decode") {
    return {attention_shape(row, row.need("batch"), 1, row.need("seq"))};
  }
  if (op == "attention_mixed") return mixed_parts(row);
  if (op == "moe_ffn") return expert_parts(row, scheme);
  if (op == "gelu") {
    OpShape shape = stream_shape(OpKind::elementwise, 1, row.need("m"), 1, 1);
    shape.m = 0;
    return {shape};
  }
  constexpr std::array<std::string_view, 5> kStreams = {"softmax", "layernorm", "silu_mul", "add",
                                                        "rope"};
  if (std::find(kStreams.begin(), kStreams.end(), op) != kStreams.end()) return stream_parts(row);
  return {};
}

/// The library as a column of its own, or as far as the source tells it.
std::string library_of(const MeasurementRow& row) {
  if (!row.text("library").empty()) return std::string(row.text("library"));
  const std::string_view source = row.text("source");
  if (row.text("notes").starts_with("TRTLLM")) return "trtllm";
  if (source.starts_with("microsoft/vidur")) return "torch-graph";
  if (source.starts_with("PrincetonUniversity/LLMCompass")) return "torch-eager";
  if (source.starts_with("casys-kaist/LLMServingSim")) {
    return row.text("dtype").find("v0") == std::string_view::npos ? "vllm" : "vllm-v0";
  }
  if (source.starts_with("baidu-research/DeepBench")) return "deepbench";
  return {};
}

constexpr std::array<std::pair<std::string_view, KernelClass>, 13> kClasses = {
    {{"gemm", KernelClass::matmul},
     {"attention_prefill", KernelClass::attention_prefill},
     {"attention_decode", KernelClass::attention_decode},
     {"attention_mixed", KernelClass::attention_prefill},
     {"moe_ffn", KernelClass::grouped_matmul},
     {"softmax", KernelClass::softmax},
     {"layernorm", KernelClass::norm},
     {"silu_mul", KernelClass::elementwise},
     {"add", KernelClass::elementwise},
     {"gelu", KernelClass::elementwise},
     {"rope", KernelClass::elementwise},
     {"conv_bwd_params", KernelClass::convolution_weights},
     {"conv_", KernelClass::convolution}}};

std::optional<KernelClass> class_of(std::string_view op) {
  if (op.starts_with("rnn_")) return KernelClass::recurrent;
  for (const auto& [name, kernel_class] : kClasses) {
    if (op == name || (name.ends_with('_') && op.starts_with(name))) return kernel_class;
  }
  return std::nullopt;
}

std::optional<Measurement> read_row(const MeasurementRow& row, bool deepbench) {
  Measurement result;
  result.id = row.text("id");
  result.device = row.text("device");
  result.source = row.text("source").substr(0, row.text("source").find('@'));
  result.kind = row.text("op");
  const auto kernel_class = class_of(result.kind);
  if (!kernel_class) return result;
  result.kernel_class = *kernel_class;
  result.library = library_of(row);
  if (const std::string kernel = deepbench ? deepbench_kernel(row) : ""; !kernel.empty()) {
    result.library += ' ' + kernel;
  }
  result.place = row.place("id");
  result.cache_resident = row.text("notes").find("cache-resident") != std::string_view::npos;
  const std::string_view column = deepbench ? "precision" : "dtype";
  const auto scheme = format_scheme(row.text(column));
  if (!scheme) {
    row.mistake(column, fmt::format("unknown number format '{}'", row.text(column)));
    return std::nullopt;
  }
  result.format = scheme->key;
  result.parts = deepbench ? deepbench_parts(row, *scheme) : parts_of(row, *scheme);
  result.time = Seconds{deepbench ? row.need("time_ms") * 1e-3 : row.need("time_us") * 1e-6};
  return result;
}

}  // namespace

Result<Imported<std::vector<Measurement>>> read_operator_measurements(std::string_view text,
                                                                      const std::string& file) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  const bool deepbench = table->column("time_ms").has_value();
  const std::vector<std::string> required = {"id", "device", "op",
                                             deepbench ? "time_ms" : "time_us"};
  Diagnostics errors;
  for (const std::string& name : required) {
    if (!table->column(name)) {
      errors.push_back({{file, 1, 1}, fmt::format("column '{}' is missing", name), {}});
    }
  }
  if (!errors.empty()) return failure(std::move(errors));
  Imported<std::vector<Measurement>> result;
  std::map<std::string, std::size_t> unknown;
  for (std::size_t i = 0; i < table->rows.size() && errors.size() < 100; ++i) {
    Diagnostics mistakes;
    const MeasurementRow row(*table, i, mistakes);
    auto measurement = read_row(row, deepbench);
    if (measurement && measurement->parts.empty() && mistakes.empty()) {
      ++unknown[measurement->kind];
    } else if (measurement && mistakes.empty()) {
      result.value.push_back(std::move(*measurement));
    }
    errors.insert(errors.end(), mistakes.begin(), mistakes.end());
  }
  if (!errors.empty()) return failure(std::move(errors));
  for (const auto& [kind, rows] : unknown) {
    result.warnings.push_back(
        {{file, 0, 0}, fmt::format("{} rows of '{}' left out", rows, kind), {}});
  }
  return result;
}

}  // namespace fastpath
