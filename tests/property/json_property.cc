// Round trips of the nouns' JSON: random values in every field.
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "ir/json.h"
#include "ir/names.h"

namespace fastpath {
namespace {

double any_number() {
  const double value = std::bit_cast<double>(*rc::gen::arbitrary<std::uint64_t>());
  return std::isfinite(value) ? value : 0.0;
}

template <class Q>
Q any_quantity() {
  return Q{any_number()};
}

std::string any_text() {
  return *rc::gen::elementOf(
      std::vector<std::string>{"", "layer", "\"q\"", "a\nb\t", "\\", "\xC2\xB5"});
}

template <class E>
E any_name() {
  const auto names = names_of(E{});
  return names[*rc::gen::inRange<std::size_t>(0, names.size())].second;
}

std::size_t few() { return *rc::gen::inRange<std::size_t>(0, 4); }
std::int64_t any_count() { return *rc::gen::inRange<std::int64_t>(1, 1'000'000'000'000); }
bool any_bool() { return *rc::gen::arbitrary<bool>(); }

OpShape any_shape() {
  OpShape shape;
  shape.kind = any_name<OpKind>();
  shape.compute_format = any_name<NumberFormat>();
  shape.work = any_quantity<Flops>();
  for (Bytes* bytes : {&shape.read, &shape.write, &shape.weights})
    *bytes = any_quantity<Bytes>();
  for (double* number :
       {&shape.m, &shape.n, &shape.k, &shape.batch, &shape.group, &shape.steps, &shape.launches}) {
    *number = any_number();
  }
  shape.winograd = any_bool();
  shape.fused = any_bool();
  return shape;
}

std::vector<Task> any_tasks(std::uint32_t ops) {
  std::vector<Task> tasks(few());
  for (std::uint32_t i = 0; i < tasks.size(); ++i) {
    Task& task = tasks[i];
    task.op = any_bool() ? kWholeBlock : *rc::gen::inRange<std::uint32_t>(0, ops);
    task.pass = any_name<Pass>();
    task.collective = any_name<Collective>();
    task.axis = any_name<MeshAxis>();
    task.group = {any_count(), any_count()};
    task.payload = any_quantity<Bytes>();
    task.shape = any_shape();
    task.replication = any_number();
    task.copy = any_name<HostCopy>();
    if (i > 0) task.after = {i - 1};
  }
  return tasks;
}

RC_GTEST_PROP(Json, a_program_round_trips, ()) {
  Program program;
  program.workload = any_text();
  program.phase = any_name<Phase>();
  program.plan.tensor_parallel = *rc::gen::inRange(1, 64);
  program.micro_batches = any_count();
  program.local_batch = any_count();
  program.blocks.resize(1 + few());
  for (BlockProgram& block : program.blocks) {
    program.block_names.push_back(any_text());
    program.op_names.push_back({any_text(), any_text()});
    block.block = *rc::gen::arbitrary<std::uint32_t>();
    block.forward = any_tasks(2);
    block.backward = any_tasks(2);
    block.gathers = any_tasks(2);
    block.regathers = any_tasks(1);
    block.scatters = any_tasks(1);
    block.memory = {
        any_quantity<Bytes>(), any_number(),          any_number(),          any_number(),
        any_number(),          any_quantity<Bytes>(), any_quantity<Bytes>(), any_quantity<Bytes>(),
        any_quantity<Bytes>(), any_number(),          any_quantity<Bytes>(), any_number(),
        any_number(),          any_number(),          any_quantity<Flops>(), any_quantity<Bytes>(),
        any_quantity<Bytes>(), any_quantity<Bytes>(), any_quantity<Bytes>(), any_quantity<Bytes>()};
  }
  program.stages.resize(few());
  for (Stage& stage : program.stages) {
    stage.blocks = {{static_cast<std::uint32_t>(program.blocks.size() - 1), any_count(),
                     any_name<SegmentUse>()}};
    stage.send = any_quantity<Bytes>();
    stage.update = any_tasks(1);
  }
  for (Group& group : program.groups)
    group = {any_count(), any_count()};
  const std::string text = to_json_text(program);
  const auto read = program_from_json(text, "f");
  if (!read) RC_LOG() << text << read.error()[0].what;
  RC_ASSERT(read.has_value());
  RC_ASSERT(to_json_text(*read) == text);
  RC_ASSERT(read->plan == program.plan);
}

RC_GTEST_PROP(Json, a_prediction_round_trips, ()) {
  Prediction prediction;
  prediction.phase = any_name<Phase>();
  prediction.step = {any_quantity<Seconds>(), any_quantity<Seconds>(), any_quantity<Seconds>()};
  for (Seconds& time : prediction.by_bound)
    time = any_quantity<Seconds>();
  prediction.model_work = any_quantity<Flops>();
  prediction.mfu = any_number();
  prediction.item = any_text();
  prediction.devices = any_count();
  prediction.memory.resize(few());
  for (MemoryByClass& memory : prediction.memory)
    memory.cache = any_quantity<Bytes>();
  if (any_bool())
    prediction.out_of_memory = {3,
                                any_quantity<Bytes>(),
                                any_quantity<Bytes>(),
                                {{any_text(), any_quantity<Bytes>(), any_quantity<Seconds>()}}};
  if (any_bool()) prediction.energy = any_quantity<Joules>();
  if (any_bool()) prediction.cost = any_quantity<Dollars>();
  prediction.operators.resize(few());
  for (OperatorRow& row : prediction.operators) {
    row = {any_text(),           any_text(),   any_name<Pass>(),        any_name<Collective>(),
           any_name<Bound>(),    any_number(), any_quantity<Seconds>(), any_quantity<Flops>(),
           any_quantity<Bytes>()};
  }
  prediction.elasticities.resize(few());
  for (Elasticity& elasticity : prediction.elasticities)
    elasticity = {any_text(), any_number()};
  const std::string text = to_json_text(prediction);
  const auto read = prediction_from_json(text, "f");
  RC_ASSERT(read.has_value());
  RC_ASSERT(to_json_text(*read) == text);
  RC_ASSERT(read->step.low == prediction.step.low);
  RC_ASSERT(read->cost == prediction.cost);
}

RC_GTEST_PROP(Json, a_timeline_round_trips, ()) {
  Timeline timeline;
  timeline.origin = any_name<Origin>();
  timeline.names = {any_text(), any_text()};
  timeline.lanes = {{any_text(), any_text()}};
  timeline.dropped = any_count();
  Picoseconds start = -1000;
  for (std::size_t i = few(); i > 0; --i) {
    start += *rc::gen::inRange<Picoseconds>(0, 1'000'000'000'000'000);
    timeline.spans.push_back({0, 1, 0, start, any_count(), any_name<Bound>()});
    timeline.edges.push_back({0, static_cast<std::uint32_t>(timeline.spans.size() - 1)});
    timeline.counters.push_back({1, 0, start, any_number()});
  }
  const std::string text = to_json_text(timeline);
  const auto read = timeline_from_json(text, "f");
  RC_ASSERT(read.has_value());
  RC_ASSERT(to_json_text(*read) == text);
}

RC_GTEST_PROP(Json, findings_round_trip, ()) {
  Findings findings;
  findings.title = any_text();
  findings.notes = {any_text()};
  findings.tables.resize(few());
  for (Table& table : findings.tables) {
    table.name = any_text();
    table.columns = {{any_text(), static_cast<Unit>(*rc::gen::inRange(0, 13))}, {"x", Unit::none}};
    for (std::size_t i = few(); i > 0; --i)
      table.rows.push_back({any_bool() ? Cell{any_number()} : Cell{}, any_text()});
  }
  const std::string text = to_json_text(findings);
  const auto read = findings_from_json(text, "f");
  RC_ASSERT(read.has_value());
  RC_ASSERT(to_json_text(*read) == text);
}

}  // namespace
}  // namespace fastpath
