/// Any bytes as a config.json, as a model's YAML, and as the workload of what was read.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "import/hf/config.h"
#include "import/model/spec_yaml.h"
#include "ir/semantics.h"

namespace {

void use(const fastpath::DecoderSpec& spec) {
  using fastpath::Phase;
  // Patterns of thousands of distinct layers are legal, but slow under a fuzzer.
  if (spec.layers.size() > 64) return;
  for (const Phase phase : {Phase::training, Phase::prefill, Phase::decode}) {
    fastpath::ModelRequest request;
    request.phase = phase;
    request.sequence = phase == Phase::decode ? 1 : 300;
    request.past = phase == Phase::training ? 0 : 1000;
    request.images = phase == Phase::prefill ? 1 : 0;
    const fastpath::Workload workload = build_decoder(spec, request);
    FP_CHECK(mistakes_in(workload).empty());
    FP_CHECK(count(workload).parameters >= 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto spec = fastpath::read_hf_config(text, "config.json")) {
    use(spec->value);
    const auto again =
        fastpath::read_model_yaml(fastpath::write_model_yaml(spec->value), "model.yaml");
    FP_CHECK(again.has_value());
  } else {
    FP_CHECK(!spec.error().empty());
  }
  if (const auto spec = fastpath::read_model_yaml(text, "model.yaml")) use(spec->value);
  return 0;
}
