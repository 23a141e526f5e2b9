#include "cli/measure_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastpath::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MeasuredCopy copy_of(const std::string& bus, CopyDirection direction, double size, double rate) {
  return {"GPU X",   bus,         HostMemory::pinned,
          direction, Bytes{size}, {.median = rate, .spread = 0.1}};
}

TEST(CopyFindings, without_a_device_say_so) {
  Findings findings;
  add_copies(findings, {}, "2026-11-29");
  EXPECT_THAT(findings.tables, IsEmpty());
  EXPECT_THAT(findings.notes, ElementsAre(HasSubstr("No GPU was found")));
}

TEST(CopyFindings, of_a_device_that_failed_do_not_say_that_there_is_none) {
  Findings findings;
  MeasuredCopies measured;
  measured.failures = {{{}, "cuInit failed", {}}};
  add_copies(findings, measured, "2026-11-29");
  EXPECT_THAT(findings.tables, IsEmpty());
  EXPECT_THAT(findings.notes, IsEmpty());
}

TEST(CopyFindings, have_a_row_for_each_copy_and_the_time_of_one) {
  Findings findings;
  MeasuredCopies measured;
  measured.copies = {copy_of("0", CopyDirection::to_host, 4e6, 2e9),
                     copy_of("0", CopyDirection::both, 4e6, 4e9)};
  add_copies(findings, measured, "2026-11-29");
  ASSERT_THAT(findings.tables, SizeIs(1));
  const Table& table = findings.tables.front();
  EXPECT_EQ(table.name, "copies");
  ASSERT_THAT(table.rows, SizeIs(2));
  EXPECT_EQ(table.rows[0][5], Cell{4e6 / 2e9});
  EXPECT_EQ(table.rows[1][5], Cell{8e6 / 4e9});  // both ways at once
}

TEST(CopyFindings, give_the_link_of_a_host_by_the_largest_copy_to_the_first_device) {
  Findings findings;
  MeasuredCopies measured;
  measured.copies = {copy_of("0", CopyDirection::to_device, 4e3, 1e9),
                     copy_of("0", CopyDirection::to_device, 4e6, 20e9),
                     copy_of("0", CopyDirection::to_host, 4e6, 30e9),
                     copy_of("1", CopyDirection::to_device, 8e6, 40e9)};
  measured.alike = 2;
  add_copies(findings, measured, "2026-11-29");
  EXPECT_THAT(
      findings.notes,
      ElementsAre("In a system whose devices are GPU X the host's link is: host: {link: {value: "
                  "20 GB/s, low: 18 GB/s, high: 22 GB/s, source: fastpath measure, date: "
                  "\"2026-11-29\", confidence: measured}}",
                  HasSubstr("2 are left out")));
}

}  // namespace
}  // namespace fastpath::cli
