#include "measure/loader/tar.h"

#include <gtest/gtest.h>

namespace fastpath {
namespace {

const std::string kEnd(2 * static_cast<std::size_t>(kTarBlock), '\0');

std::string member(std::string_view name, std::string_view bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  return tar_header(name, size) + std::string(bytes) +
         std::string(static_cast<std::size_t>(tar_padding(size)), '\0');
}

/// A header of another type than a regular file's.
std::string special(char type, std::string_view bytes) {
  std::string text = member("about-the-next", bytes);
  text[156] = type;
  for (std::size_t i = 148; i < 156; ++i)
    text[i] = ' ';
  unsigned sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(kTarBlock); ++i)
    sum += static_cast<unsigned char>(text[i]);
  for (std::size_t i = 154; i > 148; --i, sum /= 8)
    text[i - 1] = static_cast<char>('0' + sum % 8);
  text[154] = '\0';
  return text;
}

std::string mistake(std::string_view archive) {
  const auto members = tar_members("a.tar", archive);
  return members ? "none" : members.error().front().what;
}

TEST(Tar, tells_where_members_lie) {
  const std::string archive = member("a.jpg", "sample") + member("b.jpg", std::string(512, 'b')) +
                              member("empty", "") + kEnd;
  const auto members = tar_members("a.tar", archive);
  ASSERT_TRUE(members.has_value());
  ASSERT_EQ(members->size(), 3u);
  EXPECT_EQ((*members)[0].name, "a.jpg");
  EXPECT_EQ(archive.substr(static_cast<std::size_t>((*members)[0].offset), 6), "sample");
  EXPECT_EQ((*members)[1].offset, 3 * kTarBlock);
  EXPECT_EQ((*members)[1].bytes, 512);
}

TEST(Tar, reads_long_names_and_pax) {
  const std::string name(150, 'n');
  const std::string archive = special('L', name + '\0') + member("short", "1") +
                              special('x', "16 path=from-px\n") + member("short", "22") +
                              special('5', "") + kEnd;
  const auto members = tar_members("a.tar", archive);
  ASSERT_TRUE(members.has_value()) << members.error().front().what;
  ASSERT_EQ(members->size(), 2u);  // a folder is no sample
  EXPECT_EQ((*members)[0].name, name);
  EXPECT_EQ((*members)[1].name, "from-px");
}

TEST(Tar, an_archive_cut_at_any_byte_is_never_taken_for_a_whole_one) {
  const std::string archive = member("a", "sample") + member("b", std::string(700, 'b')) + kEnd;
  const std::size_t end = archive.size() - kEnd.size();
  for (std::size_t bytes = 0; bytes < end + static_cast<std::size_t>(kTarBlock); ++bytes)
    EXPECT_NE(mistake(archive.substr(0, bytes)), "none") << bytes;
  EXPECT_EQ(mistake(archive), "none");
}

TEST(Tar, says_at_which_byte_what_is_wrong) {
  std::string archive = member("a", "sample") + member("b", std::string(700, 'b')) + kEnd;
  EXPECT_EQ(mistake(archive.substr(0, 1636)),
            "member 'b' at byte 1536 is cut: 100 of its 700 bytes are there");
  EXPECT_EQ(mistake(archive.substr(0, 1024)), "has no end mark: it was cut at byte 1024");
  EXPECT_EQ(mistake(archive.substr(0, 1100)),
            "ends at byte 1100, within the header that begins at byte 1024");
  archive[1030] = 'x';
  EXPECT_EQ(mistake(archive), "has no valid tar header at byte 1024");
}

}  // namespace
}  // namespace fastpath
