#include "import/yaml/workload.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "import/yaml/arrow.h"
#include "import/yaml/located.h"
#include "import/yaml/workload_defaults.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

constexpr std::int64_t kLargestDim = 1'000'000'000'000'000;
constexpr std::int64_t kMostRepeats = 1'000'000'000;
constexpr double kMostWork = 1e18;

std::vector<std::string> dim_names(const Workload& workload) {
  std::vector<std::string> names;
  for (const Dim& dim : workload.dims)
    names.push_back(dim.name);
  return names;
}

/// Where the text of a scalar starts: behind its quote.
Place text_place(const YamlReader& reader, const YamlNode& node) {
  Place place = reader.place(node);
  if (node.quoted) ++place.column;
  return place;
}

Place shifted(Place place, int offset) {
  place.column += offset;
  return place;
}

/// Places of what mistakes_in may name, by the words it names it with.
using Labels = std::vector<std::pair<std::string, Place>>;

/// Dims by name, for all blocks.
using DimIndex = std::map<std::string, DimId, std::less<>>;

/// Reads one block: tensors from the arrow forms, then their roles and formats.
class BlockReader {
 public:
  BlockReader(YamlReader& reader, const Workload& workload, const DimIndex& dims)
      : reader_(reader), workload_(workload), dims_(dims) {}

  Block read(YamlMap& map, std::string name, NumberFormat format) {
    block_.name = std::move(name);
    const YamlNode* ops = map.get("ops", Need::required);
    const YamlNode* tensors = map.get("tensors");
    if (tensors != nullptr) read_shapes(*tensors);
    if (ops != nullptr) read_ops(*ops);
    if (!reader_.failed()) set_defaults(format);
    if (tensors != nullptr) read_tensors(*tensors);
    return std::move(block_);
  }

  Labels take_labels() { return std::move(labels_); }

 private:
  std::optional<std::vector<Axis>> axes(const std::vector<ArrowAxis>& written, const Place& start) {
    std::vector<Axis> result;
    bool good = true;
    for (const ArrowAxis& axis : written) {
      const auto dim = dims_.find(axis.dim);
      if (dim == dims_.end()) {
        if (reader_.full()) return std::nullopt;
        reader_.error({shifted(start, axis.offset),
                       fmt::format("dimension {} is not defined", in_quotes(axis.dim)),
                       did_you_mean(axis.dim, dim_names(workload_))});
        good = false;
        continue;
      }
      result.push_back({dim->second, axis.routed});
    }
    if (!good) return std::nullopt;
    return result;
  }

  std::optional<TensorId> tensor(const ArrowTensor& written, const Place& start) {
    const auto known = tensors_.find(written.name);
    std::optional<std::vector<Axis>> shape;
    if (written.axes) {
      shape = axes(*written.axes, start);
      if (!shape) return std::nullopt;
    }
    if (known != tensors_.end()) {
      const bool agrees = !shape || *shape == block_.tensors[known->second].axes;
      if (agrees) return known->second;
      reader_.error({shifted(start, written.offset),
                     fmt::format("tensor {} has another shape before", in_quotes(written.name)),
                     fmt::format("it is {} there", shape_text(known->second))});
      return std::nullopt;
    }
    if (!shape) {
      reader_.error({shifted(start, written.offset),
                     fmt::format("the shape of {} is not known", in_quotes(written.name)),
                     fmt::format("write {}[dims] where it is first named", written.name)});
      return std::nullopt;
    }
    return add_tensor(written.name, std::move(*shape));
  }

  TensorId add_tensor(const std::string& name, std::vector<Axis> shape) {
    const auto id = static_cast<TensorId>(block_.tensors.size());
    block_.tensors.push_back({name, TensorRole::activation, std::move(shape), {}, false});
    tensors_.emplace(name, id);
    return id;
  }

  std::string shape_text(TensorId id) const {
    std::string text = "[";
    for (const Axis& axis : block_.tensors[id].axes) {
      if (text.size() > 1) text += ' ';
      text += (axis.routed ? "@" : "") + arrow_name(workload_.dims[axis.dim].name);
    }
    return text + "]";
  }

