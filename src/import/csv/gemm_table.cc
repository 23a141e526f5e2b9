#include "import/csv/gemm_table.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "import/csv/csv.h"
#include "ir/names.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

constexpr std::int64_t kLargest = 1'000'000'000'000;
/// A block each: more rows than any model has layers.
constexpr std::size_t kMostRows = 100'000;
constexpr std::size_t kMostMistakes = 100;

const std::vector<std::string> kCommon{"name", "repeat", "format"};
const std::vector<std::string> kGemmRequired{"m", "n", "k"};
const std::vector<std::string> kConvolutionRequired{"n", "c", "h", "w", "k", "r", "s"};

std::vector<std::string> with_common(std::vector<std::string> names) {
  names.insert(names.end(), kCommon.begin(), kCommon.end());
  return names;
}

/// Reads cells of one row; mistakes are collected for the table.
class RowReader {
 public:
  RowReader(const CsvTable& table, Diagnostics& mistakes) : table_(table), mistakes_(mistakes) {}

  void set_row(const std::vector<CsvCell>& row) { row_ = &row; }

  /// Null where the table has no such column or the cell is empty.
  const CsvCell* cell(std::string_view name) const {
    const auto column = table_.column(name);
    if (!column || (*row_)[*column].text.empty()) return nullptr;
    return &(*row_)[*column];
  }

  std::int64_t integer(std::string_view name, std::optional<std::int64_t> fallback,
                       std::int64_t least = 1) {
    const CsvCell* found = cell(name);
    if (found == nullptr) {
      if (!fallback) error(row_->front(), fmt::format("{} is empty", name));
      return fallback.value_or(1);
    }
    const auto value = parse_integer(found->text);
    if (value && *value >= least && *value <= kLargest) return *value;
    error(*found, fmt::format("{}: {} is not a whole number from {} to {}", name,
                              in_quotes(found->text), least, kLargest));
    return 1;
  }

  NumberFormat format() {
    const CsvCell* found = cell("format");
    if (found == nullptr) return NumberFormat::bf16;
    if (const auto format = parse_name<NumberFormat>(found->text)) return *format;
    error(*found, fmt::format("{} is not a number format", in_quotes(found->text)),
          did_you_mean(found->text, all_names<NumberFormat>()));
    return NumberFormat::bf16;
  }

  void error(const CsvCell& at, std::string what, std::string hint = {}) {
    if (mistakes_.size() >= kMostMistakes) return;
    mistakes_.push_back({table_.place(at), std::move(what), std::move(hint)});
  }

  void error_in_row(std::string what, std::string hint = {}) {
    error(row_->front(), std::move(what), std::move(hint));
  }

 private:
  const CsvTable& table_;
  Diagnostics& mistakes_;
  const std::vector<CsvCell>* row_ = nullptr;
};

/// Dims are shared by all rows: one for each role and size, named by both.
class WorkloadBuilder {
 public:
  Workload workload;

  Axis axis(std::string_view role, std::int64_t size, DimKind kind) {
    const std::string name = fmt::format("{}_{}", role, size);
    const auto [found, fresh] = dims_.emplace(name, static_cast<DimId>(workload.dims.size()));
    if (fresh) workload.dims.push_back({name, size, kind});
    return {found->second, false};
  }

  void add(Op op, std::vector<Tensor> tensors, std::int64_t repeat) {
    Block block;
    block.name = unique(op.name);
    op.name = block.name;
    block.tensors = std::move(tensors);
    block.ops.push_back(std::move(op));
    workload.segments.push_back(
        {static_cast<std::uint32_t>(workload.blocks.size()), repeat, SegmentUse::executed});
    workload.blocks.push_back(std::move(block));
  }

 private:
  std::string unique(const std::string& name) {
    if (names_.insert(name).second) return name;
    // Starts where the last one of that name ended: many equal names cost no quadratic time.
    int& number = last_number_[name];
    for (number = std::max(number, 1) + 1;; ++number) {
      std::string candidate = fmt::format("{}_{}", name, number);
      if (names_.insert(candidate).second) return candidate;
    }
  }

  std::map<std::string, DimId> dims_;
  std::set<std::string> names_;
  std::map<std::string, int> last_number_;
};

struct Extents {
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
};

void add_gemm(WorkloadBuilder& builder, RowReader& row, Op op, NumberFormat format) {
  const Extents e{row.integer("m", {}), row.integer("n", {}), row.integer("k", {})};
  const std::int64_t batch = row.integer("batch", 1);
  const std::int64_t repeat = row.integer("repeat", 1);
  std::vector<Axis> a{builder.axis("m", e.m, DimKind::batch),
                      builder.axis("k", e.k, DimKind::other)};
  std::vector<Axis> b{a[1], builder.axis("n", e.n, DimKind::other)};
  std::vector<Axis> c{a[0], b[1]};
  if (batch > 1) {
    const Axis each = builder.axis("batch", batch, DimKind::other);
    for (std::vector<Axis>* axes : {&a, &b, &c})
      axes->insert(axes->begin(), each);
  }
  const TensorRole role = batch > 1 ? TensorRole::activation : TensorRole::weight;
  op.kind = OpKind::matmul;
  builder.add(std::move(op),
              {{"a", TensorRole::activation, std::move(a), format, false},
               {"b", role, std::move(b), format, false},
               {"c", TensorRole::activation, std::move(c), format, false}},
              repeat);
}

