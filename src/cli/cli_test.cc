#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/emit.h"
#include "cli/generate.h"
#include "cli/help.h"
#include "cli/run.h"
#include "cli/verb.h"

namespace fastpath::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome outcome_of(const std::vector<std::string>& words, bool terminal = false,
                   const std::map<std::string, std::string>& environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  World world{.out = out,
              .err = err,
              .out_is_terminal = terminal,
              .err_is_terminal = terminal,
              .width = 100,
              .environment = [environment](const std::string& name) -> std::optional<std::string> {
                const auto found = environment.find(name);
                if (found == environment.end()) return std::nullopt;
                return found->second;
              }};
  Outcome outcome;
  outcome.code = run(words, std::move(world));
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

const Verb& verb(std::string_view name) {
  for (const Verb& candidate : verbs()) {
    if (candidate.name == name) return candidate;
  }
  ADD_FAILURE() << "no verb " << name;
  return verbs().front();
}

TEST(Arguments, keep_values_of_flags_that_are_given_twice_in_order) {
  const auto arguments =
      parse_arguments(verb("compare"), {"m", "--on", "a", "--on=b", "--seq", "8", "--train"});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->all("on"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(arguments->whole("seq"), 8);
  EXPECT_TRUE(arguments->has("train"));
  EXPECT_EQ(arguments->operands(), (std::vector<std::string>{"m"}));
}

TEST(Arguments, all_mistakes_are_found_at_once) {
  const auto arguments =
      parse_arguments(verb("predict"), {"m", "--sqe", "8", "--batch", "-4", "--color", "red"});
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error().size(), 3U);
}

TEST(Arguments, every_flag_of_every_verb_is_documented_once) {
  for (const Verb& candidate : verbs()) {
    std::set<std::string_view> names;
    for (const FlagGroup& group : candidate.groups) {
      for (const Flag& flag : group.flags) {
        EXPECT_TRUE(names.insert(flag.name).second) << candidate.name << " --" << flag.name;
        EXPECT_THAT(flag.help, Not(IsEmpty()));
        EXPECT_EQ(flag.kind == FlagKind::yes, flag.value.empty()) << flag.name;
      }
    }
    EXPECT_THAT(candidate.examples, Not(IsEmpty())) << candidate.name;
  }
}

TEST(Run, help_is_an_answer_and_a_mistake_is_talk) {
  EXPECT_EQ(outcome_of({"--help"}).code, kAnswered);
  EXPECT_THAT(outcome_of({"--help"}).err, IsEmpty());
  const Outcome mistake = outcome_of({"pedict"});
  EXPECT_EQ(mistake.code, kUserMistake);
  EXPECT_THAT(mistake.out, IsEmpty());
  EXPECT_THAT(mistake.err, HasSubstr("did you mean 'predict'?"));
}

TEST(Run, colour_needs_a_terminal_without_no_color_or_an_order) {
  const std::vector<std::string> words = {"catalog"};
  EXPECT_THAT(outcome_of(words).out, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(outcome_of(words, true).out, HasSubstr("\x1b["));
  EXPECT_THAT(outcome_of(words, true, {{"NO_COLOR", "1"}}).out, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(outcome_of({"catalog", "--color", "always"}).out, HasSubstr("\x1b["));
  EXPECT_THAT(outcome_of({"catalog", "--color", "never"}, true).out, Not(HasSubstr("\x1b[")));
}

TEST(Completion, names_every_verb_and_flag) {
  for (const std::string& script : {bash_completion(), zsh_completion(), fish_completion()}) {
    for (const Verb& candidate : verbs()) {
      EXPECT_THAT(script, HasSubstr(std::string(candidate.name)));
      for (const FlagGroup& group : candidate.groups) {
        for (const Flag& flag : group.flags)
          EXPECT_THAT(script, HasSubstr(std::string(flag.name)));
      }
    }
  }
}

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() / ("fastpath-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(WriteFile, replaces_a_file_whole_and_leaves_nothing_else) {
  const Folder folder;
  ASSERT_FALSE(write_file(folder / "a", "first, and long"));
  ASSERT_FALSE(write_file(folder / "a", "second"));
  std::ifstream file(folder / "a");
  std::string text;
  std::getline(file, text);
  EXPECT_EQ(text, "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(WriteFile, a_device_is_written_not_replaced) {
  EXPECT_FALSE(write_file("/dev/null", "text"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(WriteFile, says_why_it_failed) {
  const Folder folder;
  const auto mistake = write_file(folder / "no/such/a", "text");
  ASSERT_TRUE(mistake);
  EXPECT_THAT(mistake->what, HasSubstr("No such file"));
  EXPECT_TRUE(write_file(folder.path().string(), "text"));
}

TEST(DecodeNodes, are_all_contexts_where_they_are_few_and_hold_both_ends) {
  EXPECT_EQ(decode_nodes(5, 5), (std::vector<std::int64_t>{5}));
  EXPECT_EQ(decode_nodes(5, 8), (std::vector<std::int64_t>{5, 6, 7, 8}));
  const auto nodes = decode_nodes(100, 10'000);
  EXPECT_EQ(nodes.size(), static_cast<std::size_t>(kDecodeNodes));
  EXPECT_EQ(nodes.front(), 100);
  EXPECT_EQ(nodes.back(), 10'000);
  EXPECT_TRUE(std::is_sorted(nodes.begin(), nodes.end()));
}

template <class F>
NodeSum sum_of(std::int64_t first, std::int64_t last, F of) {
  const auto nodes = decode_nodes(first, last);
  std::vector<double> values;
  for (const std::int64_t node : nodes)
    values.push_back(of(static_cast<double>(node)));
  return sum_over_contexts(nodes, values);
}

template <class F>
double exact_sum(std::int64_t first, std::int64_t last, F of) {
  double sum = 0;
  for (std::int64_t c = first; c <= last; ++c)
    sum += of(static_cast<double>(c));
  return sum;
}

TEST(SumOverContexts, is_exact_for_all_nodes_and_for_lines) {
  const auto square = [](double c) { return c * c; };
  const auto line = [](double c) { return 3 + 0.25 * c; };
  EXPECT_DOUBLE_EQ(sum_of(3, 9, square).sum, exact_sum(3, 9, square));
  EXPECT_DOUBLE_EQ(sum_of(3, 9, square).error, 0);
  EXPECT_NEAR(sum_of(100, 5000, line).sum, exact_sum(100, 5000, line), 1e-6);
}

TEST(SumOverContexts, the_error_bound_holds_for_what_only_grows) {
  const auto curves = {+[](double c) { return c * c; }, +[](double c) { return std::sqrt(c); },
                       +[](double c) { return c < 777 ? 1.0 : 2.0; },
                       +[](double c) { return std::max(5.0, c / 100); }};
  for (const auto curve : curves) {
    const NodeSum sum = sum_of(10, 2000, curve);
    EXPECT_LE(std::abs(sum.sum - exact_sum(10, 2000, curve)), sum.error + 1e-9);
  }
}

}  // namespace
}  // namespace fastpath::cli
