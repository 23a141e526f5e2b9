#include "import/yaml/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kMlp = R"(workload: mlp-block
dims: {batch: 8, seq: 2048, hidden: 4096, ffn: 14336}
blocks:
  - name: layer
    repeat: 32
    ops:
      - {name: norm, rms_norm: "x[batch seq hidden] -> n[batch seq hidden]"}
      - {name: up,   matmul:   "n[batch seq hidden], w_up[hidden ffn] -> u[batch seq ffn]"}
      - {name: gate, matmul:   "n[batch seq hidden], w_gate[hidden ffn] -> g[batch seq ffn]"}
      - {name: act,  silu_mul: "g[batch seq ffn], u[batch seq ffn] -> a[batch seq ffn]"}
      - {name: down, matmul:   "a[batch seq ffn], w_down[ffn hidden] -> y[batch seq hidden]"}
)";

std::string errors_of(std::string_view text) {
  const auto workload = read_workload(text, "w.yaml");
  std::string messages;
  if (workload) return messages;
  for (const Diagnostic& diagnostic : workload.error())
    messages += format_diagnostic(diagnostic, "error") + "\n";
  return messages;
}

const Tensor& tensor(const Block& block, std::string_view name) {
  for (const Tensor& candidate : block.tensors) {
    if (candidate.name == name) return candidate;
  }
  ADD_FAILURE() << "no tensor " << name;
  return block.tensors.front();
}

/// One block with these operators over a few dims.
std::string with_ops(std::string_view ops) {
  return "workload: w\ndims: {batch: 4, seq: 8, hidden: 16, ffn: 32}\nblocks:\n  - name: b\n"
         "    ops:\n" +
         std::string(ops);
}

TEST(WorkloadYaml, reads_the_example_of_the_design) {
  const auto read = read_workload(kMlp, "mlp.yaml");
  ASSERT_TRUE(read) << errors_of(kMlp);
  const Workload& workload = read->value;
  EXPECT_TRUE(read->warnings.empty());
  EXPECT_EQ(workload.dims[1].kind, DimKind::sequence);
  EXPECT_EQ(workload.segments[0].repeat, 32);
  const Block& layer = workload.blocks[0];
  EXPECT_EQ(tensor(layer, "w_up").role, TensorRole::weight);
  EXPECT_EQ(tensor(layer, "x").role, TensorRole::activation);
  EXPECT_EQ(layer.ops[3].attributes.function, "silu_mul");
  EXPECT_EQ(layer.ops[0].attributes.over, 2u);
  EXPECT_EQ(count(workload).parameters, 32.0 * 3 * 4096 * 14336);
}

TEST(WorkloadYaml, what_is_written_reads_back_and_is_canonical) {
  const auto read = read_workload(kMlp, "mlp.yaml");
  ASSERT_TRUE(read);
  const std::string text = write_workload(read->value);
  const auto again = read_workload(text, "again.yaml");
  ASSERT_TRUE(again) << text;
  EXPECT_EQ(write_workload(again->value), text);
}

TEST(WorkloadYaml, roles_are_implied_unless_said) {
  const auto read = read_workload(
      with_ops(
          R"(      - {embedding: "ids[batch seq], table[ffn hidden] -> e[batch seq hidden]"}
      - {layer_norm: "e, scale[hidden], shift[hidden] -> n[batch seq hidden]"}
      - {add: "n, pos[seq hidden] -> p[batch seq hidden]"}
      - {cache_append: "p -> c[batch seq hidden]"}
    tensors:
      pos: {role: constant, format: fp32}
      table: {tied: true}
)"),
      "w");
  ASSERT_TRUE(read);
  const Block& block = read->value.blocks[0];
  EXPECT_EQ(tensor(block, "ids").role, TensorRole::input);
  EXPECT_EQ(tensor(block, "ids").format, NumberFormat::int32);
  EXPECT_EQ(tensor(block, "table").role, TensorRole::weight);
  EXPECT_TRUE(tensor(block, "table").tied);
  EXPECT_EQ(tensor(block, "shift").role, TensorRole::weight);
  EXPECT_EQ(tensor(block, "pos").role, TensorRole::constant);
  EXPECT_EQ(tensor(block, "pos").format, NumberFormat::fp32);
  EXPECT_EQ(tensor(block, "c").role, TensorRole::cache);
  EXPECT_EQ(block.ops[0].name, "e");
}