  /// Shapes of tensors that operators need not name.
  void read_shapes(const YamlNode& node) {
    if (!node.is_map()) return;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const YamlNode* shape = node.items[i].find("shape");
      if (shape == nullptr) continue;
      const auto text = reader_.string(*shape);
      if (!text) continue;
      const Place start = text_place(reader_, *shape);
      const auto written = parse_shape(*text, start);
      if (!written) {
        reader_.errors(written.error());
        continue;
      }
      if (auto found = axes(*written, start)) add_tensor(node.keys[i].text, std::move(*found));
    }
  }

  void read_ops(const YamlNode& node) {
    if (!node.is_list()) {
      reader_.error(node, "ops must be a list", "start each operator with '- '");
      return;
    }
    for (const YamlNode& item : node.items) {
      if (reader_.full()) return;
      read_op(item);
    }
  }

  void read_op(const YamlNode& node) {
    YamlMap map(reader_, node, "an operator");
    if (!map.valid()) return;
    Op op;
    const auto name = map.string("name");
    const YamlNode* over = map.get("over");
    op.attributes.causal = map.boolean("causal").value_or(false);
    op.attributes.window = map.integer("window", 0).value_or(0);
    op.attributes.sparse_keys = map.integer("sparse_keys", 0).value_or(0);
    op.attributes.document = map.integer("document", 0).value_or(0);
    op.attributes.dropout = map.boolean("dropout").value_or(false);
    op.attributes.function = map.string("function").value_or("");
    const auto work = map.number("work_per_element", 0, kMostWork);
    const YamlNode* kind = read_kind(map, node, op);
    const YamlNode* text = kind == nullptr ? nullptr : node.find(kind->text);
    if (text == nullptr || !read_arrow(*text, op)) return;
    op.name = name.value_or(op.outputs.empty() ? kind->text : block_.tensors[op.outputs[0]].name);
    op.attributes.work_per_element =
        work.value_or(default_work_per_element(op.kind, op.attributes.function));
    op.attributes.over = read_over(over, op);
    check_duplicates(*text, op);
    labels_.emplace_back(fmt::format("operator '{}' of block '{}'", op.name, block_.name),
                         reader_.place(node));
    block_.ops.push_back(std::move(op));
  }

  /// The key of an operator that says its kind, or a function that stands for elementwise.
  const YamlNode* read_kind(YamlMap& map, const YamlNode& node, Op& op) {
    const YamlNode* found = nullptr;
    for (const YamlNode* key : map.unknown_keys()) {
      if (reader_.full()) return nullptr;
      const auto kind = parse_name<OpKind>(key->text);
      if (!kind && !is_function(key->text)) {
        reader_.error(
            *key, fmt::format("{} is neither an operator nor an attribute", in_quotes(key->text)),
            did_you_mean(key->text, op_words()));
        continue;
      }
      if (found != nullptr) {
        reader_.error(*key,
                      fmt::format("the operator is both {} and {}", in_quotes(found->text),
                                  in_quotes(key->text)),
                      "write one operator per entry of the list");
        continue;
      }
      found = key;
      op.kind = kind.value_or(OpKind::elementwise);
      if (!kind) op.attributes.function = key->text;
    }
    if (found == nullptr && map.unknown_keys().empty()) {
      reader_.error(node, "the operator has no kind",
                    "for example matmul: \"x[m k], w[k n] -> y[m n]\"");
    }
    return found;
  }

  static bool is_function(std::string_view word) {
    const auto functions = elementwise_functions();
    return std::any_of(functions.begin(), functions.end(),
                       [&](const auto& function) { return function.first == word; });
  }

  static std::vector<std::string> op_words() {
    std::vector<std::string> words = all_names<OpKind>();
    for (const auto& [function, work] : elementwise_functions())
      words.emplace_back(function);
    for (const char* attribute : {"name", "causal", "window", "sparse_keys", "document", "dropout",
                                  "work_per_element", "over", "function"})
      words.emplace_back(attribute);
    return words;
  }

  bool read_arrow(const YamlNode& node, Op& op) {
    const auto text = reader_.string(node);
    if (!text) return false;
    const Place start = text_place(reader_, node);
    const auto arrow = parse_arrow(*text, start);
    if (!arrow) {
      reader_.errors(arrow.error());
      return false;
    }
    bool good = true;
    const auto take = [&](const std::vector<ArrowTensor>& from, std::vector<TensorId>& to) {
      for (const ArrowTensor& written : from) {
        const auto id = tensor(written, start);
        good = good && id;
        if (id) to.push_back(*id);
      }
    };
    take(arrow->inputs, op.inputs);
    take(arrow->outputs, op.outputs);
    return good;
  }

  DimId read_over(const YamlNode* node, const Op& op) {
    const DimId standard = default_over(block_, op);
    if (node == nullptr) return standard;
    const auto name = reader_.string(*node);
    if (!name) return standard;
    const auto dim = dims_.find(*name);
    if (dim != dims_.end()) return dim->second;
    reader_.error(*node, fmt::format("dimension {} is not defined", in_quotes(*name)),
                  did_you_mean(*name, dim_names(workload_)));
    return standard;
  }

  /// One name twice in a weight would be a batch dimension of the product, not a square matrix.
  void check_duplicates(const YamlNode& node, const Op& op) {
    if (op.kind != OpKind::matmul && op.kind != OpKind::grouped_matmul) return;
    for (const TensorId id : op.inputs) {
      std::set<DimId> seen;
      for (const Axis& axis : block_.tensors[id].axes) {
        if (seen.insert(axis.dim).second) continue;
        const std::string& dim = workload_.dims[axis.dim].name;
        reader_.error(node,
                      fmt::format("tensor {} has the axis {} twice",
                                  in_quotes(block_.tensors[id].name), in_quotes(dim)),
                      fmt::format("define a second dimension of that size, such as {}_out", dim));
      }
    }
  }

  void set_defaults(NumberFormat format) {
    const std::vector<TensorDefaults> defaults = default_tensors(block_, format);
    for (std::size_t i = 0; i < defaults.size(); ++i) {
      block_.tensors[i].role = defaults[i].role;
      block_.tensors[i].format = defaults[i].format;
    }
  }

  void read_tensors(const YamlNode& node) {
    if (!node.is_map()) {
      reader_.error(node, "tensors must be a map", "write 'w: {role: weight}' lines");
      return;
    }
    std::vector<std::string> names;
    for (const auto& [name, id] : tensors_)
      names.push_back(name);
    for (std::size_t i = 0; i < node.keys.size() && !reader_.full(); ++i) {
      const YamlNode& key = node.keys[i];
      YamlMap map(reader_, node.items[i], fmt::format("tensor {}", in_quotes(key.text)));
      map.allow({"shape"});
      const auto role = map.name<TensorRole>("role", "a role");
      const auto format = map.name<NumberFormat>("format", "a number format");
      const auto tied = map.boolean("tied");
      map.finish();
      const auto found = tensors_.find(key.text);
      if (found == tensors_.end()) {
        const bool declared = map.valid() && node.items[i].find("shape") != nullptr;
        if (declared) continue;  // the mistake in its shape is told already
        reader_.error(key, fmt::format("no operator has a tensor {}", in_quotes(key.text)),
                      did_you_mean(key.text, names));
        continue;
      }
      Tensor& tensor = block_.tensors[found->second];
      tensor.role = role.value_or(tensor.role);
      tensor.format = format.value_or(tensor.format);
      tensor.tied = tied.value_or(tensor.tied);
    }
  }

  YamlReader& reader_;
  const Workload& workload_;
  const DimIndex& dims_;
  Block block_;
  std::map<std::string, TensorId, std::less<>> tensors_;
  Labels labels_;
};

