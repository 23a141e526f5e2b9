#include "ir/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

template <class T>
std::string errors_of(const Result<T>& result) {
  std::string messages;
  if (result) return messages;
  for (const Diagnostic& diagnostic : result.error())
    messages += format_diagnostic(diagnostic, "error") + "\n";
  return messages;
}

Prediction prediction() {
  Prediction prediction;
  prediction.phase = Phase::training;
  prediction.step = {Seconds{0.1}, Seconds{0.09}, Seconds{0.12}};
  prediction.by_bound[2] = Seconds{0.1};
  prediction.memory.emplace_back().weights = Bytes{1e9};
  OperatorRow& row = prediction.operators.emplace_back();
  row.op = "up";
  row.time = Seconds{1.0 / 3};
  prediction.energy = Joules{12};
  return prediction;
}

Program program() {
  Program program;
  program.workload = "w";
  program.plan.tensor_parallel = 8;
  program.blocks.emplace_back().forward.resize(2);
  program.blocks[0].forward[1].op = kWholeBlock;
  program.blocks[0].forward[1].after = {0};
  program.block_names = {"layer"};
  program.op_names = {{"up"}};
  program.stages.emplace_back().blocks.push_back({0, 32, SegmentUse::executed});
  return program;
}

Timeline timeline() {
  Timeline timeline;
  timeline.names = {"up", "compute"};
  timeline.lanes = {{"rank 0", "compute"}};
  timeline.spans = {{0, 0, 1, 5, 10, Bound::memory}, {0, 0, 1, 15, 10, Bound::compute}};
  timeline.edges = {{0, 1}};
  timeline.counters = {{1, 0, 5, 0.5}};
  timeline.notes = {"a note"};
  return timeline;
}

Findings findings() {
  Findings findings;
  findings.title = "t";
  findings.tables = {{"bound",
                      "Bound",
                      {{"name", Unit::none}, {"time", Unit::seconds}},
                      {{std::string("compute"), 0.1}, {Cell{}, 1e-12}}}};
  return findings;
}

TEST(Json, each_noun_round_trips) {
  const std::string p = to_json_text(prediction());
  EXPECT_EQ(to_json_text(prediction_from_json(p, "p").value()), p);
  const std::string g = to_json_text(program());
  EXPECT_EQ(to_json_text(program_from_json(g, "g").value()), g);
  const std::string t = to_json_text(timeline());
  EXPECT_EQ(to_json_text(timeline_from_json(t, "t").value()), t);
  const std::string f = to_json_text(findings());
  EXPECT_EQ(to_json_text(findings_from_json(f, "f").value()), f);
}

TEST(Json, keys_carry_units_and_the_schema_comes_first) {
  const std::string text = to_json_text(prediction());
  EXPECT_TRUE(text.starts_with("{\n  \"schema\": \"fastpath.prediction/1\",")) << text;
  for (const char* key : {"step_s", "by_bound_s", "weights_B", "model_work_FLOP", "energy_J"})
    EXPECT_THAT(text, HasSubstr(key));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("cost_USD")));
}

TEST(Json, a_syntax_error_has_its_place) {
  EXPECT_THAT(errors_of(prediction_from_json("{\"a\": 1,\n  ]", "p.json")),
              HasSubstr("p.json:2:3: error: this is not JSON: syntax error"));
  EXPECT_THAT(errors_of(prediction_from_json("", "p.json")), HasSubstr("p.json:1:1: error"));
  EXPECT_THAT(errors_of(prediction_from_json("\"\xff\"", "p.json")), HasSubstr("this is not JSON"));
}

TEST(Json, mistakes_have_place_and_path_all_at_once) {
  std::string text = to_json_text(prediction());
  const auto change = [&](const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, text.npos) << from;
    text.replace(at, from.size(), to);
  };
  change("\"phase\": \"training\"", "\"phase\": \"traning\"");
  change("\"low\": 0.09", "\"low\": \"x\"");
  change("\"devices\": 1,", "\"devices\": 1.5, \"devcies\": 1,");
  change("\"op\": \"up\"", "\"op\": 3");
  EXPECT_EQ(errors_of(prediction_from_json(text, "p.json")),
            "p.json:1:1: error: unknown key 'devcies'\n  hint: did you mean 'devices'?\n"
            "p.json:3:12: error: phase: unknown value 'traning'\n"
            "  hint: did you mean 'training'?\n"
            "p.json:6:12: error: step_s.low: expected a number\n"
            "p.json:23:14: error: devices: expected a whole number\n"
            "p.json:41:13: error: operators[0].op: expected a text\n");
}

TEST(Json, another_schema_is_refused) {
  EXPECT_THAT(errors_of(prediction_from_json(to_json_text(findings()), "f.json")),
              HasSubstr("hint: expected fastpath.prediction/1"));
  EXPECT_THAT(errors_of(prediction_from_json("[]", "f.json")), HasSubstr("names no schema"));
}

TEST(Json, indexes_stay_inside) {
  Timeline wrong = timeline();
  wrong.spans[0].lane = 7;
  wrong.spans[1].start = 1;
  wrong.edges[0].to = 2;
  EXPECT_EQ(errors_of(timeline_from_json(to_json_text(wrong), "t")),
            "t:1:155: error: spans.lane[0]: the index is out of range\n"
            "t:1:204: error: spans.start_ps[1]: spans must be in the order of their starts\n"
            "t:1:285: error: edges.to[0]: the index is out of range\n");
  Program program_of_later = program();
  program_of_later.blocks[0].forward[0].after = {1};
  program_of_later.blocks[0].forward[1].op = 3;
  program_of_later.stages[0].blocks[0].program = 1;
  const std::string messages = errors_of(program_from_json(to_json_text(program_of_later), "g"));
  EXPECT_THAT(messages, HasSubstr("blocks[0].forward[0]: a task may only come after earlier"));
  EXPECT_THAT(messages, HasSubstr("blocks[0].forward[1]: op is not one of op_names"));
  EXPECT_THAT(messages, HasSubstr("stages[0].blocks[0]: no such block"));
}

TEST(Json, depth_is_limited_and_bytes_are_made_text) {
  EXPECT_THAT(errors_of(findings_from_json(std::string(100'000, '['), "f")), HasSubstr("deeper"));
  Findings odd = findings();
  odd.title = "\xff";
  EXPECT_EQ(findings_from_json(to_json_text(odd), "f").value().title, "\uFFFD");
}

}  // namespace
}  // namespace fastpath
