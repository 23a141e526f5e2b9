#include "analyze/prediction_findings.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyze/figure.h"

namespace fastpath {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

struct Sample {
  Prediction prediction;
  Workload workload;
  System system;
  Plan plan;

  Sample() {
    workload.name = "model";
    system.id = "box";
    Peak peak{.format = NumberFormat::bf16, .rate = {}, .achieved = {}};
    peak.rate.value = FlopsPerSecond{1e15};
    peak.rate.source.cite = "sheet";
    system.device.peaks = {peak};
    plan.data_parallel = 2;
    prediction.phase = Phase::training;
    prediction.step = {Seconds{2}, Seconds{1.5}, Seconds{2.5}};
    prediction.by_bound = {Seconds{1.25}, Seconds{0.5}, {}, Seconds{0.25}, {}, {}};
    prediction.model_work = Flops{2e15};
    prediction.mfu = 0.5;
    prediction.devices = 2;
    prediction.items_per_second = 100;
    prediction.memory.assign(4, {.weights = Bytes{10},
                                 .gradients = {},
                                 .optimizer = Bytes{30},
                                 .activations = {},
                                 .cache = {},
                                 .workspace = {},
                                 .overhead = {}});
    prediction.memory[3].weights = Bytes{20};
    OperatorRow op{.block = "layer",
                   .op = "up",
                   .count = 4,
                   .time = Seconds{1},
                   .work = Flops{1e15},
                   .traffic = Bytes{1e9}};
    OperatorRow reduce = op;
    reduce.collective = Collective::all_reduce;
    reduce.op = "down";
    prediction.operators = {op, reduce};
    prediction.elasticities = {{"peak", -0.5}};
  }

  PredictedCase view() const { return {prediction, workload, system, plan, "dp=2"}; }
};

const Table& table(const Findings& findings, std::string_view name) {
  for (const Table& candidate : findings.tables) {
    if (candidate.name == name) return candidate;
  }
  ADD_FAILURE() << "no table " << name;
  static const Table none;
  return none;
}

double sum_of(const Table& table, std::string_view column, std::size_t rows) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const Column& c) { return c.name == column; });
  const auto index = static_cast<std::size_t>(found - table.columns.begin());
  double sum = 0;
  for (std::size_t r = 0; r < rows; ++r)
    sum += std::get<double>(table.rows[r][index]);
  return sum;
}

TEST(ExplainPrediction, shares_by_bound_add_up_to_the_step) {
  const Sample sample;
  const Findings findings = explain_prediction(sample.view());
  const Table& bounds = table(findings, "time_by_bound");
  EXPECT_DOUBLE_EQ(sum_of(bounds, "time", bounds.rows.size()), 2);
  EXPECT_DOUBLE_EQ(sum_of(bounds, "share", bounds.rows.size()), 1);
}

TEST(ExplainPrediction, every_row_has_a_cell_for_every_column) {
  const Sample sample;
  for (const Table& t : explain_prediction(sample.view()).tables) {
    for (const auto& row : t.rows)
      EXPECT_EQ(row.size(), t.columns.size()) << t.name;
  }
}

TEST(ExplainPrediction, operators_and_collectives_are_apart) {
  const Sample sample;
  const Findings findings = explain_prediction(sample.view());
  EXPECT_EQ(table(findings, "operators").rows.size(), 1U);
  EXPECT_EQ(table(findings, "collectives").rows.size(), 1U);
}

TEST(ExplainPrediction, equal_ranks_share_a_row_of_memory) {
  const Sample sample;
  const Findings findings = explain_prediction(sample.view());
  const Table& memory = table(findings, "memory");
  ASSERT_EQ(memory.rows.size(), 2U);
  EXPECT_EQ(std::get<std::string>(memory.rows[0][0]), "0 to 2");
  EXPECT_EQ(std::get<std::string>(memory.rows[1][0]), "3");
  EXPECT_EQ(memory.columns.size(), 4U) << "rank, weights, optimizer, total";
}

TEST(ExplainPrediction, what_does_not_fit_says_by_how_much_and_what_helps) {
  Sample sample;
  sample.prediction.out_of_memory = OutOfMemory{3, Bytes{50}, Bytes{40}, {}};
  const Findings findings = explain_prediction(sample.view());
  EXPECT_DOUBLE_EQ(sum_of(table(findings, "memory_shortage"), "missing", 1), 10);
  EXPECT_THAT(findings.notes, Contains(HasSubstr("zero=1")));
}

TEST(ExplainPrediction, what_is_not_known_is_said_not_printed_as_zero) {
  const Sample sample;
  const Findings findings = explain_prediction(sample.view());
  EXPECT_THAT(findings.notes, Contains(HasSubstr("No energy")));
  EXPECT_THAT(findings.notes, Contains(HasSubstr("No cost")));
}

TEST(WaysToSaveMemory, start_with_the_largest_class_and_skip_what_is_done_already) {
  const MemoryByClass memory{.weights = Bytes{1},
                             .gradients = {},
                             .optimizer = Bytes{5},
                             .activations = Bytes{9},
                             .cache = {},
                             .workspace = {},
                             .overhead = {}};
  Plan plan;
  EXPECT_THAT(ways_to_save_memory(memory, plan, Phase::training).front(), HasSubstr("recompute"));
  plan.recompute = Recompute::full;
  for (const std::string& way : ways_to_save_memory(memory, plan, Phase::training))
    EXPECT_THAT(way, ::testing::Not(HasSubstr("recompute")));
}

TEST(ComparePredictions, changes_by_bound_add_up_to_the_change_of_the_step) {
  const Sample first;
  Sample second;
  second.prediction.step = {Seconds{1}, {}, {}};
  second.prediction.by_bound = {Seconds{0.5}, Seconds{0.5}, {}, {}, {}, {}};
  const Findings findings = compare_predictions({first.view(), second.view()}, {"a", "b"});
  const Table& difference = table(findings, "difference");
  EXPECT_DOUBLE_EQ(sum_of(difference, "b_change", kBounds), -1);
  EXPECT_DOUBLE_EQ(std::get<double>(difference.rows.back()[3]), -1);
}

TEST(ExplainFigure, every_named_figure_is_explained_or_said_to_be_missing) {
  const Sample sample;
  for (const std::string& figure : figure_names(sample.prediction)) {
    const auto terms = explain_figure(sample.view(), figure);
    if (!terms) {
      EXPECT_THAT(terms.error().front().what, HasSubstr("there is no")) << figure;
    } else {
      ASSERT_FALSE(terms->empty()) << figure;
      EXPECT_EQ(terms->front().depth, 0);
    }
  }
}

TEST(ExplainFigure, mfu_names_the_peak_and_its_source) {
  const Sample sample;
  const auto terms = explain_figure(sample.view(), "mfu");
  ASSERT_TRUE(terms);
  EXPECT_EQ(terms->back().name, "dense peak, bf16");
  EXPECT_EQ(terms->back().source.cite, "sheet");
}

TEST(ExplainFigure, an_unknown_figure_gets_the_nearest) {
  const Sample sample;
  const auto terms = explain_figure(sample.view(), "operator:layer/ip");
  ASSERT_FALSE(terms);
  EXPECT_THAT(terms.error().front().hint, HasSubstr("operator:layer/up"));
}

}  // namespace
}  // namespace fastpath
