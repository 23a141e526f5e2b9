#include "import/csv/gemm_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "ir/semantics.h"

namespace fastpath {
namespace {

using ::testing::HasSubstr;

std::string errors_of(std::string_view text) {
  const auto workload = read_gemm_table(text, "t.csv");
  std::string messages;
  if (workload) return messages;
  for (const Diagnostic& diagnostic : workload.error())
    messages += format_diagnostic(diagnostic, "error") + "\n";
  return messages;
}

TEST(GemmTable, a_product_has_two_m_n_k_operations_per_batch_and_repeat) {
  const auto read = read_gemm_table(
      "name,m,n,k,batch,repeat,format\nup,128,512,64,,3,fp8\nscores,16,32,8,4,,\n,1,1,1,,,\n",
      "dir/small.csv");
  ASSERT_TRUE(read) << read.error()[0].what;
  const Workload& workload = read->value;
  EXPECT_EQ(workload.name, "small");
  EXPECT_EQ(count(workload).forward_work.base(),
            3 * 2.0 * 128 * 512 * 64 + 2.0 * 4 * 16 * 32 * 8 + 2);
  EXPECT_EQ(count(workload).parameters, 3.0 * 512 * 64 + 1);
  EXPECT_EQ(workload.blocks[0].tensors[0].format, NumberFormat::fp8);
  EXPECT_EQ(workload.blocks[2].name, "op3");
}

TEST(GemmTable, a_square_product_keeps_its_extents_apart) {
  const auto read = read_gemm_table("m,n,k\n64,64,64\n", "t.csv");
  ASSERT_TRUE(read);
  EXPECT_EQ(count(read->value).forward_work.base(), 2.0 * 64 * 64 * 64);
}

TEST(GemmTable, the_first_convolution_of_resnet_50_has_118_million_products) {
  // He et al. 2015, table 1: 7x7, 64, stride 2 on 224 x 224 x 3; 112 x 112 x 64 x 7 x 7 x 3.
  const auto read =
      read_gemm_table("name,n,c,h,w,k,r,s,stride,pad\nconv1,1,3,224,224,64,7,7,2,3\n", "t.csv");
  ASSERT_TRUE(read) << read.error()[0].what;
  EXPECT_EQ(count(read->value).forward_work.base(), 2.0 * 112 * 112 * 64 * 7 * 7 * 3);
  EXPECT_EQ(count(read->value).parameters, 64.0 * 3 * 7 * 7);
}

TEST(GemmTable, groups_divide_the_work_of_a_convolution) {
  const auto read = read_gemm_table("n,c,h,w,k,r,s,pad,groups\n1,32,14,14,32,3,3,1,32\n", "t.csv");
  ASSERT_TRUE(read) << read.error()[0].what;
  EXPECT_EQ(count(read->value).forward_work.base(), 2.0 * 14 * 14 * 32 * 3 * 3);
}

TEST(GemmTable, mistakes_have_places_all_at_once) {
  EXPECT_EQ(errors_of("name,m,n,k,format\na,0,x,3,bf17\nb,,2,3,\n"),
            "t.csv:2:3: error: m: '0' is not a whole number from 1 to 1000000000000\n"
            "t.csv:2:5: error: n: 'x' is not a whole number from 1 to 1000000000000\n"
            "t.csv:2:9: error: 'bf17' is not a number format\n  hint: did you mean 'bf16'?\n"
            "t.csv:3:1: error: m is empty\n");
  EXPECT_EQ(errors_of("name,m,n,kk\n"),
            "t.csv:1:10: error: unknown column 'kk'\n  hint: did you mean 'k'?\n"
            "t.csv:1:1: error: column 'k' is missing\n");
  EXPECT_THAT(errors_of("m,n,k\n"), HasSubstr("no rows"));
  EXPECT_THAT(errors_of("n,c,h,w,k,r,s\n1,3,5,5,4,7,7\n"), HasSubstr("larger than the padded"));
  EXPECT_THAT(errors_of("n,c,h,w,k,r,s,groups\n1,3,5,5,4,3,3,2\n"),
              HasSubstr("2 groups do not divide 3 and 4 channels"));
}

TEST(GemmTable, equal_names_get_a_number) {
  const auto read = read_gemm_table("name,m,n,k\na,1,1,1\na,1,1,1\na_2,1,1,1\na,1,1,1\n", "t");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->value.blocks[1].name, "a_2");
  EXPECT_EQ(read->value.blocks[2].name, "a_2_2");
  EXPECT_EQ(read->value.blocks[3].name, "a_3");
}

}  // namespace
}  // namespace fastpath
