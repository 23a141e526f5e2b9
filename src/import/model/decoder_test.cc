#include "import/model/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/catalog/embedded.h"
#include "import/model/load.h"
#include "ir/names.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

using ::testing::IsEmpty;

/// GPT of `layers` layers with equal heads and a plain MLP of four times its width.
DecoderSpec gpt(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocab) {
  DecoderSpec spec;
  spec.name = "gpt";
  spec.hidden = hidden;
  spec.vocab = vocab;
  LayerSpec layer;
  layer.mixer.kind = MixerKind::attention;
  layer.mixer.heads = heads;
  layer.mixer.kv_heads = heads;
  layer.mixer.head_dim = hidden / heads;
  layer.mlp.kind = MlpKind::dense;
  layer.mlp.ffn = 4 * hidden;
  layer.mlp.gated = false;
  layer.mlp.activation = "gelu";
  append_layer(spec, layer, layers);
  return spec;
}

DecoderSpec catalog_spec(std::string_view name) {
  ModelLibrary library;
  library.catalog = embedded_catalog();
  auto spec = load_spec(name, library);
  EXPECT_TRUE(spec.has_value()) << name;
  return spec ? spec->value : DecoderSpec{};
}

ModelRequest request(Phase phase, std::int64_t batch, std::int64_t sequence,
                     std::int64_t past = 0) {
  ModelRequest result;
  result.phase = phase;
  result.batch = batch;
  result.sequence = sequence;
  result.past = past;
  return result;
}

/// Forward work of the matmuls and of attention.
double matrix_work(const Workload& workload) {
  const DimSizes sizes = whole_sizes(workload);
  double work = 0;
  for (const Segment& segment : workload.segments) {
    if (segment.use != SegmentUse::executed) continue;
    const Block& block = workload.blocks[segment.block];
    for (const Op& op : block.ops) {
      if (op.kind != OpKind::matmul && op.kind != OpKind::attention) continue;
      const double once = forward_counts(workload, block, op, sizes).work.base();
      work += static_cast<double>(segment.repeat) * once;
    }
  }
  return work;
}

TEST(Decoder, training_work_is_the_closed_formula_of_a_gpt) {
  // arXiv 2104.04473, equation 3 without recomputation, for attention that is not causal.
  const double L = 12;
  const double h = 1024;
  const double s = 2048;
  const double B = 4;
  const double V = 51200;
  DecoderSpec spec = gpt(12, 1024, 16, 51200);
  spec.causal = false;
  const Workload workload = build_decoder(spec, request(Phase::training, 4, 2048));
  const double formula = 72 * B * s * L * h * h * (1 + s / (6 * h) + V / (12 * L * h));
  EXPECT_NEAR(3 * matrix_work(workload) / formula, 1, 1e-12);
}

TEST(Decoder, a_causal_mask_halves_the_scores) {
  DecoderSpec spec = gpt(1, 1024, 16, 1000);
  const double causal = matrix_work(build_decoder(spec, request(Phase::training, 1, 4096)));
  spec.causal = false;
  const double full = matrix_work(build_decoder(spec, request(Phase::training, 1, 4096)));
  const double scores = 4.0 * 4096 * 4096 * 1024;
  EXPECT_NEAR((full - causal) / (scores / 2), 1, 1e-3);
}

TEST(Decoder, parameters_do_not_depend_on_the_phase) {
  for (const std::string_view name : {"llama-3.1-8b", "deepseek-v3.2", "qwen3.5-35b-a3b",
                                      "deepseek-v4-flash", "nemotron-3-nano-30b-a3b"}) {
    const DecoderSpec spec = catalog_spec(name);
    const double training =
        count(build_decoder(spec, request(Phase::training, 1, 4096))).parameters;
    const double prefill = count(build_decoder(spec, request(Phase::prefill, 1, 4096))).parameters;
    const double decode = count(build_decoder(spec, request(Phase::decode, 7, 1, 99))).parameters;
    EXPECT_EQ(training, prefill) << name;
    EXPECT_EQ(training, decode) << name;
  }
}

TEST(Decoder, a_cache_grows_by_its_formula_per_token) {
  struct Case {
    const char* name;
    double bytes_per_token;
  };
  const Case cases[] = {
      {"llama-3.1-8b", 2.0 * 32 * 8 * 128 * 2},       // 2 L a_kv d w
      {"llama-3.1-70b", 2.0 * 80 * 8 * 128 * 2},      //
      {"gpt3-175b", 2.0 * 96 * 96 * 128 * 2},         //
      {"qwen3-235b-a22b", 2.0 * 94 * 4 * 128 * 2},    //
      {"deepseek-v3", 61.0 * (512 + 64) * 2},         // L (r_kv + d_rope) w
      {"kimi-k2", 61.0 * (512 + 64) * 2},             //
      {"deepseek-v3.2", 61.0 * (512 + 64 + 128) * 2}  // and the key of the indexer
  };
  for (const Case& entry : cases) {
    const DecoderSpec spec = catalog_spec(entry.name);
    const auto cache = [&](std::int64_t past) {
      return count(build_decoder(spec, request(Phase::decode, 1, 1, past))).cache.base();
    };
    EXPECT_DOUBLE_EQ((cache(8191) - cache(4095)) / 4096, entry.bytes_per_token) << entry.name;
  }
}

