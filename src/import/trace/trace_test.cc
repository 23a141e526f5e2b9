#include "import/trace/trace.h"

#include <string>

#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include "import/trace/decimal_time.h"
#include "import/trace/text_table.h"

namespace fastpath {
namespace {

using testing::ElementsAre;

std::string span(std::string_view name, std::string_view start, std::string_view duration) {
  return std::string(R"({"ph": "X", "cat": "kernel", "name": ")") + std::string(name) +
         R"(", "pid": 0, "tid": 7, "ts": )" + std::string(start) + R"(, "dur": )" +
         std::string(duration) + R"(, "args": {"stream": 7, "device": 0}})";
}

Trace read(const std::string& text) {
  const auto trace = parse_trace(text, "test.json");
  EXPECT_TRUE(trace) << trace.error().front().what;
  return trace ? trace->value : Trace{};
}

TEST(trace_reader, times_since_the_epoch_are_exact_to_the_nanosecond) {
  const Trace trace = read("[" + span("a", "1712195495406752.834", "0.001") + "," +
                           span("b", "1712195495406752.835", "2") + "]");
  ASSERT_EQ(trace.events.size(), 2U);
  EXPECT_EQ(trace.events[0].start, 0);
  EXPECT_EQ(trace.events[0].end(), 1000);
  EXPECT_EQ(trace.events[1].start, 1000);
  EXPECT_TRUE(trace.epoch_base);
}

TEST(trace_reader, metadata_count_before_and_behind_the_events) {
  const std::string events = R"("traceEvents": [)" + span("a", "5", "1") + "]";
  const std::string rank = R"("distributedInfo": {"rank": 3, "world_size": 8})";
  EXPECT_EQ(read("{" + rank + ", " + events + "}").rank, 3);
  EXPECT_EQ(read("{" + events + ", " + rank + "}").rank, 3);
}

TEST(trace_reader, a_file_s_name_tells_the_rank_where_nothing_else_does) {
  EXPECT_EQ(parse_trace("[]", "run/rank-34.json")->value.rank, 34);
  EXPECT_EQ(parse_trace("[]", "worker5.json")->value.rank, 5);
  EXPECT_EQ(parse_trace("[]", "step.json")->value.rank, -1);
}

TEST(trace_reader, broken_events_are_left_out_and_counted) {
  const Trace trace = read("[" + span("a", "1", "1") + R"(, {"ph": "X" "name": 1}, 7, )" +
                           span("b", "3", "1") + "]");
  EXPECT_EQ(trace.events.size(), 2U);
  EXPECT_EQ(trace.repairs.skipped_events, 2);
}

TEST(trace_reader, a_file_without_its_end_keeps_what_is_whole) {
  const std::string text = "[" + span("a", "1", "1") + ", " + span("b", "3", "1");
  const Trace trace = read(text.substr(0, text.size() - 4));
  EXPECT_EQ(trace.events.size(), 1U);
  EXPECT_TRUE(trace.repairs.cut_off);
}

TEST(trace_reader, negative_huge_and_nan_values_are_repaired_and_counted) {
  const Trace trace =
      read("[" + span("a", "1", "-1") + "," + span("b", "2", "1e15") + "," + span("c", "NaN", "1") +
           "," + span("d", "9e17", "1") + "," + span("a", "1", "-1") + "]");
  EXPECT_EQ(trace.repairs.absurd_durations, 3);
  EXPECT_EQ(trace.repairs.skipped_events, 1);
  EXPECT_GE(trace.repairs.absurd_times, 1);
}

TEST(trace_reader, control_characters_in_strings_are_blanks) {
  const Trace trace = read("[" +
                           span("a\x01"
                                "b",
                                "1", "1") +
                           "]");
  ASSERT_EQ(trace.events.size(), 1U);
  EXPECT_EQ(trace.names[trace.events[0].name], "a b");
  EXPECT_EQ(trace.repairs.control_characters, 1);
}

TEST(trace_reader, bytes_that_are_not_utf_8_are_question_marks) {
  const Trace trace = read("[" + span("a\xff", "1", "1") + "]");
  ASSERT_EQ(trace.events.size(), 1U);
  EXPECT_EQ(trace.names[trace.events[0].name], "a?");
}

TEST(trace_reader, begin_and_end_make_a_span) {
  const Trace trace = read(R"([{"ph": "B", "name": "a", "pid": 1, "tid": 1, "ts": 10},
               {"ph": "B", "name": "b", "pid": 1, "tid": 1, "ts": 12},
               {"ph": "E", "pid": 1, "tid": 1, "ts": 13},
               {"ph": "E", "pid": 1, "tid": 1, "ts": 20},
               {"ph": "E", "pid": 1, "tid": 1, "ts": 21}])");
  ASSERT_EQ(trace.events.size(), 2U);
  EXPECT_EQ(trace.names[trace.events[0].name], "b");
  EXPECT_EQ(trace.events[1].duration, 10'000'000);
  EXPECT_EQ(trace.repairs.unmatched_begin_end, 1);
}

