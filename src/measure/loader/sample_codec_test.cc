#include "measure/loader/sample_codec.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "ir/input_names.h"

namespace fastpath {
namespace {

constexpr int kSide = 40;

SampleBytes sample(SampleEncoding encoding) {
  auto encoded = encode_picture(encoding, kSide, test_picture(kSide, 1));
  EXPECT_TRUE(encoded.has_value());
  return encoded.value_or(SampleBytes{});
}

std::string decode(SampleEncoding encoding, const SampleBytes& stored, SampleBytes& decoded) {
  return SampleDecoder(encoding).decode(stored, decoded);
}

TEST(SampleCodec, lossless_encodings_give_back_every_byte) {
  const SampleBytes pixels = test_picture(kSide, 1);
  for (const SampleEncoding encoding :
       {SampleEncoding::raw, SampleEncoding::gzip, SampleEncoding::zstd, SampleEncoding::png}) {
    SampleBytes decoded = {1, 2, 3};
    EXPECT_EQ(decode(encoding, sample(encoding), decoded), "") << name_of(encoding);
    EXPECT_EQ(decoded, pixels) << name_of(encoding);
  }
}

TEST(SampleCodec, jpeg_gives_back_a_similar_picture) {
  const SampleBytes pixels = test_picture(kSide, 1);
  SampleBytes decoded;
  EXPECT_EQ(decode(SampleEncoding::jpeg, sample(SampleEncoding::jpeg), decoded), "");
  ASSERT_EQ(decoded.size(), pixels.size());
  double difference = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i)
    difference += std::abs(static_cast<int>(pixels[i]) - static_cast<int>(decoded[i]));
  EXPECT_LT(difference / static_cast<double>(pixels.size()), 10);
}

TEST(SampleCodec, a_cut_sample_is_never_taken_for_a_whole_one) {
  for (const SampleEncoding encoding :
       {SampleEncoding::jpeg, SampleEncoding::gzip, SampleEncoding::zstd, SampleEncoding::png}) {
    const SampleBytes whole = sample(encoding);
    SampleDecoder decoder(encoding);
    for (std::size_t bytes = 0; bytes + 2 < whole.size(); bytes += 1 + whole.size() / 200) {
      SampleBytes decoded;
      const SampleBytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
      EXPECT_NE(decoder.decode(part, decoded), "") << name_of(encoding) << ' ' << bytes;
    }
    SampleBytes decoded;
    EXPECT_EQ(decoder.decode(whole, decoded), "") << "after errors, the next sample is decoded";
  }
}

TEST(SampleCodec, streams_that_follow_each_other_are_one_sample) {
  for (const SampleEncoding encoding : {SampleEncoding::gzip, SampleEncoding::zstd}) {
    SampleBytes both = sample(encoding);
    const SampleBytes again = both;
    both.insert(both.end(), again.begin(), again.end());
    SampleBytes decoded;
    EXPECT_EQ(decode(encoding, both, decoded), "");
    EXPECT_EQ(decoded.size(), 2 * test_picture(kSide, 1).size());
  }
}

TEST(SampleCodec, knows_files_by_their_ending) {
  EXPECT_EQ(encoding_of_file("a/b.jpeg"), SampleEncoding::jpeg);
  EXPECT_EQ(encoding_of_file("labels.json"), std::nullopt);
  for (const SampleEncoding encoding :
       {SampleEncoding::raw, SampleEncoding::jpeg, SampleEncoding::gzip, SampleEncoding::zstd,
        SampleEncoding::png}) {
    EXPECT_EQ(encoding_of_file("x" + std::string(ending_of(encoding))), encoding);
  }
}

}  // namespace
}  // namespace fastpath
