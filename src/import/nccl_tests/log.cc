#include "import/nccl_tests/log.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "import/collectives/rows.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kMostRows = 100'000;
constexpr std::size_t kMostMistakes = 100;
constexpr std::size_t kLongestLine = 4096;

constexpr std::array<std::string_view, 19> kTypes{
    "float",  "half",   "bfloat16", "double", "int8",     "uint8",    "int32",
    "uint32", "int64",  "uint64",   "char",   "fp8_e4m3", "fp8_e5m2", "f8e4m3",
    "f8e5m2", "float8", "fp16",     "fp32",   "fp8"};

bool is_type(std::string_view word) {
  return std::find(kTypes.begin(), kTypes.end(), word) != kTypes.end();
}

bool is_figure(std::string_view word) { return parse_number(word).has_value(); }

/// Launchers put the rank in front of each line.
std::string_view without_prefix(std::string_view line) {
  if (line.starts_with('[')) {
    const std::size_t end = line.find(">:");
    if (end != line.npos && end < 40) line = line.substr(end + 2);
  }
  std::size_t digits = 0;
  while (digits < line.size() && line[digits] >= '0' && line[digits] <= '9')
    ++digits;
  if (digits > 0 && digits < 7 && line.substr(digits).starts_with(": ")) {
    line = line.substr(digits + 2);
  }
  return trim(line);
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  void read_line(std::string_view line, int number);
  Result<Imported<CollectiveLog>> finish();

 private:
  void read_comment(std::string_view line);
  void read_rank(const std::vector<std::string_view>& parts);
  void read_row(const std::vector<std::string_view>& parts, int number);
  void guess_ranks();
  void mistake(int line, std::string what, std::string hint = {}) {
    if (errors_.size() < kMostMistakes) {
      errors_.push_back({{file_, line, 1}, std::move(what), std::move(hint)});
    }
  }

  const std::string& file_;
  CollectiveLog log_;
  std::set<std::string> hosts_;
  std::set<std::string> devices_;
  std::int64_t wrong_ = 0;
  Diagnostics errors_;
  Diagnostics warnings_;
};

/// "#  Rank  0 Group  0 Pid  123 on  node1 device  0 [0x07] NVIDIA H100 80GB HBM3".
void Reader::read_rank(const std::vector<std::string_view>& parts) {
  const auto on = std::find(parts.begin(), parts.end(), "on");
  const auto device = std::find(parts.begin(), parts.end(), "device");
  if (on == parts.end() || device == parts.end() || on + 1 >= parts.end()) return;
  log_.ranks += 1;
  hosts_.insert(std::string(on[1]));
  const auto bus =
      std::find_if(device, parts.end(), [](std::string_view p) { return p.ends_with(']'); });
  std::string name;
  for (auto part = bus == parts.end() ? bus : bus + 1; part < parts.end(); ++part)
    name += (name.empty() ? "" : " ") + std::string(*part);
  if (!name.empty() && devices_.size() < 16) devices_.insert(name);
}

void Reader::read_comment(std::string_view line) {
  const std::vector<std::string_view> parts = words(line);
  if (std::find(parts.begin(), parts.end(), "Rank") != parts.end()) {
    read_rank(parts);
    return;
  }
  for (std::string_view part : parts) {
    const std::size_t end = part.find("_perf");
    if (end == part.npos || log_.collective) continue;
    part = part.substr(0, end);
    const std::size_t slash = part.rfind('/');
    if (slash != part.npos) part = part.substr(slash + 1);
    log_.collective = parse_collective(part);
  }
}

