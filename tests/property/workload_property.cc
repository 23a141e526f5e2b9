// Round trips of the nouns' text forms: random workloads and plans.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "import/yaml/arrow.h"
#include "import/yaml/located.h"
#include "import/yaml/plan.h"
#include "import/yaml/workload.h"
#include "ir/names.h"
#include "ir/plan_text.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

template <class E>
E any_of_names() {
  const auto names = names_of(E{});
  return names[*rc::gen::inRange<std::size_t>(0, names.size())].second;
}

/// A name that is often plain and sometimes has what YAML and the arrow form must quote.
std::string any_name(const std::string& stem) {
  const auto odd = rc::gen::elementOf(std::vector<std::string>{
      "",  "",  "",   "",   " ", "-",        "->", ",",    "[x]",  "`",  "``", ": ",
      "#", "'", "\"", "\\", "@", "\xC2\xB5", "~",  "null", "/a/b", "\t", "{",  "%"});
  return *odd + stem + *odd;
}

std::vector<Axis> any_axes(std::size_t dims) {
  std::vector<Axis> axes(*rc::gen::inRange<std::size_t>(1, 5));
  for (Axis& axis : axes) {
    axis.dim = *rc::gen::inRange<DimId>(0, static_cast<DimId>(dims));
    axis.routed = *rc::gen::inRange(0, 8) == 0;
  }
  return axes;
}

/// Kinds that take any tensors: what is left to test of the others is in the unit tests.
Op any_op(std::size_t index, TensorId first_output, std::size_t dims) {
  const OpKind kinds[] = {OpKind::elementwise, OpKind::copy,    OpKind::scan,
                          OpKind::opaque,      OpKind::softmax, OpKind::rms_norm,
                          OpKind::embedding,   OpKind::reduce,  OpKind::cache_append};
  Op op;
  op.name = any_name("op" + std::to_string(index));
  op.kind = kinds[*rc::gen::inRange<std::size_t>(0, std::size(kinds))];
  op.inputs = {*rc::gen::inRange<TensorId>(0, first_output),
               *rc::gen::inRange<TensorId>(0, first_output)};
  op.outputs = {first_output};
  op.attributes.causal = *rc::gen::arbitrary<bool>();
  op.attributes.window = *rc::gen::elementOf(std::vector<std::int64_t>{0, 0, 1024});
  op.attributes.sparse_keys = *rc::gen::elementOf(std::vector<std::int64_t>{0, 0, 2048});
  op.attributes.document = *rc::gen::elementOf(std::vector<std::int64_t>{0, 0, 512});
  op.attributes.dropout = *rc::gen::arbitrary<bool>();
  op.attributes.work_per_element = *rc::gen::elementOf(std::vector<double>{1, 4, 0.1, 1e17});
  op.attributes.over = *rc::gen::inRange<DimId>(0, static_cast<DimId>(dims));
  op.attributes.function =
      *rc::gen::elementOf(std::vector<std::string>{"", "silu_mul", "gelu", "mamba2", "odd: one"});
  return op;
}

/// Tensors 0..2 come from outside, one more is written by each operator.
Block any_block(std::size_t index, std::size_t dims) {
  Block block;
  block.name = any_name("block" + std::to_string(index));
  const auto ops = *rc::gen::inRange<TensorId>(0, 5);
  for (TensorId i = 0; i < 3 + ops; ++i) {
    Tensor tensor;
    tensor.name = any_name("t" + std::to_string(i));
    tensor.role = any_of_names<TensorRole>();
    tensor.axes = any_axes(dims);
    tensor.format = any_of_names<NumberFormat>();
    tensor.tied = *rc::gen::inRange(0, 5) == 0;
    block.tensors.push_back(std::move(tensor));
  }
  for (TensorId i = 0; i < ops; ++i)
    block.ops.push_back(any_op(i, 3 + i, dims));
  return block;
}

Workload any_workload() {
  Workload workload;
  workload.name = any_name("w");
  workload.phase = any_of_names<Phase>();
  const auto dims = *rc::gen::inRange<std::size_t>(1, 6);
  const std::vector<std::string> known{"batch", "seq", "hidden", "ffn", "heads", "experts"};
  for (std::size_t i = 0; i < dims; ++i) {
    const bool plain = *rc::gen::arbitrary<bool>();
    workload.dims.push_back({plain ? known[i] : any_name("d" + std::to_string(i)),
                             *rc::gen::inRange<std::int64_t>(1, 1'000'000),
                             any_of_names<DimKind>()});
  }
  const auto blocks = *rc::gen::inRange<std::size_t>(1, 4);
  for (std::size_t i = 0; i < blocks; ++i)
    workload.blocks.push_back(any_block(i, dims));
  const bool alternate = *rc::gen::arbitrary<bool>();
  const std::size_t segments = alternate ? *rc::gen::inRange<std::size_t>(1, 6) : blocks;
  for (std::size_t i = 0; i < segments; ++i) {
    const auto block =
        static_cast<std::uint32_t>(alternate ? *rc::gen::inRange<std::size_t>(0, blocks) : i);
    workload.segments.push_back(
        {block, *rc::gen::inRange<std::int64_t>(1, 100), any_of_names<SegmentUse>()});
  }
  return workload;
}