class WorkloadYaml {
 public:
  explicit WorkloadYaml(const std::string& file) : reader_(file) {}

  Result<Imported<Workload>> read(const YamlNode& root) {
    YamlMap map(reader_, root, "a workload");
    if (map.valid()) read_map(map, root);
    if (!reader_.failed()) validate(root);
    if (reader_.failed()) return failure(reader_.take_errors());
    return Imported<Workload>{std::move(workload_), reader_.take_warnings()};
  }

 private:
  void read_map(YamlMap& map, const YamlNode& root) {
    workload_.name = map.string("workload", Need::required).value_or("");
    workload_.phase = map.name<Phase>("phase", "a phase").value_or(Phase::forward);
    const auto format = map.name<NumberFormat>("format", "a number format");
    if (const YamlNode* dims = map.get("dims", Need::required)) read_dims(*dims);
    map.allow({"source", "date", "notes"});  // for people
    const YamlNode* sequence = map.get("sequence");
    if (const YamlNode* blocks = map.get("blocks", Need::required)) {
      read_blocks(*blocks, format.value_or(NumberFormat::bf16), sequence != nullptr);
    }
    if (sequence != nullptr) read_sequence(*sequence);
    map.finish();
    if (!reader_.failed()) warn_of_unused(root);
  }

  void read_dims(const YamlNode& node) {
    if (!node.is_map()) {
      reader_.error(node, "dims must be a map", "write 'dims: {batch: 8, hidden: 4096}'");
      return;
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& name = node.keys[i].text;
      const YamlNode& value = node.items[i];
      Dim dim{name, 1, default_dim_kind(name)};
      if (value.is_map()) {
        YamlMap map(reader_, value, fmt::format("dimension {}", in_quotes(name)));
        dim.size = map.integer("size", 1, kLargestDim, Need::required).value_or(1);
        dim.kind = map.name<DimKind>("kind", "a kind of dimension").value_or(dim.kind);
        map.finish();
      } else {
        dim.size = reader_.integer(value, 1, kLargestDim).value_or(1);
      }
      dims_.emplace(name, static_cast<DimId>(workload_.dims.size()));
      workload_.dims.push_back(std::move(dim));
    }
  }

