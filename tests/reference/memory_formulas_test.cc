// Memory derived from operators against the rows of arXiv 2205.05198, figures 1 and 7 (layers only,
// without embedding and logits).
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fastpath/fastpath.h"

#include "import/csv/csv.h"
#include "import/model/decoder.h"
#include "shared.h"

namespace fastpath {
namespace {

class Row {
 public:
  Row(const CsvTable& table, std::size_t index) : table_(table), cells_(table.rows[index]) {}

  const std::string& text(std::string_view column) const {
    return cells_[*table_.column(column)].text;
  }
  int count(std::string_view column) const {
    return text(column).empty() ? 1 : std::stoi(text(column));
  }
  double value() const { return std::stod(text("value")); }

 private:
  const CsvTable& table_;
  const std::vector<CsvCell>& cells_;
};

/// A GPT of the row's shape with dropout, layers only.
Workload layers_of(const Row& row) {
  DecoderSpec spec;
  spec.name = row.text("model");
  spec.hidden = row.count("hidden");
  spec.vocab = row.count("vocab");
  spec.norm = NormKind::layer;
  spec.dropout = true;
  LayerSpec layer;
  layer.mixer.kind = MixerKind::attention;
  layer.mixer.heads = row.count("heads");
  layer.mixer.kv_heads = layer.mixer.heads;
  layer.mixer.head_dim = spec.hidden / layer.mixer.heads;
  layer.mixer.qkv_bias = true;
  layer.mixer.output_bias = true;
  layer.mlp = {.kind = MlpKind::dense,
               .ffn = row.count("ffn"),
               .gated = false,
               .bias = true,
               .activation = "gelu"};
  append_layer(spec, layer, row.count("layers"));
  ModelRequest request;
  request.phase = Phase::training;
  request.batch = row.count("global_batch_seqs");
  request.sequence = row.count("seq_len");
  Workload workload = build_decoder(spec, request);
  workload.segments = {workload.segments[1]};
  return workload;
}

Plan plan_of(const Row& row) {
  Plan plan;
  plan.tensor_parallel = row.count("tp");
  plan.pipeline_parallel = row.count("pp");
  plan.micro_batch = row.count("micro_batch");
  if (row.count("vpp") > 1) {
    plan.schedule = Schedule::interleaved;
    plan.virtual_stages = row.count("vpp");
  }
  plan.sequence_parallel = row.text("seq_parallel") == "1";
  const std::string& recompute = row.text("recompute");
  plan.recompute = recompute == "full"        ? Recompute::full
                   : recompute == "selective" ? Recompute::selective
                                              : Recompute::none;
  plan.flash_attention = false;
  return plan;
}

System system_of(std::int64_t devices) {
  System system;
  system.id = "any";
  Peak peak;
  peak.format = NumberFormat::bf16;
  peak.rate.value = FlopsPerSecond{300e12};
  system.device.peaks = {peak};
  Memory memory;
  memory.bandwidth.emplace();
  memory.bandwidth->value = BytesPerSecond{2e12};
  system.device.memories = {memory};
  Level level;
  level.count = devices;
  level.bandwidth.value = BytesPerSecond{100e9};
  system.levels = {level};
  return system;
}

MemoryByClass memory_of(const Row& row, const Plan& plan) {
  const auto prediction = predict(layers_of(row), system_of(plan.device_count()), plan);
  EXPECT_TRUE(prediction.has_value()) << prediction.error()[0].what;
  return prediction ? prediction->memory.front() : MemoryByClass{};
}

/// The row's figure as we derive it, in its own unit.
double derived(const Row& row) {
  constexpr double kGibibyte = 1024.0 * 1024 * 1024;
  const Plan plan = plan_of(row);
  const MemoryByClass memory = memory_of(row, plan);
  if (row.text("component") == "params+grads+optimizer") {
    return (memory.weights + memory.gradients + memory.optimizer).base() / kGibibyte;
  }
  if (row.text("component") == "activations") return memory.activations.base() / kGibibyte;
  Plan baseline = plan;
  baseline.sequence_parallel = false;
  baseline.recompute = Recompute::none;
  return 100 * (memory.activations / memory_of(row, baseline).activations);
}

/// The row's figure by the paper's own closed form, table 2: bytes of a layer as multiples of s b
/// h.
double by_closed_form(const Row& row) {
  const double attention = 5.0 * row.count("heads") * row.count("seq_len") / row.count("hidden");
  const double tensor = row.count("tp");
  const double sequence = row.text("seq_parallel") == "1" ? tensor : 1;
  const double layer = 10 / sequence + 24 / tensor;
  const double kept = row.text("recompute") == "full"        ? 2
                      : row.text("recompute") == "selective" ? layer
                                                             : layer + attention / tensor;
  return 100 * kept / (10 + 24 / tensor + attention / tensor);
}

TEST(memory_formulas,
     of_activations_are_the_papers_and_its_figures_are_met_within_a_percent_but_two) {
  const auto path = shared_path("measurements/training_memory.csv");
  FASTPATH_REFERENCE_OR_SKIP(path);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const Result<CsvTable> table = parse_csv(text.str(), path.string());
  ASSERT_TRUE(table.has_value());
  int rows = 0;
  std::vector<std::string> beyond;
  for (std::size_t i = 0; i < table->rows.size(); ++i) {
    const Row row(*table, i);
    if (row.text("id").rfind("mem-korthikanti-", 0) != 0) continue;
    ++rows;
    const double value = derived(row);
    if (row.text("component") == "activations_percent_of_tp_baseline") {
      EXPECT_NEAR(value / by_closed_form(row), 1, 1e-6) << row.text("id");
    }
    if (std::abs(value / row.value() - 1) > 0.01) beyond.push_back(row.text("id"));
  }
  // The paper's own closed form gives 9.52 % where its figure prints 9.42 % (full recomputation of
  // the 530B and 1T models): these two miss the bar of a percent, by a tenth.
  EXPECT_EQ(beyond,
            (std::vector<std::string>{"mem-korthikanti-f7-0012", "mem-korthikanti-f7-0016"}));
  EXPECT_EQ(rows, 32);
}

}  // namespace
}  // namespace fastpath
