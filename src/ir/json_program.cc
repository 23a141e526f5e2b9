#include <algorithm>

#include "ir/json.h"
#include "ir/json_archive.h"
#include "ir/plan_text.h"

namespace fastpath {
namespace {

constexpr std::string_view kSchema = "fastpath.program/1";

}  // namespace

template <class A, Describes<Group> T>
void describe(A& archive, T& group) {
  auto& [size, stride] = group;
  archive("size", size);
  archive("stride", stride);
}

template <class A, Describes<OpShape> T>
void describe(A& archive, T& shape) {
  auto& [kind, format, work, read, write, weights, m, n, k, batch, group, steps, winograd, im2col,
         summed, division, launches, fused] = shape;
  archive("kind", kind);
  archive("compute_format", format);
  archive("work_FLOP", work);
  archive("read_B", read);
  archive("write_B", write);
  archive("weights_B", weights);
  archive("m", m);
  archive("n", n);
  archive("k", k);
  archive("batch", batch);
  archive("group", group);
  archive("steps", steps);
  archive("winograd", winograd);
  archive("im2col", im2col);
  archive("summed_B", summed);
  archive("division", division);
  archive("launches", launches);
  archive("fused", fused);
}

template <class A, Describes<Task> T>
void describe(A& archive, T& task) {
  auto& [op, pass, collective, axis, group, payload, shape, replication, after, copy] = task;
  archive("op", op);
  archive("pass", pass);
  archive("collective", collective);
  archive("axis", axis);
  archive("group", group);
  archive("payload_B", payload);
  archive("shape", shape);
  archive("replication", replication);
  archive("after", after);
  archive("copy", copy);
}

template <class A, Describes<BlockMemory> T>
void describe(A& archive, T& memory) {
  auto& [weights, parameters, expert, partial, distinct, tied, expert_weights, trained,
         trained_expert, tables, table_weights, matrix, expert_matrix, matrices, orthogonalisation,
         saved, working, boundary, cache, offloaded] = memory;
  archive("weights_B", weights);
  archive("parameters", parameters);
  archive("expert_parameters", expert);
  archive("tensor_partial_parameters", partial);
  archive("distinct_parameters", distinct);
  archive("tied_weights_B", tied);
  archive("expert_weights_B", expert_weights);
  archive("trained_weights_B", trained);
  archive("trained_expert_weights_B", trained_expert);
  archive("table_parameters", tables);
  archive("table_weights_B", table_weights);
  archive("matrix_parameters", matrix);
  archive("expert_matrix_parameters", expert_matrix);
  archive("matrices", matrices);
  archive("orthogonalisation_FLOP", orthogonalisation);
  archive("saved_B", saved);
  archive("working_B", working);
  archive("boundary_B", boundary);
  archive("cache_B", cache);
  archive("offloaded_B", offloaded);
}

template <class A, Describes<BlockProgram> T>
void describe(A& archive, T& program) {
  auto& [block, forward, backward, gathers, regathers, scatters, memory] = program;
  archive("block", block);
  archive("forward", forward);
  archive("backward", backward);
  archive("gathers", gathers);
  archive("regathers", regathers);
  archive("scatters", scatters);
  archive("memory", memory);
}

template <class A, Describes<StageBlock> T>
void describe(A& archive, T& block) {
  auto& [program, repeat, use] = block;
  archive("program", program);
  archive("repeat", repeat);
  archive("use", use);
}

template <class A, Describes<Stage> T>
void describe(A& archive, T& stage) {
  auto& [blocks, send, update] = stage;
  archive("blocks", blocks);
  archive("send_B", send);
  archive("update", update);
}

using Groups = std::array<Group, kMeshAxes>;

template <class A, Describes<Groups> T>
void describe(A& archive, T& groups) {
  for (const auto& [name, axis] : names_of(MeshAxis{}))
    archive(name.data(), groups[static_cast<std::size_t>(axis)]);
}

/// The plan is in its words. JsonIn and JsonOut differ here: the text is not the field itself.
void describe_plan(JsonOut& archive, const Plan& plan) { archive("plan", write_plan(plan)); }

void describe_plan(JsonIn& archive, Plan& plan) {
  std::string text;
  archive("plan", text);
  const auto parsed = parse_plan(text, Place{});
  if (parsed) {
    plan = *parsed;
    return;
  }
  for (const Diagnostic& mistake : parsed.error())
    archive.mistakes().add(JsonPath{&archive.path(), "plan", 0}, mistake.what, mistake.hint);
}

template <class A, Describes<Program> T>
void describe(A& archive, T& program) {
  auto& [workload, phase, plan, micro_batches, local_batch, blocks, block_names, op_names, stages,
         groups] = program;
  archive("workload", workload);
  archive("phase", phase);
  describe_plan(archive, plan);
  archive("micro_batches", micro_batches);
  archive("local_batch", local_batch);
  archive("blocks", blocks);
  archive("block_names", block_names);
  archive("op_names", op_names);
  archive("stages", stages);
  archive("groups", groups);
}

namespace {

class ProgramCheck {
 public:
  ProgramCheck(const Program& program, JsonMistakes& mistakes)
      : program_(program), mistakes_(mistakes) {}

