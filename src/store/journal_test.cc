#include "store/journal.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

namespace fastpath {
namespace {

using ::testing::HasSubstr;

class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("fastpath-journal-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "journal.db").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static JournalHeader header() { return {"model a\nspace tp=1\n", "a --on b", 100, 2, 7}; }

  std::string refusal(const JournalHeader& asked) const {
    const Result<Journal> journal = Journal::open(path_, asked);
    return journal ? "none" : journal.error().front().what;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(JournalTest, records_are_there_when_it_is_opened_again) {
  {
    Result<Journal> journal = Journal::open(path_, header());
    ASSERT_TRUE(journal.has_value());
    EXPECT_TRUE(journal->add({7, "seven"}).empty());
    EXPECT_TRUE(journal->add({3, "three"}).empty());
    EXPECT_TRUE(journal->add({7, "again"}).empty());
  }
  const Result<Journal> journal = Journal::open(path_, header());
  ASSERT_TRUE(journal.has_value());
  const auto records = journal->records();
  ASSERT_TRUE(records.has_value());
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].piece, 3);
  EXPECT_EQ((*records)[1].text, "seven");
  EXPECT_EQ(Journal::read(path_)->header(), header());
}

TEST_F(JournalTest, another_question_is_refused_with_the_difference) {
  ASSERT_TRUE(Journal::open(path_, header()).has_value());
  JournalHeader other = header();
  other.question = "model a\nspace tp=2\n";
  EXPECT_THAT(refusal(other), HasSubstr("another question: its 'space tp=1' is now 'space tp=2'"));
  other = header();
  other.shard = 3;
  EXPECT_THAT(refusal(other), HasSubstr("shard 2/7, not 3/7"));
  EXPECT_EQ(refusal(header()), "none");
}

TEST_F(JournalTest, other_files_are_refused) {
  std::ofstream(path_) << "This is not a database, and it is longer than a header of SQLite's.\n"
                       << std::string(200, 'x');
  EXPECT_THAT(refusal(header()), HasSubstr("cannot be used"));
  std::filesystem::remove(path_);
  sqlite3* database = nullptr;
  sqlite3_open(path_.c_str(), &database);
  sqlite3_exec(database, "CREATE TABLE other (x)", nullptr, nullptr, nullptr);
  sqlite3_close(database);
  EXPECT_THAT(refusal(header()), HasSubstr("not a journal"));
}

TEST_F(JournalTest, another_version_is_refused) {
  ASSERT_TRUE(Journal::open(path_, header()).has_value());
  sqlite3* database = nullptr;
  sqlite3_open(path_.c_str(), &database);
  sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr);
  sqlite3_close(database);
  EXPECT_THAT(refusal(header()), HasSubstr("version 99"));
}

TEST_F(JournalTest, a_folder_that_is_not_there_is_an_error) {
  EXPECT_FALSE(Journal::open((folder_ / "none" / "x.db").string(), header()).has_value());
  EXPECT_FALSE(Journal::read(path_).has_value());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace fastpath
