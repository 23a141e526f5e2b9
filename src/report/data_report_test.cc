#include "report/data_report.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/json_text.h"

namespace fastpath {
namespace {

Findings sample() {
  return {"A \"title\"",
          {{"one",
            "One",
            {{"name", Unit::none},
             {"time", Unit::seconds},
             {"traffic", Unit::bytes},
             {"tokens", Unit::per_second},
             {"share", Unit::ratio}},
            {{std::string("a,\"b\"\n"), 0.1, 1e300, 5.0, std::monostate{}}}},
           {"none", "None", {{"x", Unit::none}}, {}}},
          {"a note"}};
}

TEST(JsonReport, keys_carry_units_and_numbers_are_exact) {
  const auto json = nlohmann::json::parse(json_report(sample()));
  EXPECT_EQ(json["schema"], std::string(kFindingsSchema));
  EXPECT_EQ(json["title"], "A \"title\"");
  const auto& row = json["tables"]["one"][0];
  EXPECT_EQ(row["time_s"].get<double>(), 0.1);
  EXPECT_EQ(row["traffic_B"].get<double>(), 1e300);
  EXPECT_EQ(row["tokens_per_s"].get<double>(), 5.0);
  EXPECT_TRUE(row["share"].is_null());
  EXPECT_EQ(row["name"], "a,\"b\"\n");
  EXPECT_TRUE(json["tables"]["none"].empty());
  EXPECT_EQ(json["notes"][0], "a note");
}

TEST(JsonReport, what_is_not_a_finite_number_is_null) {
  Findings findings = sample();
  findings.tables[0].rows[0][1] = std::numeric_limits<double>::infinity();
  findings.tables[0].rows[0][2] = std::nan("");
  const auto json = nlohmann::json::parse(json_report(findings));
  EXPECT_TRUE(json["tables"]["one"][0]["time_s"].is_null());
  EXPECT_TRUE(json["tables"]["one"][0]["traffic_B"].is_null());
}

TEST(JsonReport, no_findings_are_valid_json) {
  EXPECT_TRUE(nlohmann::json::accept(json_report({})));
}

TEST(CsvReport, units_are_in_the_header_and_texts_are_quoted) {
  EXPECT_EQ(csv_report(sample()),
            "# one\nname,time_s,traffic_B,tokens_per_s,share\n\"a,\"\"b\"\"\n\",0.1,1e+300,5,\n"
            "\n# none\nx\n");
}

TEST(JsonString, is_valid_for_any_bytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    bytes += static_cast<char>(255 - i);
  }
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    std::string out;
    append_json_string(out, std::string_view(bytes).substr(cut));
    EXPECT_TRUE(nlohmann::json::accept(out)) << cut;
  }
  std::string kept;
  append_json_string(kept, "grüße \xF0\x9F\x98\x80");
  EXPECT_EQ(kept, "\"grüße \xF0\x9F\x98\x80\"");
}

}  // namespace
}  // namespace fastpath