/// size count type [redop] [root] time algbw busbw wrong [time algbw busbw wrong].
void Reader::read_row(const std::vector<std::string_view>& parts, int number) {
  std::size_t first = 3;
  while (first < parts.size() && !is_figure(parts[first]) && parts[first] != "N/A")
    ++first;
  const std::size_t rest = parts.size() - first;
  // A root column makes an odd count of figures.
  if (rest == 5 || rest == 9) ++first;
  if (rest < 3 || parts.size() < first + 3) {
    mistake(number, "a row without time and bandwidth",
            "paste whole lines: size, count, type, ..., time, algbw, busbw");
    return;
  }
  const auto bytes = parse_number(parts[0]);
  const auto time = parse_number(parts[first]);
  const auto algbw = parse_number(parts[first + 1]);
  const auto busbw = parse_number(parts[first + 2]);
  if (!bytes || !time || !algbw || !busbw || *bytes < 0 || *bytes > 1e15 || *time < 0 ||
      *time > 1e12 || *algbw < 0 || *busbw < 0) {
    mistake(number, "size, time or bandwidth is not a number in range");
    return;
  }
  CollectiveLogRow row;
  row.bytes = Bytes{*bytes};
  row.type = std::string(parts[2]);
  row.time = Seconds{*time * 1e-6};
  row.algbw = BytesPerSecond{*algbw * 1e9};
  row.busbw = BytesPerSecond{*busbw * 1e9};
  row.line = number;
  if (parts.size() > first + 3) row.wrong = parse_integer(parts[first + 3]).value_or(0);
  wrong_ += row.wrong > 0 ? 1 : 0;
  if (row.bytes <= Bytes{} || row.time <= Seconds{}) return;
  if (log_.rows.size() >= kMostRows) {
    if (errors_.empty()) mistake(number, "more than 100,000 rows");
    return;
  }
  log_.rows.push_back(std::move(row));
}

void Reader::read_line(std::string_view line, int number) {
  line = without_prefix(line.substr(0, kLongestLine));
  if (line.starts_with('#') || line.find("_perf") != line.npos) {
    read_comment(line);
    return;
  }
  const std::vector<std::string_view> parts = words(line);
  const bool row =
      parts.size() >= 3 && parse_integer(parts[0]) && parse_integer(parts[1]) && is_type(parts[2]);
  if (row) read_row(parts, number);
}

/// busbw / algbw is 2 (p - 1) / p for all-reduce and (p - 1) / p for gathers.
void Reader::guess_ranks() {
  for (auto row = log_.rows.rbegin(); row != log_.rows.rend(); ++row) {
    if (row->algbw <= BytesPerSecond{}) continue;
    const double ratio = row->busbw / row->algbw;
    const double left = ratio > 1 ? 1 - ratio / 2 : 1 - ratio;
    if (left <= 1e-4 || left > 0.51) return;
    log_.ranks = std::lround(1 / left);
    warnings_.push_back({{file_, row->line, 1},
                         fmt::format("{} ranks, inferred from busbw / algbw", log_.ranks),
                         "keep the lines that name the ranks, or give --devices"});
    return;
  }
}

Result<Imported<CollectiveLog>> Reader::finish() {
  if (errors_.empty() && log_.rows.empty()) {
    mistake(0, "no row of an nccl-tests table",
            "expected lines such as '1048576 262144 float sum -1 28.5 36.8 64.4 0 ...'");
  }
  if (!errors_.empty()) return failure(std::move(errors_));
  if (log_.ranks == 0) guess_ranks();
  if (wrong_ > 0) {
    warnings_.push_back({{file_, 0, 0},
                         fmt::format("{} rows with wrong elements", wrong_),
                         "the times are of a broken run: check the fabric and the drivers first"});
  }
  log_.hosts = static_cast<std::int64_t>(hosts_.size());
  log_.devices.assign(devices_.begin(), devices_.end());
  return Imported<CollectiveLog>{std::move(log_), std::move(warnings_)};
}

}  // namespace

Result<Imported<CollectiveLog>> read_nccl_tests_log(std::string_view text,
                                                    const std::string& file) {
  if (text.size() > kMostBytes) return failure({file, 0, 0}, "the log is larger than 16 MiB");
  Reader reader(file);
  int number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    reader.read_line(text.substr(start, end - start), ++number);
    start = end + 1;
  }
  return reader.finish();
}

}  // namespace fastpath