TEST(Decoder, a_window_bounds_its_cache_and_its_keys) {
  const DecoderSpec spec = catalog_spec("gpt-oss-20b");
  const auto cache = [&](const ModelRequest& asked) {
    return count(build_decoder(spec, asked)).cache.base();
  };
  const double token = 2.0 * 8 * 64 * 2;  // bytes per layer
  const double expected = 12 * token * (128 + 8192);
  EXPECT_DOUBLE_EQ(cache(request(Phase::decode, 1, 1, 8191)), expected);
  EXPECT_DOUBLE_EQ(cache(request(Phase::prefill, 1, 8192)), expected);
  EXPECT_DOUBLE_EQ(cache(request(Phase::prefill, 1, 1024, 8192 - 1024)), expected);
}

TEST(Decoder, recurrent_layers_keep_a_state_of_fixed_size) {
  DecoderSpec spec = catalog_spec("nemotron-h-56b");
  std::erase_if(spec.runs, [&](const LayerRun& run) {
    return spec.layers[run.layer].mixer.kind == MixerKind::attention;
  });
  const auto cache = [&](std::int64_t past) {
    return count(build_decoder(spec, request(Phase::decode, 2, 1, past))).cache.base();
  };
  EXPECT_GT(cache(1), 0);
  EXPECT_EQ(cache(1), cache(100'000));
}

TEST(Decoder, prefill_in_chunks_does_the_work_of_prefill_at_once) {
  for (const std::string_view name : {"llama-3.1-8b", "gpt-oss-20b"}) {
    DecoderSpec spec = catalog_spec(name);
    spec.head = false;  // its logits are of the last token of each chunk
    const auto work = [&](std::int64_t sequence, std::int64_t past) {
      return matrix_work(build_decoder(spec, request(Phase::prefill, 1, sequence, past)));
    };
    EXPECT_NEAR((work(1024, 0) + work(1024, 1024)) / work(2048, 0), 1, 1e-12) << name;
  }
}

TEST(Decoder, absorbed_latent_attention_has_the_parameters_of_the_expanded) {
  const DecoderSpec spec = catalog_spec("deepseek-v3");
  const Workload expanded = build_decoder(spec, request(Phase::prefill, 1, 64));
  const Workload absorbed = build_decoder(spec, request(Phase::decode, 1, 1, 63));
  EXPECT_EQ(count(expanded).parameters, count(absorbed).parameters);
  EXPECT_EQ(count(expanded).weights.base(), count(absorbed).weights.base());
}

TEST(Decoder, layers_are_coded_by_runs_and_equal_ones_once) {
  const Workload workload =
      build_decoder(catalog_spec("llama-3.1-405b"), request(Phase::training, 1, 8192));
  EXPECT_EQ(workload.blocks.size(), 3U);
  ASSERT_EQ(workload.segments.size(), 3U);
  EXPECT_EQ(workload.segments[1].repeat, 126);
}

TEST(Decoder, an_image_tower_is_idle_without_images_and_runs_with_them) {
  const DecoderSpec spec = catalog_spec("qwen3-vl-8b");
  ModelRequest asked = request(Phase::prefill, 1, 2048);
  const WorkloadCounts without = count(build_decoder(spec, asked));
  asked.images = 1;
  const WorkloadCounts with = count(build_decoder(spec, asked));
  EXPECT_EQ(without.parameters, with.parameters);
  EXPECT_GT(with.forward_work, without.forward_work);
}

TEST(Decoder, draft_layers_are_not_parameters_of_the_model) {
  const WorkloadCounts counts =
      count(build_decoder(catalog_spec("deepseek-v3"), request(Phase::decode, 1, 1, 1)));
  EXPECT_NEAR(counts.parameters / 1e9, 671, 1);
  EXPECT_NEAR(counts.draft_parameters / 1e9, 11.5, 0.2);  // README_WEIGHTS of DeepSeek-V3
}

TEST(Decoder, every_model_of_the_catalog_is_a_valid_workload_in_every_phase) {
  ModelLibrary library;
  library.catalog = embedded_catalog();
  const std::vector<std::string> names = model_names(library);
  EXPECT_GE(names.size(), 100U);
  const ModelRequest requests[] = {request(Phase::training, 2, 4096),
                                   request(Phase::prefill, 2, 4096),
                                   request(Phase::prefill, 2, 512, 100'000),
                                   request(Phase::decode, 2, 1, 4095),
                                   request(Phase::forward, 2, 1)};
  for (const std::string& name : names) {
    for (ModelRequest asked : requests) {
      for (asked.images = 0; asked.images < 2; ++asked.images) {
        const auto workload = load_model(name, asked, library);
        ASSERT_TRUE(workload.has_value()) << name;
        EXPECT_THAT(mistakes_in(workload->value), IsEmpty()) << name;
      }
    }
  }
}

TEST(Decoder, impossible_specs_are_refused) {
  EXPECT_THAT(mistakes_in(gpt(12, 1024, 16, 51200)), IsEmpty());
  EXPECT_FALSE(mistakes_in(DecoderSpec{}).empty());
  DecoderSpec spec = gpt(12, 1024, 16, 51200);
  spec.runs[0].repeat = 1'000'000'000'000'000'000;
  EXPECT_FALSE(mistakes_in(spec).empty());
  spec = gpt(12, 1024, 16, 51200);
  spec.layers[0].mixer.kv_heads = 32;
  EXPECT_FALSE(mistakes_in(spec).empty());
}

}  // namespace
}  // namespace fastpath
