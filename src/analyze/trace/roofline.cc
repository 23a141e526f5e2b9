#include "analyze/trace/roofline.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "ir/names.h"
#include "ir/operator_shape.h"
#include "ir/semantics.h"
#include "model/device_model.h"

namespace fastpath {
namespace {

/// Operators of all ranks together, with their shapes.
struct ShapedRow {
  WorkRow row;
  OpShape shape;
};

std::vector<ShapedRow> shaped_rows(const std::vector<RankAnalysis>& ranks) {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, ShapedRow> rows;
  for (const RankAnalysis& rank : ranks) {
    for (const WorkRow& row : rank.operators) {
      const auto shape = operator_shape(row.name, row.shapes, row.types, row.values);
      if (!shape || row.count == 0 || row.time <= 0) continue;
      const auto [found, added] =
          rows.try_emplace({row.name, row.shapes, row.types, row.values}, ShapedRow{row, *shape});
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

/// Columns of catalog/measurements/operators.csv that an operator fills; 0 = left empty.
struct CsvRow {
  std::string_view op;
  double m = 0;
  double n = 0;
  double k = 0;
  double batch = 0;
  double seq = 0;
  double heads = 0;
  double kv_heads = 0;
  double head_dim = 0;
  bool causal = true;
};

/// Rows have one length of queries and keys, or one query.
std::optional<CsvRow> attention_row(const OpShape& shape) {
  CsvRow row;
  row.batch = 1;
  row.heads = shape.batch;
  row.kv_heads = shape.batch / shape.group;
  row.head_dim = shape.k;
  if (shape.m == 1) {
    row.op = "attention_decode";
    row.seq = shape.n;
    return row;
  }
  row.op = "attention_prefill";
  row.seq = shape.m;
  row.causal = shape.n != shape.m;
  const bool fits = shape.n == shape.m || shape.n == mean_keys(shape.m, shape.m, true, 0);
  return fits ? std::optional(row) : std::nullopt;
}

std::optional<CsvRow> csv_row(const ShapedRow& one) {
  const OpShape& shape = one.shape;
  const double bytes = bytes_per_element(shape.compute_format).base();
  const double elements = shape.write.base() / bytes;
  // Rows of maps, norms and attention are read as 16 bits wide.
  if (shape.kind != OpKind::matmul && bytes != 2) return std::nullopt;
  switch (shape.kind) {
    case OpKind::matmul: {
      const double batch = shape.batch > 1 ? shape.batch : 0;
      return CsvRow{.op = "gemm", .m = shape.m, .n = shape.n, .k = shape.k, .batch = batch};
    }
    case OpKind::attention: return attention_row(shape);
    case OpKind::layer_norm:
      return CsvRow{.op = "layernorm", .m = shape.m, .n = elements / shape.m};
    case OpKind::softmax: return CsvRow{.op = "softmax", .m = shape.m, .n = elements / shape.m};
    case OpKind::elementwise:
      if (one.row.name.find("add") == std::string::npos) return std::nullopt;
      return CsvRow{.op = "add", .m = shape.m, .n = elements / shape.m};
    default: return std::nullopt;
  }
}

/// The cells from m to head_dim.
std::string sizes_of(const CsvRow& row) {
  std::string text;
  for (const double size :
       {row.m, row.n, row.k, row.batch, row.seq, row.heads, row.kv_heads, row.head_dim}) {
    text += size > 0 ? fmt::format("{},", size) : ",";
  }
  return text;
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
  std::string text =
      "id,device,source,op,m,n,k,batch,seq,heads,kv_heads,head_dim,dtype,time_us,library,notes\n";
  int number = 0;
  for (const ShapedRow& one : shaped_rows(ranks)) {
    const auto row = csv_row(one);
    if (!row || one.row.kernels != one.row.count) continue;
    text += fmt::format("trace-{:04},{},own trace,{},{}{},{:.6g},torch,{} mean of {}{}\n", ++number,
                        device.id, row->op, sizes_of(*row), name_of(one.shape.compute_format),
                        1e6 * time_of(one.row).base() / static_cast<double>(one.row.count),
                        one.row.name, one.row.count, row->causal ? "" : "; unmasked");
  }
  return text;
}

}  // namespace fastpath
