#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "import/yaml/arrow.h"
#include "import/yaml/located.h"
#include "import/yaml/workload.h"
#include "import/yaml/workload_defaults.h"
#include "ir/names.h"

namespace fastpath {
namespace {

/// `names` with a number behind those that came before.
std::vector<std::string> unique(std::vector<std::string> names) {
  std::set<std::string> taken(names.begin(), names.end());
  std::set<std::string> used;
  for (std::string& name : names) {
    if (used.insert(name).second) continue;
    for (int number = 2;; ++number) {
      std::string candidate = fmt::format("{}_{}", name, number);
      if (!taken.insert(candidate).second) continue;
      name = std::move(candidate);
      break;
    }
  }
  return names;
}

template <class Things>
std::vector<std::string> names_in(const Things& things) {
  std::vector<std::string> names;
  names.reserve(things.size());
  for (const auto& thing : things)
    names.push_back(thing.name);
  return unique(std::move(names));
}

/// The format that most tensors have, counted over all blocks.
NumberFormat commonest_format(const Workload& workload) {
  std::array<std::size_t, kNumberFormatNames.size()> counts{};
  for (const Block& block : workload.blocks) {
    for (const Tensor& tensor : block.tensors)
      ++counts[static_cast<std::size_t>(tensor.format)];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  if (*most == 0) return NumberFormat::bf16;
  return static_cast<NumberFormat>(most - counts.begin());
}

bool is_function(std::string_view word) {
  const auto functions = elementwise_functions();
  return std::any_of(functions.begin(), functions.end(),
                     [&](const auto& function) { return function.first == word; });
}

class BlockWriter {
 public:
  BlockWriter(const Workload& workload, const Block& block, NumberFormat format)
      : workload_(workload),
        block_(block),
        format_(format),
        names_(names_in(block.tensors)),
        shaped_(block.tensors.size(), false) {}

  /// Everything of the block but its name and repeat.
  std::string write() {
    std::string text = block_.ops.empty() ? "    ops: []\n" : "    ops:\n";
    for (const Op& op : block_.ops)
      text += write_op(op);
    return text + write_tensors();
  }

 private:
  std::string shape(const Tensor& tensor) const {
    std::string text = "[";
    for (const Axis& axis : tensor.axes) {
      if (text.size() > 1) text += ' ';
      text += (axis.routed ? "@" : "") + arrow_name(workload_.dims[axis.dim].name);
    }
    return text + "]";
  }

  std::string tensors(const std::vector<TensorId>& ids) {
    std::string text;
    for (const TensorId id : ids) {
      if (!text.empty()) text += ", ";
      text += arrow_name(names_[id]) + shape(block_.tensors[id]);
      shaped_[id] = true;
    }
    return text;
  }

  std::string write_op(const Op& op) {
    const OpAttributes& a = op.attributes;
    const bool sugar = op.kind == OpKind::elementwise && is_function(a.function);
    const std::string inputs = tensors(op.inputs);
    const std::string arrow =
        fmt::format("{}{}-> {}", inputs, inputs.empty() ? "" : " ", tensors(op.outputs));
    std::string text =
        fmt::format("      - {{name: {}, {}: {}", yaml_scalar(op.name),
                    sugar ? a.function : std::string(name_of(op.kind)), yaml_scalar(arrow));
    if (a.causal) text += ", causal: true";
    if (a.window != 0) text += fmt::format(", window: {}", a.window);
    if (a.sparse_keys != 0) text += fmt::format(", sparse_keys: {}", a.sparse_keys);
    if (a.document != 0) text += fmt::format(", document: {}", a.document);
    if (a.dropout) text += ", dropout: true";
    if (!sugar && !a.function.empty()) text += ", function: " + yaml_scalar(a.function);
    if (a.work_per_element != default_work_per_element(op.kind, a.function)) {
      text += fmt::format(", work_per_element: {}", a.work_per_element);
    }
    if (a.over != default_over(block_, op)) {
      text += ", over: " + yaml_scalar(workload_.dims[a.over].name);
    }
    return text + "}\n";
  }

  /// What the operators do not imply.
  std::string write_tensors() const {
    const std::vector<TensorDefaults> defaults = default_tensors(block_, format_);
    std::set<std::string> lines;  // by name: the order of the tensors is not part of the text
    for (std::size_t i = 0; i < block_.tensors.size(); ++i) {
      const Tensor& tensor = block_.tensors[i];
      std::vector<std::string> fields;
      if (tensor.role != defaults[i].role) {
        fields.push_back(fmt::format("role: {}", name_of(tensor.role)));
      }
      if (tensor.format != defaults[i].format) {
        fields.push_back(fmt::format("format: {}", name_of(tensor.format)));
      }
      if (tensor.tied) fields.emplace_back("tied: true");
      if (!shaped_[i]) fields.push_back("shape: " + yaml_scalar(shape(tensor)));
      if (fields.empty()) continue;
      lines.insert(
          fmt::format("      {}: {{{}}}\n", yaml_scalar(names_[i]), fmt::join(fields, ", ")));
    }
    return lines.empty() ? "" : fmt::format("    tensors:\n{}", fmt::join(lines, ""));
  }

  const Workload& workload_;
  const Block& block_;
  NumberFormat format_;
  std::vector<std::string> names_;
  std::vector<bool> shaped_;  ///< the shape stands in an operator
};

std::string write_dims(const Workload& workload) {
  std::string text = workload.dims.empty() ? "dims: {}\n" : "dims:\n";
  for (const Dim& dim : workload.dims) {
    if (dim.kind == default_dim_kind(dim.name)) {
      text += fmt::format("  {}: {}\n", yaml_scalar(dim.name), dim.size);
    } else {
      text += fmt::format("  {}: {{size: {}, kind: {}}}\n", yaml_scalar(dim.name), dim.size,
                          name_of(dim.kind));
    }
  }
  return text;
}

/// Each block once, in order: repeat and use may stand in the block.
bool is_one_segment_per_block(const Workload& workload) {
  if (workload.segments.size() != workload.blocks.size()) return false;
  for (std::uint32_t i = 0; i < workload.segments.size(); ++i) {
    if (workload.segments[i].block != i) return false;
  }
  return true;
}

std::vector<std::string> segment_fields(const Segment& segment) {
  std::vector<std::string> fields;
  if (segment.repeat != 1) fields.push_back(fmt::format("repeat: {}", segment.repeat));
  if (segment.use != SegmentUse::executed) {
    fields.push_back(fmt::format("use: {}", name_of(segment.use)));
  }
  return fields;
}

}  // namespace

std::string write_workload(const Workload& workload) {
  const NumberFormat format = commonest_format(workload);
  std::string text =
      fmt::format("workload: {}\nphase: {}\nformat: {}\n", yaml_scalar(workload.name),
                  name_of(workload.phase), name_of(format));
  text += write_dims(workload);
  const std::vector<std::string> names = names_in(workload.blocks);
  const bool inline_segments = is_one_segment_per_block(workload);
  text += workload.blocks.empty() ? "blocks: []\n" : "blocks:\n";
  for (std::size_t i = 0; i < workload.blocks.size(); ++i) {
    text += fmt::format("  - name: {}\n", yaml_scalar(names[i]));
    if (inline_segments) {
      for (const std::string& field : segment_fields(workload.segments[i]))
        text += fmt::format("    {}\n", field);
    }
    text += BlockWriter(workload, workload.blocks[i], format).write();
  }
  if (inline_segments) return text;
  text += workload.segments.empty() ? "sequence: []\n" : "sequence:\n";
  for (const Segment& segment : workload.segments) {
    std::vector<std::string> fields{"block: " + yaml_scalar(names[segment.block])};
    for (std::string& field : segment_fields(segment))
      fields.push_back(std::move(field));
    text += fmt::format("  - {{{}}}\n", fmt::join(fields, ", "));
  }
  return text;
}

}  // namespace fastpath