/// One spatial direction of a convolution.
struct Direction {
  std::int64_t size = 1;
  std::int64_t window = 1;
};

/// floor((size + 2 pad - dilation (window - 1) - 1) / stride) + 1, or none if the window is larger
/// than the padded data.
std::optional<std::int64_t> output_size(Direction direction, std::int64_t stride, std::int64_t pad,
                                        std::int64_t dilation) {
  // Each factor is at most 1e12: the product may not fit 64 bits, as a double it is only compared.
  const double reach =
      static_cast<double>(dilation) * static_cast<double>(direction.window - 1) + 1;
  const std::int64_t padded = direction.size + 2 * pad;
  if (reach > static_cast<double>(padded)) return std::nullopt;
  return (padded - dilation * (direction.window - 1) - 1) / stride + 1;
}

void add_convolution(WorkloadBuilder& builder, RowReader& row, Op op, NumberFormat format) {
  const std::int64_t n = row.integer("n", {});
  const std::int64_t c = row.integer("c", {});
  const std::int64_t k = row.integer("k", {});
  const Direction height{row.integer("h", {}), row.integer("r", {})};
  const Direction width{row.integer("w", {}), row.integer("s", {})};
  const std::int64_t stride = row.integer("stride", 1);
  const std::int64_t pad = row.integer("pad", 0, 0);
  const std::int64_t dilation = row.integer("dilation", 1);
  const std::int64_t groups = row.integer("groups", 1);
  const std::int64_t repeat = row.integer("repeat", 1);
  const auto out_height = output_size(height, stride, pad, dilation);
  const auto out_width = output_size(width, stride, pad, dilation);
  if (!out_height || !out_width) {
    row.error_in_row("the window is larger than the padded data", "check r, s, pad and dilation");
    return;
  }
  if (c % groups != 0 || k % groups != 0) {
    row.error_in_row(fmt::format("{} groups do not divide {} and {} channels", groups, c, k));
    return;
  }
  const Axis batch = builder.axis("batch", n, DimKind::batch);
  const Axis in = builder.axis("in_channels", c, DimKind::channels);
  const Axis out = builder.axis("out_channels", k, DimKind::channels);
  const Axis per_group =
      groups == 1 ? in : builder.axis("group_channels", c / groups, DimKind::other);
  const auto spatial = [&](std::string_view role, std::int64_t size) {
    return builder.axis(role, size, DimKind::spatial);
  };
  op.kind = OpKind::convolution;
  builder.add(std::move(op),
              {{"x",
                TensorRole::activation,
                {batch, in, spatial("height", height.size), spatial("width", width.size)},
                format,
                false},
               {"w",
                TensorRole::weight,
                {out, per_group, builder.axis("window_height", height.window, DimKind::other),
                 builder.axis("window_width", width.window, DimKind::other)},
                format,
                false},
               {"y",
                TensorRole::activation,
                {batch, out, spatial("out_height", *out_height), spatial("out_width", *out_width)},
                format,
                false}},
              repeat);
}

std::string stem_of(const std::string& file) {
  const std::size_t slash = file.find_last_of("/\\");
  const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
  const std::size_t dot = name.find_last_of('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

}  // namespace

Result<Imported<Workload>> read_gemm_table(std::string_view text, const std::string& file) {
  const auto table = parse_csv(text, file, CsvLimits{.bytes = 16u << 20, .rows = kMostRows});
  if (!table) return failure(table.error());
  const bool convolutions = table->column("c").has_value();
  const auto optional =
      with_common(convolutions ? std::vector<std::string>{"stride", "pad", "dilation", "groups"}
                               : std::vector<std::string>{"batch"});
  Diagnostics mistakes =
      check_columns(*table, convolutions ? kConvolutionRequired : kGemmRequired, optional);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  if (table->rows.empty()) return failure(Place{file, 0, 0}, "the table has no rows");
  WorkloadBuilder builder;
  builder.workload.name = stem_of(file);
  RowReader row(*table, mistakes);
  for (std::size_t i = 0; i < table->rows.size(); ++i) {
    row.set_row(table->rows[i]);
    Op op;
    op.inputs = {0, 1};
    op.outputs = {2};
    const CsvCell* name = row.cell("name");
    op.name = name == nullptr ? fmt::format("op{}", i + 1) : name->text;
    const NumberFormat format = row.format();
    if (convolutions) {
      add_convolution(builder, row, std::move(op), format);
    } else {
      add_gemm(builder, row, std::move(op), format);
    }
  }
  for (std::string& mistake : mistakes_in(builder.workload))
    mistakes.push_back({{file, 0, 0}, std::move(mistake), {}});
  sort_by_place(mistakes);
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return Imported<Workload>{std::move(builder.workload), {}};
}

}  // namespace fastpath