  void read_blocks(const YamlNode& node, NumberFormat format, bool has_sequence) {
    if (!node.is_list()) {
      reader_.error(node, "blocks must be a list", "start each block with '- name: ...'");
      return;
    }
    for (const YamlNode& item : node.items) {
      if (reader_.full()) return;
      read_block(item, format, has_sequence);
    }
  }

  void read_block(const YamlNode& node, NumberFormat format, bool has_sequence) {
    YamlMap map(reader_, node, "a block");
    if (!map.valid()) return;
    std::string name = map.string("name", Need::required).value_or("");
    const auto index = static_cast<std::uint32_t>(workload_.blocks.size());
    if (!blocks_.emplace(name, index).second) {
      reader_.error(node, fmt::format("block {} is defined twice", in_quotes(name)));
    }
    const Segment segment = read_segment(map, index);
    if (!has_sequence) {
      workload_.segments.push_back(segment);
    } else if (node.find("repeat") != nullptr || node.find("use") != nullptr) {
      reader_.error(node, "a block has no repeat or use where the workload has a sequence",
                    "write them in the sequence: {block: name, repeat: 2}");
    }
    BlockReader blocks(reader_, workload_, dims_);
    workload_.blocks.push_back(blocks.read(map, std::move(name), format));
    for (auto& label : blocks.take_labels())
      labels_.push_back(std::move(label));
    map.finish();
  }

  Segment read_segment(YamlMap& map, std::uint32_t block) {
    Segment segment;
    segment.block = block;
    segment.repeat = map.integer("repeat", 1, kMostRepeats).value_or(1);
    segment.use = map.name<SegmentUse>("use", "a use").value_or(SegmentUse::executed);
    return segment;
  }

  void read_sequence(const YamlNode& node) {
    if (!node.is_list()) {
      reader_.error(node, "sequence must be a list of blocks");
      return;
    }
    for (const YamlNode& item : node.items) {
      if (reader_.full()) return;
      if (!item.is_map()) {
        if (const auto block = find_block(item)) workload_.segments.push_back({*block});
        continue;
      }
      YamlMap map(reader_, item, "an entry of the sequence");
      const YamlNode* name = map.get("block", Need::required);
      const Segment segment = read_segment(map, 0);
      map.finish();
      const auto block = name == nullptr ? std::nullopt : find_block(*name);
      if (block) workload_.segments.push_back({*block, segment.repeat, segment.use});
    }
  }

  std::optional<std::uint32_t> find_block(const YamlNode& node) {
    const auto name = reader_.string(node);
    if (!name) return std::nullopt;
    const auto found = blocks_.find(*name);
    if (found != blocks_.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, index] : blocks_)
      names.push_back(known);
    reader_.error(node, fmt::format("block {} is not defined", in_quotes(*name)),
                  did_you_mean(*name, names));
    return std::nullopt;
  }

  void warn_of_unused(const YamlNode& root) {
    std::set<DimId> used;
    for (const Block& block : workload_.blocks) {
      for (const Tensor& tensor : block.tensors) {
        for (const Axis& axis : tensor.axes)
          used.insert(axis.dim);
      }
    }
    for (const YamlNode& key : root.find("dims")->keys) {
      if (used.count(dims_.find(key.text)->second) > 0) continue;
      reader_.warn(key, fmt::format("no tensor has the dimension {}", in_quotes(key.text)));
    }
    std::set<std::uint32_t> executed;
    for (const Segment& segment : workload_.segments)
      executed.insert(segment.block);
    for (const auto& [name, index] : blocks_) {
      if (executed.count(index) > 0) continue;
      reader_.warn(root.find("blocks")->items[index],
                   fmt::format("the sequence leaves out block {}", in_quotes(name)));
    }
  }

  /// Mistakes of the structure, at the operator that the message names.
  void validate(const YamlNode& root) {
    for (const std::string& mistake : mistakes_in(workload_)) {
      if (reader_.full()) return;
      const auto named = std::find_if(labels_.begin(), labels_.end(), [&](const auto& label) {
        return mistake.starts_with(label.first);
      });
      reader_.error({named == labels_.end() ? reader_.place(root) : named->second, mistake, {}});
    }
  }

  YamlReader reader_;
  Workload workload_;
  DimIndex dims_;
  std::map<std::string, std::uint32_t> blocks_;
  Labels labels_;
};

}  // namespace

Result<Imported<Workload>> read_workload(std::string_view text, const std::string& file) {
  const auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  return WorkloadYaml(file).read(*root);
}

}  // namespace fastpath