TEST(trace_reader, a_stream_is_read_of_device_work_only) {
  const Trace trace = read(
      R"([{"ph": "X", "cat": "cpu_op", "name": "triton", "pid": 1, "tid": 1, "ts": 1, "dur": 1,
           "args": {"stream": 7}}])");
  ASSERT_EQ(trace.lanes.size(), 1U);
  EXPECT_EQ(trace.lanes[0].stream, -1);
}

TEST(trace_reader, gzip_and_zstd_are_unpacked) {
  const std::string text = "[" + span("a", "1", "1") + "]";
  std::string zstd(ZSTD_compressBound(text.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), text.data(), text.size(), 3));
  EXPECT_EQ(read(zstd).events.size(), 1U);
  std::string gzip(1000, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(gzip.data());
  stream.avail_out = static_cast<uInt>(gzip.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  gzip.resize(stream.total_out);
  deflateEnd(&stream);
  EXPECT_EQ(read(gzip).events.size(), 1U);
  EXPECT_EQ(read(gzip + gzip).events.size(), 1U) << "the text ends with the array";
  const auto cut = parse_trace(std::string_view(gzip).substr(0, gzip.size() / 2), "cut.gz");
  EXPECT_TRUE(!cut || !cut->warnings.empty());
}

TEST(trace_reader, what_is_no_trace_is_refused) {
  EXPECT_FALSE(parse_trace("", "x"));
  EXPECT_FALSE(parse_trace("{}", "x"));
  EXPECT_FALSE(parse_trace("hello", "x"));
}

TEST(trace_reader, streams_of_xla_devices_hold_the_work) {
  const Trace trace = read(
      R"json([{"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "/device:GPU:0"}},
          {"ph": "M", "name": "thread_name", "pid": 1, "tid": 2,
           "args": {"name": "Stream #13(Compute)"}},
          {"ph": "M", "name": "thread_name", "pid": 1, "tid": 3, "args": {"name": "XLA Ops"}},
          {"ph": "X", "name": "fusion.1", "pid": 1, "tid": 2, "ts": 1, "dur": 5},
          {"ph": "X", "name": "fusion.1", "pid": 1, "tid": 3, "ts": 1, "dur": 5}])json");
  ASSERT_EQ(trace.events.size(), 2U);
  EXPECT_EQ(trace.events[0].kind, EventKind::kernel);
  EXPECT_EQ(trace.events[1].kind, EventKind::device_annotation);
}

TEST(decimal_time, keeps_every_digit_down_to_a_picosecond) {
  const auto time = parse_microseconds("1712195495406752.8349999");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->whole, 1712195495406752);
  EXPECT_EQ(time->picoseconds, 834999);
  EXPECT_EQ(parse_microseconds("-1.5")->picoseconds, -500000);
  EXPECT_EQ(parse_microseconds("1.5e3")->whole, 1500);
  EXPECT_FALSE(parse_microseconds("x"));
  EXPECT_FALSE(parse_microseconds(""));
  EXPECT_FALSE(parse_microseconds("99999999999999999999"));
}

TEST(text_table, resolves_escapes_once) {
  TextTable texts;
  EXPECT_EQ(texts.add("a/b"), texts.add("a\\/b"));
  texts.add("\\u00e9\\n");
  texts.add("\\ud83d\\ude00");
  texts.add("\\ud800");
  EXPECT_THAT(texts.take(), ElementsAre("a/b", "\u00e9\n", "\U0001F600", "\ufffd"));
}

}  // namespace
}  // namespace fastpath