  void check() {
    const JsonPath blocks{&root_, "blocks", 0};
    const bool parallel = program_.block_names.size() == program_.blocks.size() &&
                          program_.op_names.size() == program_.blocks.size();
    if (!parallel) mistakes_.add(root_, "blocks, block_names and op_names differ in length");
    for (std::size_t i = 0; parallel && i < program_.blocks.size(); ++i) {
      const JsonPath path{&blocks, {}, i};
      const std::size_t ops = program_.op_names[i].size();
      check_tasks(program_.blocks[i].forward, ops, path, "forward");
      check_tasks(program_.blocks[i].backward, ops, path, "backward");
      check_tasks(program_.blocks[i].gathers, ops, path, "gathers");
      check_tasks(program_.blocks[i].regathers, ops, path, "regathers");
      check_tasks(program_.blocks[i].scatters, ops, path, "scatters");
    }
    check_stages();
  }

 private:
  void check_tasks(const std::vector<Task>& tasks, std::size_t ops, const JsonPath& parent,
                   std::string_view key) {
    const JsonPath list{&parent, key, 0};
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const JsonPath path{&list, {}, i};
      if (tasks[i].op >= ops && tasks[i].op != kWholeBlock) {
        mistakes_.add(path, "op is not one of op_names");
      }
      const auto later = [i](std::uint32_t before) { return before >= i; };
      if (std::any_of(tasks[i].after.begin(), tasks[i].after.end(), later)) {
        mistakes_.add(path, "a task may only come after earlier tasks of its list");
      }
      if (tasks[i].group.size < 1 || tasks[i].group.stride < 1) {
        mistakes_.add(path, "size and stride of a group are at least 1");
      }
    }
  }

  void check_stages() {
    const JsonPath stages{&root_, "stages", 0};
    for (std::size_t i = 0; i < program_.stages.size(); ++i) {
      const JsonPath stage{&stages, {}, i};
      const JsonPath blocks{&stage, "blocks", 0};
      for (std::size_t j = 0; j < program_.stages[i].blocks.size(); ++j) {
        const StageBlock& block = program_.stages[i].blocks[j];
        const JsonPath path{&blocks, {}, j};
        if (block.program >= program_.blocks.size()) mistakes_.add(path, "no such block");
        if (block.repeat < 1) mistakes_.add(path, "repeat is below 1");
      }
      check_tasks(program_.stages[i].update, kWholeBlock, stage, "update");
    }
  }

  const Program& program_;
  JsonMistakes& mistakes_;
  JsonPath root_;
};

}  // namespace

std::string to_json_text(const Program& program) {
  return document_text(kSchema, JsonOut::value(program), 1);
}

Result<Program> program_from_json(std::string_view text, const std::string& file) {
  return read_document<Program>(text, file, kSchema,
                                [](const Program& program, JsonMistakes& mistakes) {
                                  ProgramCheck(program, mistakes).check();
                                });
}

}  // namespace fastpath
