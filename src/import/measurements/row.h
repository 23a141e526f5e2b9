/// One row of a table of measurements.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fastpath/result.h"

#include "import/csv/csv.h"
#include "ir/measurement.h"

namespace fastpath {

class MeasurementRow {
 public:
  MeasurementRow(const CsvTable& table, std::size_t row, Diagnostics& errors)
      : table_(table), row_(row), errors_(errors) {}

  std::string_view text(std::string_view column) const;
  /// A positive number up to 1e15; nothing for an empty or missing cell.
  std::optional<double> number(std::string_view column) const;
  /// The same, but its absence is a mistake (and reads as 1).
  double need(std::string_view column) const;
  double number_or(std::string_view column, double fallback) const;
  /// The number after `key` in the notes: note("topk=").
  std::optional<double> note(std::string_view key) const;
  void mistake(std::string_view column, std::string what, std::string hint = {}) const;
  Place place(std::string_view column) const;

 private:
  const CsvTable& table_;
  std::size_t row_;
  Diagnostics& errors_;
};

/// How a scheme stores and computes.
struct FormatScheme {
  std::string key;  ///< "16", "fp8_block", ...
  NumberFormat compute = NumberFormat::bf16;
  double weight_bytes = 2;  ///< an element, scales included
  double activation_bytes = 2;
  double output_bytes = 2;
};

/// "bfloat16", "fp16", "fp8_block", "int4_wo", DeepBench's "Float", ...
std::optional<FormatScheme> format_scheme(std::string_view name);

/// The parts of a row of DeepBench; empty for what is not known.
std::vector<OpShape> deepbench_parts(const MeasurementRow& row, const FormatScheme& scheme);

/// Which of a library's kernels ran, as far as the source prints it: a convolution's algorithm, a
/// matmul's transpositions ("TN"). Empty: not known.
std::string deepbench_kernel(const MeasurementRow& row);

/// A matmul, `steps` times in a row.
OpShape matmul_shape(const FormatScheme& scheme, double m, double n, double k);

}  // namespace fastpath
