/// The model and the plan of one row of measured training steps.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/catalog/framework_defaults.h"
#include "import/measurements/row.h"
#include "import/model/decoder.h"
#include "import/model/load.h"

namespace fastpath {

/// Sizes that a row must state to be scored.
struct RunSizes {
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t ffn = 0;
  std::int64_t heads = 0;
  std::int64_t sequence = 0;
  std::int64_t global_batch = 0;
  std::int64_t micro_batch = 0;
  std::int64_t tensor = 0;
  std::int64_t pipeline = 0;
  std::int64_t devices = 0;
};

/// The first column that is empty, if one is.
std::optional<std::string> missing_size(const MeasurementRow& row);
RunSizes sizes_of(const MeasurementRow& row);

/// The decoder of a row: the catalog's model that its column `base` names, else its sizes in one of
/// three architectures: gpt (layer norms, biases, learned positions, GELU), mpt (the same without
/// biases and positions) and llama (RMS norms, rotary positions, gated SiLU).
/// The vocabulary, unless printed, and its padding are the framework's: `settings`.
Result<DecoderSpec> spec_of(const MeasurementRow& row, const RunSizes& sizes,
                            const ModelLibrary& models, std::span<const FrameworkDefault> settings);

/// The words of a plan that the row prints, in the meaning of its framework.
std::vector<PlanWord> printed_words(const MeasurementRow& row, const RunSizes& sizes,
                                    std::span<const FrameworkDefault> settings);

/// Whether the row's model is named as trained by low-rank adapters.
bool trains_adapters(const MeasurementRow& row);

/// Format of activations that a precision means.
NumberFormat activation_format(std::string_view precision);

}  // namespace fastpath
