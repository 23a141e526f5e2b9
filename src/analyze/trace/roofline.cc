#include "analyze/trace/roofline.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "analyze/trace/operator_shape.h"
#include "base/text.h"
#include "ir/names.h"
#include "model/device_model.h"

namespace fastpath {
namespace {

/// Operators of all ranks together, with their shapes.
struct ShapedRow {
  WorkRow row;
  OpShape shape;
};

std::vector<ShapedRow> shaped_rows(const std::vector<RankAnalysis>& ranks) {
  std::map<std::tuple<std::string, std::string, std::string>, ShapedRow> rows;
  for (const RankAnalysis& rank : ranks) {
    for (const WorkRow& row : rank.operators) {
      const auto shape = operator_shape(row.name, row.shapes, row.types);
      if (!shape || row.count == 0 || row.time <= 0) continue;
      const auto [found, added] =
          rows.try_emplace({row.name, row.shapes, row.types}, ShapedRow{row, *shape});
      if (added) continue;
      found->second.row.count += row.count;
      found->second.row.kernels += row.kernels;
      found->second.row.time += row.time;
    }
  }
  std::vector<ShapedRow> sorted;
  sorted.reserve(rows.size());
  for (auto& [key, row] : rows)
    sorted.push_back(std::move(row));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ShapedRow& a, const ShapedRow& b) { return a.row.time > b.row.time; });
  return sorted;
}

Seconds time_of(const WorkRow& row) { return Seconds{static_cast<double>(row.time) * 1e-12}; }

/// Columns of catalog/measurements/operators.csv that a product or a map fills.
struct CsvRow {
  std::string_view op;
  double m = 0;
  double n = 0;
  double k = 0;
};

std::optional<CsvRow> csv_row(const ShapedRow& one) {
  const OpShape& shape = one.shape;
  const double bytes = bytes_per_element(shape.compute_format).base();
  const double elements = shape.write.base() / bytes;
  // Rows of maps and norms are read as 16 bits wide.
  if (shape.kind != OpKind::matmul && bytes != 2) return std::nullopt;
  switch (shape.kind) {
    case OpKind::matmul:
      if (shape.batch != 1) return std::nullopt;
      return CsvRow{"gemm", shape.m, shape.n, shape.k};
    case OpKind::layer_norm: return CsvRow{"layernorm", shape.m, elements / shape.m, 0};
    case OpKind::softmax: return CsvRow{"softmax", shape.m, elements / shape.m, 0};
    case OpKind::elementwise:
      if (one.row.name.find("add") == std::string::npos) return std::nullopt;
      return CsvRow{"add", shape.m, elements / shape.m, 0};
    default: return std::nullopt;
  }
}

}  // namespace

Table roofline_table(const std::vector<RankAnalysis>& ranks, const Device& device,
                     std::size_t top) {
  Table table{"roofline",
              fmt::format("Operators against {}", device.name.empty() ? device.id : device.name),
              {{"operator", Unit::none},
               {"shapes", Unit::none},
               {"format", Unit::none},
               {"count", Unit::count},
               {"time", Unit::seconds},
               {"work_rate", Unit::flops_per_second},
               {"traffic_rate", Unit::bytes_per_second},
               {"bound", Unit::none},
               {"attainable", Unit::ratio}},
              {}};
  const DeviceModel model(device, Execution::graph);
  for (const auto& [row, shape] : shaped_rows(ranks)) {
    if (top > 0 && table.rows.size() == top) break;
    const auto count = static_cast<double>(row.count);
    const Seconds time = time_of(row);
    const Seconds computing = shape.work / model.peak(shape.compute_format);
    const Seconds bound = model.lower_bound(shape);
    table.rows.push_back(
        {row.name, row.shapes, std::string(name_of(shape.compute_format)), count, time.base(),
         count * shape.work.base() / time.base(),
         count * (shape.read + shape.write).base() / time.base(),
         std::string(computing >= bound ? name_of(Bound::compute) : name_of(Bound::memory)),
         count * bound.base() / time.base()});
  }
  return table;
}

std::string trace_measurements(const std::vector<RankAnalysis>& ranks, const Device& device) {
  std::string text = "id,device,source,op,m,n,k,dtype,time_us,library,notes\n";
  int number = 0;
  for (const ShapedRow& one : shaped_rows(ranks)) {
    const auto row = csv_row(one);
    if (!row || one.row.kernels != one.row.count) continue;
    text += fmt::format("trace-{:04},{},own trace,{},{},{},{},{},{:.6g},torch,{}\n", ++number,
                        device.id, row->op, row->m, row->n,
                        row->k > 0 ? fmt::format("{}", row->k) : std::string(),
                        name_of(one.shape.compute_format),
                        1e6 * time_of(one.row).base() / static_cast<double>(one.row.count),
                        fmt::format("{} mean of {}", one.row.name, one.row.count));
  }
  return text;
}

}  // namespace fastpath
