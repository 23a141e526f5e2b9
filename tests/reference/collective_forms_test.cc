// Closed forms against those of a published network simulator, and the share by which they differ.
#include "model/collective_forms.h"

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "base/text.h"
#include "import/csv/csv.h"
#include "shared.h"

namespace fastpath {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

struct Known {
  CollectiveAlgorithm algorithm;
  Collective collective;
};

TEST(Reference, closed_forms_agree_with_those_of_simgrid_runs) {
  const auto path = shared_path("measurements/peers/netsim_reference.csv");
  FASTPATH_REFERENCE_OR_SKIP(path);
  const std::map<std::string, Known> known{
      {"allreduce lr", {CollectiveAlgorithm::ring, Collective::all_reduce}},
      {"allreduce rdb", {CollectiveAlgorithm::doubling, Collective::all_reduce}},
      {"allreduce rab_rdb", {CollectiveAlgorithm::halving, Collective::all_reduce}},
      {"allgather ring", {CollectiveAlgorithm::ring, Collective::all_gather}},
      {"alltoall pair", {CollectiveAlgorithm::pairwise, Collective::all_to_all}},
      {"alltoall ring", {CollectiveAlgorithm::pairwise, Collective::all_to_all}}};
  const auto table = parse_csv(text_of(path), path.string());
  ASSERT_TRUE(table);
  const auto cell = [&](const auto& row, std::string_view name) {
    return row[*table->column(name)].text;
  };
  const auto number = [&](const auto& row, std::string_view name) {
    return parse_number(cell(row, name)).value_or(0);
  };
  int compared = 0;
  for (const auto& row : table->rows) {
    const auto found = known.find(cell(row, "collective") + " " + cell(row, "algorithm"));
    if (found == known.end() || cell(row, "closed_form_us").empty()) continue;
    const auto form =
        collective_form(found->second.algorithm, found->second.collective, number(row, "ranks"));
    ASSERT_TRUE(form);
    // A message crosses two links of the switch.
    const double latency_us = 2 * number(row, "link_latency_ns") * 1e-3;
    const double us = form->messages * latency_us +
                      form->volume * number(row, "bytes") / (number(row, "link_GBps") * 1e3);
    EXPECT_NEAR(us / number(row, "closed_form_us"), 1, 2e-3) << cell(row, "id");
    ++compared;
  }
  EXPECT_GE(compared, 30);
}

}  // namespace
}  // namespace fastpath
