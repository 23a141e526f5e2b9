#include "import/frameworks/frameworks.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "ir/plan_text.h"

namespace fastpath {
namespace {

Plan plan_of(std::string_view text) {
  const auto plan = parse_plan(text, {});
  EXPECT_TRUE(plan) << text;
  return plan.value_or(Plan{});
}

FrameworkJob read(std::string_view text, std::string_view framework) {
  const auto job = read_framework(text, "file", framework);
  if (!job) ADD_FAILURE() << job.error().front().what;
  return job ? job->value : FrameworkJob{};
}

std::string first_mistake(std::string_view text, std::string_view framework) {
  const auto job = read_framework(text, "file", framework);
  return job ? "" : format_diagnostic(job.error().front(), "error");
}

/// Written and read, a plan that the framework can express is the same, and nobody is warned.
void expect_round_trip(std::string_view framework, std::string_view text) {
  const Plan plan = plan_of(text);
  const auto written = write_framework(plan, framework);
  ASSERT_TRUE(written);
  for (const Diagnostic& warning : written->warnings)
    ADD_FAILURE() << framework << " '" << text << "': " << warning.what << '\n' << written->value;
  EXPECT_EQ(write_plan(read(written->value, framework).plan), write_plan(plan)) << written->value;
}

TEST(frameworks, read_back_what_they_write) {
  const std::string common = "micro_batch=2 attention=flash gradients=";
  for (const char* form : {"fp32", "bf16"}) {
    for (const char* megatron : {"megatron", "nemo"}) {
      for (const char* rest :
           {"", " tp=8 sp pp=4 dp=2 zero=1", " tp=2 cp=2 dp=4 ep=4 overlap=false",
            " pp=4 schedule=interleaved:3 recompute=full", " pp=2 recompute=full:3",
            " dp=16 zero=3 overlap_weights=false", " tp=4 sp overlap_tp=true compute=mxfp8",
            " recompute=selective cp=2 cp_exchange=ulysses", " dp=2 offload=activations,optimizer",
            " pp=4 first_stage=5 last_stage=3 execution=graph", " pp=2 ends_are_layers=true"}) {
        const std::string exchange =
            std::string(rest).find("ulysses") == std::string::npos ? " cp_exchange=ring" : "";
        expect_round_trip(megatron, common + form + rest + exchange);
      }
    }
  }
}

TEST(frameworks, of_fully_sharded_data_parallelism_read_back_what_they_write) {
  for (const char* rest :
       {" dp=8", " dp=16 shard=4", " dp=4 recompute=full", " dp=4 recompute=none",
        " dp=4 tp=2 sp execution=compiled", " dp=4 cp=2 reshard=false",
        " dp=4 offload=optimizer,weights compute=fp8"})
    expect_round_trip("torchtitan",
                      std::string("zero=3 micro_batch=2 ends_are_layers=true") + rest);
  for (const char* rest :
       {" dp=8", " dp=16 shard=4", " dp=4 recompute=full gradients=bf16", " dp=4 reshard=false",
        " dp=2 execution=compiled", " dp=2 offload=activations attention=unfused"})
    expect_round_trip("llm-foundry", std::string("zero=3 micro_batch=2") + rest);
  for (const char* rest : {" zero=3 gradients=bf16", " zero=2 gradients=bf16 overlap=true",
                           " zero=1 gradients=bf16 overlap=false offload=optimizer",
                           " zero=1 gradients=bf16 overlap=false cp=4 cp_exchange=ulysses"})
    expect_round_trip("deepspeed", std::string("dp=8 micro_batch=2 overlap_weights=false") + rest);
}

TEST(frameworks, say_what_they_have_no_key_for) {
  const auto written = write_framework(plan_of("pp=4 dp=2 zero=3 schedule=dualpipe"), "deepspeed");
  ASSERT_TRUE(written);
  std::string all;
  for (const Diagnostic& warning : written->warnings)
    all += warning.what + '\n';
  EXPECT_NE(all.find("no key for pp=4"), std::string::npos) << all;
  EXPECT_NE(all.find("no key for schedule=dualpipe"), std::string::npos) << all;
}

TEST(frameworks, read_variables_arrays_and_arithmetic_of_a_shell) {
  const FrameworkJob job = read(
      "N=2; TP=4\nARGS=( --tensor-model-parallel-size $TP\n --bf16 )\n"
      "MORE=\"--nnodes ${N} \\\n --nproc_per_node=$((N * (2 + 2)))\"\n"
      "torchrun $MORE \"${ARGS[@]}\" --micro-batch-size ${MBS:-3}\n",
      "megatron");
  EXPECT_EQ(job.plan.tensor_parallel, 4);
  EXPECT_EQ(job.plan.data_parallel, 4);
  EXPECT_EQ(job.plan.micro_batch, 3);
}

TEST(frameworks, derive_data_parallelism_from_batches) {
  EXPECT_EQ(read("{\"train_batch_size\": 64, \"train_micro_batch_size_per_gpu\": 2,"
                 " \"gradient_accumulation_steps\": 4}",
                 "deepspeed")
                .plan.data_parallel,
            8);
}

TEST(frameworks, leave_data_parallelism_open_where_only_the_launcher_knows_it) {
  const FrameworkJob job = read("[parallelism]\ntensor_parallel_degree = 4\n", "torchtitan");
  EXPECT_TRUE(job.open_data_parallel);
  EXPECT_EQ(plan_on_devices(job, 32)->data_parallel, 8);
  EXPECT_FALSE(plan_on_devices(job, 30));
}

TEST(frameworks, give_the_place_of_a_mistake) {
  EXPECT_EQ(first_mistake("torchrun a.py \\\n  --pipeline-model-parallel-size two\n", "megatron"),
            "file:2:34: error: pipeline_model_parallel_size cannot be 'two'\n"
            "  hint: it takes a number");
  EXPECT_EQ(first_mistake("torchrun --tensor-model-parallel-size $TP\n", "megatron"),
            "file:1:39: error: the value of tensor_model_parallel_size is not in the file: '$TP'\n"
            "  hint: set the variable in the script, or write its value");
  EXPECT_FALSE(first_mistake("[parallelism\n", "torchtitan").empty());
}

TEST(frameworks, stop_a_script_whose_variables_explode) {
  std::string text = "A=aaaaaaaaaaaaaaaa\n";
  for (int i = 0; i < 40; ++i)
    text += "A=\"$A $A\"\n";
  EXPECT_NE(first_mistake(text, "megatron").find("expand to more than"), std::string::npos);
}

TEST(frameworks, are_told_by_their_files) {
  EXPECT_EQ(framework_of("", "a.toml"), "torchtitan");
  EXPECT_EQ(framework_of("", "a.json"), "deepspeed");
  EXPECT_EQ(framework_of("x:\n  tensor_model_parallel_size: 2\n", "a.yaml"), "nemo");
  EXPECT_EQ(framework_of("fsdp_config: {}\n", "a.yaml"), "llm-foundry");
  EXPECT_EQ(framework_of("tp: 8\n", "a.yaml"), "");
}

}  // namespace
}  // namespace fastpath