const Tensor* find(const Block& block, const std::string& name) {
  for (const Tensor& tensor : block.tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

/// Tensors by name: the order of a block's tensors is not part of its text form.
void require_equal(const Block& a, const Block& b) {
  RC_ASSERT(a.name == b.name);
  RC_ASSERT(a.tensors.size() == b.tensors.size());
  for (const Tensor& tensor : a.tensors) {
    const Tensor* other = find(b, tensor.name);
    RC_ASSERT(other != nullptr);
    RC_ASSERT(tensor.role == other->role);
    RC_ASSERT(tensor.axes == other->axes);
    RC_ASSERT(tensor.format == other->format);
    RC_ASSERT(tensor.tied == other->tied);
  }
  const auto names = [](const Block& block, const std::vector<TensorId>& ids) {
    std::vector<std::string> result;
    for (const TensorId id : ids)
      result.push_back(block.tensors[id].name);
    return result;
  };
  RC_ASSERT(a.ops.size() == b.ops.size());
  for (std::size_t i = 0; i < a.ops.size(); ++i) {
    RC_ASSERT(a.ops[i].name == b.ops[i].name);
    RC_ASSERT(a.ops[i].kind == b.ops[i].kind);
    RC_ASSERT(a.ops[i].attributes == b.ops[i].attributes);
    RC_ASSERT(names(a, a.ops[i].inputs) == names(b, b.ops[i].inputs));
    RC_ASSERT(names(a, a.ops[i].outputs) == names(b, b.ops[i].outputs));
  }
}

void require_equal(const Workload& a, const Workload& b) {
  RC_ASSERT(a.name == b.name);
  RC_ASSERT(a.phase == b.phase);
  RC_ASSERT(a.dims.size() == b.dims.size());
  for (std::size_t i = 0; i < a.dims.size(); ++i) {
    RC_ASSERT(a.dims[i].name == b.dims[i].name);
    RC_ASSERT(a.dims[i].size == b.dims[i].size);
    RC_ASSERT(a.dims[i].kind == b.dims[i].kind);
  }
  RC_ASSERT(a.blocks.size() == b.blocks.size());
  for (std::size_t i = 0; i < a.blocks.size(); ++i)
    require_equal(a.blocks[i], b.blocks[i]);
  RC_ASSERT(a.segments.size() == b.segments.size());
  for (std::size_t i = 0; i < a.segments.size(); ++i) {
    RC_ASSERT(a.segments[i].block == b.segments[i].block);
    RC_ASSERT(a.segments[i].repeat == b.segments[i].repeat);
    RC_ASSERT(a.segments[i].use == b.segments[i].use);
  }
}

RC_GTEST_PROP(WorkloadYaml, what_is_written_reads_back_to_the_same_workload, ()) {
  const Workload workload = any_workload();
  RC_PRE(mistakes_in(workload).empty());
  const std::string text = write_workload(workload);
  RC_LOG() << text;
  const auto read = read_workload(text, "w.yaml");
  if (!read) RC_LOG() << read.error()[0].what;
  RC_ASSERT(read.has_value());
  require_equal(workload, read->value);
  RC_ASSERT(write_workload(read->value) == text);
}

Plan any_plan() {
  const auto ranks = [] { return *rc::gen::inRange(1, 33); };
  const auto format = []() -> std::optional<NumberFormat> {
    if (*rc::gen::arbitrary<bool>()) return std::nullopt;
    return any_of_names<NumberFormat>();
  };
  Plan plan;
  plan.tensor_parallel = ranks();
  plan.context_parallel = ranks();
  plan.expert_parallel = ranks();
  plan.data_parallel = ranks();
  plan.pipeline_parallel = ranks();
  plan.sequence_parallel = *rc::gen::arbitrary<bool>();
  plan.micro_batch = *rc::gen::inRange(0, 9);
  plan.schedule = any_of_names<Schedule>();
  if (plan.schedule == Schedule::interleaved) plan.virtual_stages = ranks();
  plan.recompute = any_of_names<Recompute>();
  plan.zero_stage = *rc::gen::inRange(0, 4);
  plan.optimizer = any_of_names<Optimizer>();
  plan.execution = any_of_names<Execution>();
  plan.flash_attention = *rc::gen::arbitrary<bool>();
  plan.overlap_gradients = *rc::gen::arbitrary<bool>();
  plan.weight_format = format();
  plan.cache_format = format();
  plan.compute_format = format();
  plan.gradient_format = any_of_names<NumberFormat>();
  std::swap(plan.order[0], plan.order[*rc::gen::inRange<std::size_t>(0, kMeshAxes)]);
  return plan;
}

RC_GTEST_PROP(PlanText, what_is_written_reads_back_to_the_same_plan, ()) {
  const Plan plan = any_plan();
  const std::string text = write_plan(plan);
  RC_LOG() << text;
  const auto read = parse_plan(text, Place{});
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == plan);
  RC_ASSERT(write_plan(*read) == text);
  const auto yaml = read_plan(write_plan_yaml(plan), "p.yaml");
  RC_ASSERT(yaml.has_value());
  RC_ASSERT(*yaml == plan);
}

RC_GTEST_PROP(Located, a_written_scalar_reads_back, ()) {
  const std::string text = *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '\x7F'));
  const auto root = parse_yaml("k: " + yaml_scalar(text) + "\n", "f");
  RC_ASSERT(root.has_value());
  YamlReader reader("f");
  RC_ASSERT(reader.string(root->items[0]) == text);
}

}  // namespace
}  // namespace fastpath
