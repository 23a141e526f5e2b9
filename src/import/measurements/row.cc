#include "import/measurements/row.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath {
namespace {

constexpr double kLargest = 1e15;

using F = NumberFormat;

struct NamedScheme {
  std::string_view name;
  std::string_view key;
  F compute;
  double weight;
  double activation;
  double output;
};

// Block scales: 4 bytes for 128 x 128 weights and 1 x 128 activations (fp8_block), a byte for 16
// elements (nvfp4), 2 bytes for a group of 128 (int4_wo).
constexpr std::array<NamedScheme, 15> kSchemes = {{
    {"bfloat16", "16", F::bf16, 2, 2, 2},
    {"bf16", "16", F::bf16, 2, 2, 2},
    {"fp16", "16", F::fp16, 2, 2, 2},
    {"float16", "16", F::fp16, 2, 2, 2},
    {"16-bit (v0 profiler)", "16", F::bf16, 2, 2, 2},
    {"fp32", "fp32", F::fp32, 4, 4, 4},
    {"tf32", "tf32", F::tf32, 4, 4, 4},
    {"fp8", "fp8", F::fp8, 1, 1, 2},
    {"fp8_block", "fp8_block", F::fp8, 1.0002, 1.03, 2},
    {"nvfp4", "nvfp4", F::nvfp4, 0.5625, 0.5625, 2},
    {"mxfp4", "mxfp4", F::mxfp4, 0.53125, 0.53125, 2},
    {"int8", "int8", F::int8, 1, 1, 4},
    {"int8_wo", "int8_wo", F::bf16, 1.016, 2, 2},
    {"int4_wo", "int4_wo", F::bf16, 0.516, 2, 2},
    {"fp64", "fp64", F::fp64, 8, 8, 8},
}};

// DeepBench's names of precision.
constexpr std::array<NamedScheme, 5> kDeepBench = {{
    {"Float", "fp32", F::fp32, 4, 4, 4},
    {"16 bit inputs, 16 bit multiplication, 32 bit addition", "16", F::fp16, 2, 2, 2},
    {"16 bit inputs, 32 bit multiplication, 32 bit addition", "16 as fp32", F::fp32, 2, 2, 2},
    {"GEMM, Conv: Int8 multiplication, 32 bit accumulation", "int8", F::int8, 1, 1, 4},
    {"Int8 inputs 32 bit math", "int8", F::int8, 1, 1, 4},
}};

FormatScheme scheme_of(const NamedScheme& named) {
  return {std::string(named.key), named.compute, named.weight, named.activation, named.output};
}

}  // namespace

std::string_view MeasurementRow::text(std::string_view column) const {
  const auto index = table_.column(column);
  return index ? std::string_view(table_.rows[row_][*index].text) : std::string_view();
}

Place MeasurementRow::place(std::string_view column) const {
  const auto index = table_.column(column);
  return table_.place(table_.rows[row_][index.value_or(0)]);
}

void MeasurementRow::mistake(std::string_view column, std::string what, std::string hint) const {
  errors_.push_back({place(column), std::move(what), std::move(hint)});
}

std::optional<double> MeasurementRow::number(std::string_view column) const {
  const std::string_view cell = text(column);
  if (cell.empty()) return std::nullopt;
  const auto value = parse_number(cell);
  if (!value || !(*value >= 0) || *value > kLargest) {
    mistake(column, fmt::format("{} is not a number from 0 to 1e15: '{}'", column, cell));
    return std::nullopt;
  }
  return value;
}

double MeasurementRow::need(std::string_view column) const {
  const auto value = number(column);
  if (value && *value > 0) return *value;
  if (!value && !text(column).empty()) return 1;  // told already
  mistake(column, fmt::format("'{}' needs a positive {}", text("op"), column));
  return 1;
}

double MeasurementRow::number_or(std::string_view column, double fallback) const {
  return number(column).value_or(fallback);
}

std::optional<double> MeasurementRow::note(std::string_view key) const {
  const std::string_view notes = text("notes");
  const std::size_t at = notes.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = notes.substr(at + key.size());
  const auto value = parse_number(rest.substr(0, rest.find_first_not_of("0123456789.")));
  if (!value || !(*value > 0) || *value > kLargest) return std::nullopt;
  return value;
}

std::optional<FormatScheme> format_scheme(std::string_view name) {
  for (const NamedScheme& named : kSchemes) {
    if (named.name == name) return scheme_of(named);
  }
  for (const NamedScheme& named : kDeepBench) {
    if (named.name == name) return scheme_of(named);
  }
  return std::nullopt;
}

OpShape matmul_shape(const FormatScheme& scheme, double m, double n, double k) {
  OpShape shape;
  shape.kind = OpKind::matmul;
  shape.compute_format = scheme.compute;
  shape.m = m;
  shape.n = n;
  shape.k = k;
  shape.work = Flops{2 * m * n * k};
  shape.weights = Bytes{n * k * scheme.weight_bytes};
  shape.read = shape.weights + Bytes{m * k * scheme.activation_bytes};
  shape.write = Bytes{m * n * scheme.output_bytes};
  return shape;
}

}  // namespace fastpath