TEST(WorkloadYaml, blocks_alternate_in_a_sequence) {
  const auto read = read_workload(R"(
workload: hybrid
phase: decode
dims: {batch: 1, hidden: 8, tile: {size: 4, kind: spatial}, experts: 4}
blocks:
  - {name: a, ops: [{copy: "x[batch hidden @experts] -> y[batch tile @experts]"}]}
  - {name: b, ops: [{relu: "x[batch hidden] -> y[batch hidden]"}]}
sequence: [a, {block: b, repeat: 3}, a, {block: b, use: idle}]
)",
                                  "w");
  ASSERT_TRUE(read) << read.error()[0].what;
  EXPECT_EQ(read->value.phase, Phase::decode);
  EXPECT_EQ(read->value.dims[2].kind, DimKind::spatial);
  EXPECT_TRUE(read->value.blocks[0].tensors[0].axes[2].routed);
  ASSERT_EQ(read->value.segments.size(), 4u);
  EXPECT_EQ(read->value.segments[1].repeat, 3);
  EXPECT_EQ(read->value.segments[3].use, SegmentUse::idle);
}

TEST(WorkloadYaml, tells_all_mistakes_at_once) {
  EXPECT_EQ(
      errors_of(with_ops(
          R"(      - {name: up, matmull: "x[batch seq hidden], w[hidden ffn] -> u[batch seq ffn]"}
      - {name: n, rms_norm: "x[batch seq hiden] -> n[batch seq hidden]"}
      - {name: m, matmul: "x[batch hidden], w[hidden ffn] = u[batch ffn]"}
      - {name: r, relu: "q -> r[batch]"}
      - {name: s, relu: "t[batch] -> s[batch], t[seq]", window: -1}
      - {name: u}
)")),
      "w.yaml:6:20: error: 'matmull' is neither an operator nor an attribute\n"
      "  hint: did you mean 'matmul'?\n"
      "w.yaml:7:42: error: dimension 'hiden' is not defined\n"
      "  hint: did you mean 'hidden'?\n"
      "w.yaml:8:59: error: unexpected '= u[batch ff'\n"
      "  hint: write inputs -> outputs, as in \"x[batch hidden], w[hidden ffn] -> y[batch "
      "ffn]\"\n"
      "w.yaml:9:26: error: the shape of 'q' is not known\n"
      "  hint: write q[dims] where it is first named\n"
      "w.yaml:10:48: error: tensor 't' has another shape before\n"
      "  hint: it is [batch] there\n"
      "w.yaml:10:65: error: -1 is below 0\n"
      "w.yaml:11:9: error: the operator has no kind\n"
      "  hint: for example matmul: \"x[m k], w[k n] -> y[m n]\"\n");
}

TEST(WorkloadYaml, mistakes_of_the_structure_stand_at_their_operator) {
  EXPECT_THAT(errors_of(with_ops("      - {name: up, matmul: \"x[batch] -> y[batch]\"}\n")),
              HasSubstr("w.yaml:6:9: error: operator 'up' of block 'b' needs at least 2 inputs"));
  EXPECT_THAT(errors_of(with_ops("      - {relu: \"y[batch] -> z[batch]\"}\n"
                                 "      - {relu: \"x[batch] -> y[batch]\"}\n")),
              HasSubstr("w.yaml:6:9: error: operator 'z' of block 'b' reads 'y' before"));
}

TEST(WorkloadYaml, a_square_weight_needs_two_dimensions) {
  EXPECT_THAT(errors_of(with_ops("      - {matmul: \"x[batch hidden], w[hidden hidden] -> "
                                 "y[batch hidden]\"}\n")),
              HasSubstr("hint: define a second dimension of that size, such as hidden_out"));
}

TEST(WorkloadYaml, wrong_heads_are_errors) {
  EXPECT_THAT(errors_of("workload: w\n"), HasSubstr("a workload has no 'dims'"));
  EXPECT_THAT(errors_of("workload: w\ndims: {a: 0}\nblocks: []\n"), HasSubstr("0 is below 1"));
  EXPECT_THAT(errors_of("workload: w\ndims: {a: 1}\nblocks: []\n"), HasSubstr("has no blocks"));
  EXPECT_THAT(errors_of("- a\n"), HasSubstr("a workload must be a map"));
  EXPECT_THAT(errors_of("workload: w\nphase: trainning\ndims: {}\nblocks: []\n"),
              HasSubstr("did you mean 'training'?"));
}

TEST(WorkloadYaml, unused_dims_and_blocks_are_doubts) {
  const auto read = read_workload(
      "workload: w\ndims: {a: 1, b: 2}\nblocks:\n  - {name: p, ops: [{relu: \"x[a] -> y[a]\"}]}\n"
      "  - {name: q, ops: []}\nsequence: [p]\n",
      "w");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->warnings.size(), 2u);
  EXPECT_EQ(read->warnings[0].what, "no tensor has the dimension 'b'");
  EXPECT_EQ(read->warnings[1].what, "the sequence leaves out block 'q'");
}

}  // namespace
}  // namespace fastpath
