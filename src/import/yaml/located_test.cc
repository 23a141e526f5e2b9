#include "import/yaml/located.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastpath {
namespace {

using ::testing::HasSubstr;

std::string messages(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics)
    text += format_diagnostic(diagnostic, "error") + "\n";
  return text;
}

std::string errors_of(std::string_view text, const YamlLimits& limits = {}) {
  const auto root = parse_yaml(text, "f.yaml", limits);
  return root ? "" : messages(root.error());
}

TEST(Located, nodes_know_their_place_and_kind) {
  const auto root = parse_yaml("a: 1\nb:\n  - x\n  - 'y'\nc: ~\n", "f.yaml");
  ASSERT_TRUE(root);
  const YamlNode* list = root->find("b");
  ASSERT_NE(list, nullptr);
  ASSERT_TRUE(list->is_list());
  EXPECT_EQ(list->items[1].line, 4);
  EXPECT_EQ(list->items[1].column, 5);
  EXPECT_TRUE(list->items[1].quoted);
  EXPECT_EQ(root->find("c")->kind, YamlNode::Kind::null);
  EXPECT_EQ(root->find("d"), nullptr);
}

TEST(Located, getters_collect_all_mistakes_in_the_order_of_the_text) {
  const auto root = parse_yaml("bandwidth: 450\nformat: bf17\ncuont: 3\nsize: 0\non: yes\n", "f");
  ASSERT_TRUE(root);
  YamlReader reader("f");
  YamlMap map(reader, *root, "a device");
  EXPECT_FALSE(map.boolean("on"));
  EXPECT_FALSE(map.quantity<BytesPerSecond>("bandwidth"));
  EXPECT_FALSE(map.name<NumberFormat>("format", "a number format"));
  EXPECT_FALSE(map.integer("count", 1, 10, Need::required));
  EXPECT_FALSE(map.integer("size", 1));
  map.finish();
  EXPECT_EQ(messages(reader.take_errors()),
            "f:1:1: error: a device has no 'count'\n"
            "f:1:12: error: '450' has no unit\n"
            "  hint: write a bandwidth such as '450 GB/s'; accepted here: B/s, kB/s, MB/s, GB/s, "
            "TB/s, MiB/s, GiB/s (bits: Mb/s, Gb/s, Tb/s)\n"
            "f:2:9: error: 'bf17' is not a number format\n  hint: did you mean 'bf16'?\n"
            "f:3:1: error: a device has no key 'cuont'\n  hint: did you mean 'count'?\n"
            "f:4:7: error: 0 is below 1\n"
            "f:5:5: error: 'yes' is neither true nor false\n  hint: write true or false\n");
}

TEST(Located, what_is_not_yaml_is_an_error_with_a_place) {
  EXPECT_THAT(errors_of("a: [1, 2\n"), HasSubstr("a ']' or a ',' is missing"));
  EXPECT_THAT(errors_of("a: b: c\n"), HasSubstr("f.yaml:1:5: error: this is not YAML"));
  EXPECT_THAT(errors_of(""), HasSubstr("the file is empty"));
  EXPECT_THAT(errors_of("a: 1\n---\nb: 2\n"), HasSubstr("more than one document"));
  EXPECT_THAT(errors_of(std::string_view("a: \0", 4)), HasSubstr("f.yaml:1:4: error: this is not"));
  EXPECT_THAT(errors_of("a: !!python/object x\n"), HasSubstr("is not supported"));
}

TEST(Located, a_key_given_twice_is_an_error) {
  EXPECT_EQ(errors_of("a: 1\nb: 2\na: 3\n"),
            "f.yaml:3:1: error: key 'a' is given twice\n  hint: the first one is in line 1\n");
  EXPECT_THAT(errors_of("{[a]: 1}"), HasSubstr("a key must be a word"));
}

TEST(Located, aliases_are_expanded_within_the_limit_of_nodes) {
  const auto root = parse_yaml("a: &x {k: 1}\nb: *x\n", "f");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("b")->find("k")->text, "1");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      bomb += (j > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(errors_of(bomb), HasSubstr("more than 1000000 values"));
  EXPECT_THAT(errors_of("a: &x [*x]\n"), HasSubstr("alias"));
}

TEST(Located, depth_and_size_are_limited) {
  EXPECT_THAT(errors_of(std::string(40, '[') + std::string(40, ']')), HasSubstr("nested deeper"));
  EXPECT_NE(errors_of(std::string(100'000, '[')), "");
  EXPECT_NE(errors_of(std::string(100'000, '{')), "");
  std::string dashes;
  for (int i = 0; i < 50'000; ++i)
    dashes += "- ";
  EXPECT_NE(errors_of(dashes), "");
  EXPECT_THAT(errors_of("a: 1", YamlLimits{.bytes = 3}), HasSubstr("larger than 3 bytes"));
}

TEST(Located, a_written_scalar_reads_back) {
  for (const std::string text : {"", "a b", "x: y", "- a", "null", "true", "\"q\" \\", "a\tb\n",
                                 "\u00b5", "#c", "it's", "[x]", " lead", "trail ", "1.5", "a:"}) {
    const auto root = parse_yaml("k: " + yaml_scalar(text) + "\n", "f");
    ASSERT_TRUE(root) << text;
    YamlReader reader("f");
    EXPECT_EQ(reader.string(root->items[0]), text);
  }
}

}  // namespace
}  // namespace fastpath
