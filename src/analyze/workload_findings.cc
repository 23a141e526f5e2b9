#include "analyze/workload_findings.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ir/names.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

/// One operator of one block, executed `repeat` times in a step.
struct Row {
  std::string name;
  std::string kind;
  double repeat = 0;
  double parameters = 0;  ///< of one execution
  OpCounts counts;
  double backward = 0;  ///< FLOP of one execution
};

double weights_of(const Workload& workload, const Block& block, const Op& op, const DimSizes& sizes,
                  std::vector<bool>& seen) {
  double parameters = 0;
  for (const TensorId id : op.inputs) {
    const Tensor& tensor = block.tensors[id];
    if (tensor.role != TensorRole::weight || tensor.tied || seen[id]) continue;
    seen[id] = true;  // a weight that two operators read belongs to the first
    parameters += elements(workload, tensor, sizes);
  }
  return parameters;
}

std::vector<Row> rows_of(const Workload& workload, const Block& block, double repeat) {
  const DimSizes sizes = whole_sizes(workload);
  std::vector<bool> seen(block.tensors.size(), false);
  std::vector<Row> rows;
  for (const Op& op : block.ops) {
    Row row;
    row.name = block.name + "/" + op.name;
    row.kind = std::string(name_of(op.kind));
    std::replace(row.kind.begin(), row.kind.end(), '_', ' ');
    row.repeat = repeat;
    row.parameters = weights_of(workload, block, op, sizes, seen);
    row.counts = forward_counts(workload, block, op, sizes);
    row.backward = row.counts.work.base() * backward_work_ratio(block, op);
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Executions of each block in a step, idle and draft segments apart.
std::vector<double> repeats_of(const Workload& workload) {
  std::vector<double> repeats(workload.blocks.size(), 0);
  for (const Segment& segment : workload.segments) {
    if (segment.use == SegmentUse::executed) {
      repeats[segment.block] += static_cast<double>(segment.repeat);
    }
  }
  return repeats;
}

Table summary_table(const Workload& workload) {
  const WorkloadCounts counts = count(workload);
  Table table{"summary", "Summary", {}, {{}}};
  const auto add = [&](const char* name, Unit unit, Cell cell) {
    table.columns.push_back({name, unit});
    table.rows.front().push_back(std::move(cell));
  };
  add("model", Unit::none, workload.name);
  add("phase", Unit::none, std::string(name_of(workload.phase)));
  add("parameters", Unit::count, counts.parameters);
  add("active_parameters", Unit::count, counts.active_parameters);
  if (counts.draft_parameters > 0) add("draft_parameters", Unit::count, counts.draft_parameters);
  add("weights", Unit::bytes, counts.weights.base());
  if (counts.cache.base() > 0) add("cache", Unit::bytes, counts.cache.base());
  add("forward_work", Unit::flops, counts.forward_work.base());
  add("backward_work", Unit::flops, counts.backward_work.base());
  std::string dims;
  for (const Dim& dim : workload.dims)
    dims += fmt::format("{}{}={}", dims.empty() ? "" : " ", dim.name, dim.size);
  add("dimensions", Unit::none, dims);
  return table;
}

Table block_table(const Workload& workload, const std::vector<double>& repeats) {
  Table table{"blocks",
              "Blocks",
              {{"block", Unit::none},
               {"repeat", Unit::count},
               {"operators", Unit::count},
               {"parameters_each", Unit::count},
               {"forward_work_each", Unit::flops},
               {"traffic_each", Unit::bytes}},
              {}};
  for (std::size_t i = 0; i < workload.blocks.size(); ++i) {
    double parameters = 0;
    double work = 0;
    double traffic = 0;
    for (const Row& row : rows_of(workload, workload.blocks[i], repeats[i])) {
      parameters += row.parameters;
      work += row.counts.work.base();
      traffic += (row.counts.read + row.counts.write).base();
    }
    table.rows.push_back({workload.blocks[i].name, repeats[i],
                          static_cast<double>(workload.blocks[i].ops.size()), parameters, work,
                          traffic});
  }
  return table;
}

Table operator_table(const Workload& workload, const std::vector<double>& repeats,
                     std::size_t top) {
  Table table{"operators",
              "Operators, all repeats together",
              {{"operator", Unit::none},
               {"kind", Unit::none},
               {"parameters", Unit::count},
               {"forward_work", Unit::flops},
               {"backward_work", Unit::flops},
               {"traffic", Unit::bytes},
               {"intensity", Unit::none}},
              {}};
  std::vector<Row> rows;
  for (std::size_t i = 0; i < workload.blocks.size(); ++i) {
    for (Row& row : rows_of(workload, workload.blocks[i], repeats[i]))
      rows.push_back(std::move(row));
  }
  const std::size_t all = rows.size();
  if (top > 0) {
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return a.repeat * a.counts.work.base() > b.repeat * b.counts.work.base();
    });
    rows.resize(std::min(top, rows.size()));
    table.title =
        fmt::format("Operators with most work ({} of {}), all repeats together", rows.size(), all);
  }
  for (const Row& row : rows) {
    const double work = row.counts.work.base();
    const double traffic = (row.counts.read + row.counts.write).base();
    table.rows.push_back({row.name, row.kind, row.repeat * row.parameters, row.repeat * work,
                          row.repeat * row.backward, row.repeat * traffic,
                          traffic > 0 ? Cell{work / traffic} : Cell{}});
  }
  return table;
}

}  // namespace

Findings describe_workload(const Workload& workload, std::size_t top) {
  const std::vector<double> repeats = repeats_of(workload);
  Findings findings;
  findings.title = workload.name;
  findings.tables = {summary_table(workload), block_table(workload, repeats),
                     operator_table(workload, repeats, top)};
  findings.notes.emplace_back(
      "Work counts a multiplication and an addition as two FLOP; traffic moves each tensor once; "
      "intensity is FLOP per byte of that.");
  return findings;
}

}  // namespace fastpath
