#include "import/execution/read.h"

#include <string>

#include <gmock/gmock.h>

#include "import/execution/values.h"

namespace fastpath {
namespace {

using testing::ElementsAre;

/// Protocol buffers, as far as a trace needs them.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string number(int field, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(field) << 3) + varint(value);
}

std::string bytes(int field, const std::string& value) {
  return varint((static_cast<std::uint64_t>(field) << 3) | 2) + varint(value.size()) + value;
}

std::string attribute(const std::string& name, int form, std::uint64_t value) {
  return bytes(10, bytes(1, name) + number(form, value));
}

std::string message(const std::string& content) { return varint(content.size()) + content; }

constexpr int kComputes = 4;
constexpr int kCollective = 7;

std::string node(std::uint64_t id, const std::string& name, int type, const std::string& rest) {
  return message(number(1, id) + bytes(2, name) + number(3, static_cast<std::uint64_t>(type)) +
                 rest);
}

std::string metadata() { return message(bytes(1, "0.0.4")); }

RecordedProgram program_of(const std::string& text, Diagnostics& warnings,
                           const std::string& name = "step.0.et") {
  auto file = parse_execution_trace(text, name);
  EXPECT_TRUE(file.has_value());
  if (!file) return {};
  std::vector<ExecutionFile> files;
  files.push_back(std::move(file->value));
  return recorded_program(std::move(files), warnings);
}

TEST(execution_trace, nodes_of_chakra_become_tasks_that_wait_for_each_other) {
  const std::string on_device = attribute("is_cpu_op", 27, 0);
  const std::string text =
      metadata() + node(1, "counted", kComputes, on_device + attribute("num_ops", 9, 1'000'000)) +
      node(2, "kernel", kComputes, on_device + bytes(5, varint(1)) + number(7, 30)) +
      node(3, "sum", kCollective,
           on_device + number(5, 2) + attribute("comm_type", 9, 0) +
               attribute("comm_size", 13, 4096));
  Diagnostics warnings;
  const RecordedProgram recorded = program_of(text, warnings, "job.7.et");
  ASSERT_EQ(recorded.ranks.size(), 1);
  EXPECT_EQ(recorded.ranks[0].rank, 7);
  const auto& tasks = recorded.program.blocks[0].forward;
  const auto& known = recorded.ranks[0].tasks;
  ASSERT_EQ(tasks.size(), 3);
  EXPECT_EQ(known[0].source, TimeSource::counts);
  EXPECT_EQ(tasks[0].shape.work, Flops{1e6});
  EXPECT_EQ(known[1].source, TimeSource::measured);
  EXPECT_DOUBLE_EQ(known[1].measured.base(), 30e-6);
  EXPECT_THAT(tasks[1].after, ElementsAre(0));
  EXPECT_EQ(tasks[2].collective, Collective::all_reduce);
  EXPECT_EQ(tasks[2].payload, Bytes{4096});
  EXPECT_THAT(tasks[2].after, ElementsAre(1));
  EXPECT_TRUE(warnings.empty());
}

TEST(execution_trace, nodes_in_any_order_follow_what_they_wait_for) {
  const std::string text = metadata() + node(5, "second", kComputes, number(5, 9) + number(7, 1)) +
                           node(9, "first", kComputes, number(7, 1));
  Diagnostics warnings;
  const RecordedProgram recorded = program_of(text, warnings);
  EXPECT_EQ(recorded.program.op_names[0][recorded.program.blocks[0].forward[0].op], "first");
  EXPECT_THAT(recorded.program.blocks[0].forward[1].after, ElementsAre(0));
}

TEST(execution_trace, circles_are_cut_and_told) {
  const std::string text = metadata() + node(1, "a", kComputes, number(5, 2) + number(7, 1)) +
                           node(2, "b", kComputes, number(5, 1) + number(7, 1));
  Diagnostics warnings;
  const RecordedProgram recorded = program_of(text, warnings);
  EXPECT_EQ(recorded.ranks[0].tasks.size(), 2);
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_EQ(warnings[0].what, "2 nodes wait for each other in a circle");
}

TEST(execution_trace, whole_nodes_of_a_cut_file_are_kept) {
  const std::string whole = metadata() + node(1, "a", kComputes, number(7, 1));
  const std::string text = whole + node(2, "b", kComputes, number(7, 1)).substr(0, 5);
  Diagnostics warnings;
  const RecordedProgram recorded = program_of(text, warnings);
  EXPECT_EQ(recorded.ranks[0].tasks.size(), 1);
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_EQ(warnings[0].what, "is broken or cut off: its whole nodes are kept");
}

std::string pytorch(const std::string& nodes) {
  return R"({"schema": "1.1.0-chakra.0.0.4", "nodes": [)" + nodes + "]}";
}

std::string values(const std::string& tensors, const std::string& shapes,
                   const std::string& types) {
  return R"({"values": [)" + tensors + R"(], "shapes": [)" + shapes + R"(], "types": [)" + types +
         "]}";
}

constexpr const char* kMatrix = R"([1, 10, 0, 4096, 2, "cuda:0"])";
constexpr const char* kOther = R"([2, 20, 0, 4096, 2, "cuda:0"])";
constexpr const char* kResult = R"([3, 30, 0, 4096, 2, "cuda:0"])";
constexpr const char* kHalf = "\"Tensor(c10::BFloat16)\"";

std::string op(int id, int parent, const std::string& name, const std::string& in,
               const std::string& out) {
  return R"({"id": )" + std::to_string(id) + R"(, "name": ")" + name + R"(", "ctrl_deps": )" +
         std::to_string(parent) + R"(, "inputs": )" + in + R"(, "outputs": )" + out +
         R"(, "attrs": [{"name": "op_schema", "type": "string", "value": "x"}]})";
}

std::string two_in() {
  return values(std::string(kMatrix) + "," + kOther, "[64,64],[64,64]",
                std::string(kHalf) + "," + kHalf);
}

std::string one(const std::string& tensor) { return values(tensor, "[64,64]", kHalf); }

TEST(execution_trace, operators_of_pytorch_stand_for_what_is_inside_them) {
  const std::string text =
      pytorch(op(2, 1, "aten::linear", two_in(), one(kResult)) + "," +
              op(3, 2, "aten::t", one(kOther), one(kOther)) + "," +
              op(4, 2, "aten::mm", two_in(), one(kResult)) + "," +
              op(5, 1, "aten::relu", one(kResult), one(R"([4, 40, 0, 4096, 2, "cuda:0"])")) + "," +
              op(6, 1, "own::thing", one(kMatrix), one(R"([5, 50, 0, 4096, 2, "cuda:0"])")));
  Diagnostics warnings;
  const RecordedProgram recorded = program_of(text, warnings, "rank3.json");
  EXPECT_EQ(recorded.ranks[0].rank, 3);
  EXPECT_EQ(recorded.folded, 2);
  const auto& tasks = recorded.program.blocks[0].forward;
  ASSERT_EQ(tasks.size(), 3);
  EXPECT_EQ(tasks[0].shape.kind, OpKind::matmul);
  EXPECT_EQ(tasks[0].shape.work, Flops{2.0 * 64 * 64 * 64});
  EXPECT_THAT(tasks[1].after, ElementsAre(0));
  EXPECT_TRUE(tasks[2].after.empty());
  EXPECT_EQ(recorded.ranks[0].tasks[2].source, TimeSource::traffic);
  EXPECT_EQ(tasks[2].shape.read, Bytes{8192});
  ASSERT_EQ(recorded.uncertain.size(), 1);
  EXPECT_EQ(recorded.uncertain[0].name, "own::thing");
}

TEST(execution_trace, a_gradient_of_a_convolution_is_two_products) {
  const std::string in = values(
      R"([1, 1, 0, 1, 2, "cuda:0"],[2, 2, 0, 1, 2, "cuda:0"],[3, 3, 0, 1, 2, "cuda:0"],[8],)"
      "[2,2],[1,1],[1,1],false,[0,0],1,[true,true,false]",
      "[4,8,16,16],[4,3,32,32],[8,3,3,3],[[]],[[],[]],[[],[]],[[],[]],[],[[],[]],[],[[],[],[]]",
      std::string(kHalf) + "," + kHalf + "," + kHalf +
          R"(,"GenericList[Int]","GenericList[Int,Int]","GenericList[Int,Int]",)"
          R"("GenericList[Int,Int]","Bool","GenericList[Int,Int]","Int",)"
          R"("GenericList[Bool,Bool,Bool]")");
  const std::string text = pytorch(op(2, 1, "aten::convolution_backward", in, one(kResult)));
  Diagnostics warnings;
  const RecordedProgram recorded = program_of(text, warnings, "et.json");
  const auto& tasks = recorded.program.blocks[0].forward;
  ASSERT_EQ(tasks.size(), 2);
  const Flops forward{2.0 * 4 * 16 * 16 * 8 * 27};
  EXPECT_EQ(tasks[0].shape.work, forward);
  EXPECT_EQ(tasks[1].shape.work, forward);
  EXPECT_EQ(tasks[1].shape.k, 4 * 16 * 16);
  EXPECT_THAT(tasks[1].after, ElementsAre(0));
}

TEST(execution_trace, lists_of_python_are_read) {
  EXPECT_EQ(json_of_python("[[5, 'a\"b'], None, True, (1, 2)]"),
            R"([[5, "a\"b"], null, true, [1, 2]])");
  const auto read = read_node_values("[[5, 6, 0, 8, 2, 'cuda:0'], 3]", "[[2, 4], []]",
                                     "['Tensor(c10::Half)', 'Int']");
  ASSERT_EQ(read.size(), 2);
  EXPECT_EQ(read[0].storage, 6);
  EXPECT_EQ(read[0].bytes, Bytes{16});
  EXPECT_THAT(read[1].numbers, ElementsAre(3.0));
}

TEST(execution_trace, other_files_are_refused) {
  EXPECT_FALSE(parse_execution_trace(R"({"traceEvents": []})", "x.json").has_value());
  EXPECT_FALSE(parse_execution_trace("{\"nodes\": [", "x.json").has_value());
  EXPECT_FALSE(parse_execution_trace("\x7f garbage", "x.et").has_value());
}

}  // namespace
}  // namespace fastpath
