#include "import/collectives/rows.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "import/csv/csv.h"
#include "ir/names.h"

namespace fastpath {
namespace {

constexpr std::size_t kMostMistakes = 100;
constexpr std::size_t kMostRows = 2'000'000;
constexpr double kMostBytes = 1e15;
constexpr double kMostMicroseconds = 1e12;
constexpr long long kMostRanks = 10'000'000;

class Reader {
 public:
  explicit Reader(const CsvTable& table) : table_(table) {}

  Result<Imported<std::vector<CollectiveRow>>> read();

 private:
  std::string text(const std::vector<CsvCell>& row, std::string_view column) const;
  Place place(const std::vector<CsvCell>& row, std::string_view column) const;
  void mistake(const std::vector<CsvCell>& row, std::string_view column, std::string what,
               std::string hint = {});
  std::optional<std::int64_t> count(const std::vector<CsvCell>& row, std::string_view column);
  std::optional<double> number(const std::vector<CsvCell>& row, std::string_view column,
                               std::string_view text, double most);
  void read_run(const std::vector<CsvCell>& row);
  void read_points(const std::vector<CsvCell>& row, const CollectiveRow& run);
  void add(const std::vector<CsvCell>& row, CollectiveRow measurement);

  const CsvTable& table_;
  Diagnostics errors_;
  Imported<std::vector<CollectiveRow>> result_;
};

std::string Reader::text(const std::vector<CsvCell>& row, std::string_view column) const {
  const auto at = table_.column(column);
  return at ? row[*at].text : std::string{};
}

Place Reader::place(const std::vector<CsvCell>& row, std::string_view column) const {
  const auto at = table_.column(column);
  return table_.place(at ? row[*at] : row.front());
}

void Reader::mistake(const std::vector<CsvCell>& row, std::string_view column, std::string what,
                     std::string hint) {
  if (errors_.size() >= kMostMistakes) return;
  errors_.push_back({place(row, column), std::move(what), std::move(hint)});
}

std::optional<std::int64_t> Reader::count(const std::vector<CsvCell>& row,
                                          std::string_view column) {
  const auto value = parse_integer(text(row, column));
  if (value && *value >= 1 && *value <= kMostRanks) return *value;
  mistake(row, column,
          fmt::format("{} must be a whole number from 1 to {}, not {}", column, kMostRanks,
                      in_quotes(text(row, column))));
  return std::nullopt;
}

std::optional<double> Reader::number(const std::vector<CsvCell>& row, std::string_view column,
                                     std::string_view text, double most) {
  const auto value = parse_number(text);
  if (value && *value >= 0 && *value <= most) return value;
  mistake(row, column, fmt::format("{} is not a number from 0 to {:g}", in_quotes(text), most));
  return std::nullopt;
}

void Reader::add(const std::vector<CsvCell>& row, CollectiveRow measurement) {
  if (measurement.bytes <= Bytes{} || measurement.time <= Seconds{}) {
    if (result_.warnings.size() < kMostMistakes) {
      result_.warnings.push_back(
          {place(row, "collective"),
           fmt::format("{} moves nothing or takes no time: left out", in_quotes(measurement.id)),
           {}});
    }
    return;
  }
  if (result_.value.size() >= kMostRows) {
    if (result_.value.size() == kMostRows) mistake(row, "points", "more than 2,000,000 points");
    return;
  }
  result_.value.push_back(std::move(measurement));
}

/// Splits "coll-00012" into "coll-" and 12, the width kept.
std::string numbered(std::string_view first, long long delta) {
  const std::size_t digits = first.find_last_not_of("0123456789");
  const std::size_t start = digits == std::string_view::npos ? 0 : digits + 1;
  const std::string_view tail = first.substr(start);
  const long long base = parse_integer(tail).value_or(0);
  return fmt::format("{}{:0{}}", first.substr(0, start), base + delta,
                     std::min<std::size_t>(tail.size(), 18));
}

void Reader::read_points(const std::vector<CsvCell>& row, const CollectiveRow& run) {
  const std::string points = text(row, "points [id B us]");
  const std::string first = text(row, "first_id");
  for (const std::string_view point : words(points)) {
    const std::vector<std::string_view> parts = split(point, ':');
    const auto delta = parts.size() == 3 ? parse_integer(parts[0]) : std::nullopt;
    if (!delta || *delta < 0 || *delta > 1'000'000'000) {
      mistake(row, "points [id B us]", fmt::format("{} is not a point", in_quotes(point)),
              "write id+:bytes:time, for example 0:512:8.98");
      continue;
    }
    const auto bytes = number(row, "points [id B us]", parts[1], kMostBytes);
    const auto time = number(row, "points [id B us]", parts[2], kMostMicroseconds);
    if (!bytes || !time) continue;
    CollectiveRow measurement = run;
    measurement.id = numbered(first, *delta);
    measurement.bytes = Bytes{*bytes};
    measurement.time = Seconds{*time * 1e-6};
    add(row, std::move(measurement));
  }
}

void Reader::read_run(const std::vector<CsvCell>& row) {
  CollectiveRow run;
  run.device = text(row, "device");
  run.source = text(row, "source");
  run.location = text(row, "location");
  run.hardware = text(row, "hardware");
  run.intra = text(row, "interconnect_intra");
  run.inter = text(row, "interconnect_inter");
  run.notes = text(row, "notes");
  const std::string name = text(row, "collective");
  const auto collective = parse_collective(name);
  if (!collective) {
    mistake(row, "collective", fmt::format("unknown collective {}", in_quotes(name)),
            did_you_mean(name, all_names<Collective>()));
  }
  const auto ranks = count(row, "n_devices");
  const bool stated = !text(row, "gpus_per_node").empty();
  const auto per_node = stated ? count(row, "gpus_per_node") : ranks;
  if (!collective || !ranks || !per_node) return;
  run.collective = *collective;
  run.ranks = *ranks;
  run.per_node = *per_node;
  if (table_.column("points [id B us]")) {
    read_points(row, run);
    return;
  }
  run.id = text(row, "id").empty() ? fmt::format("line {}", row.front().line) : text(row, "id");
  const auto bytes = number(row, "bytes", text(row, "bytes"), kMostBytes);
  const auto time = number(row, "time_us", text(row, "time_us"), kMostMicroseconds);
  if (!bytes || !time) return;
  run.bytes = Bytes{*bytes};
  run.time = Seconds{*time * 1e-6};
  add(row, std::move(run));
}

Result<Imported<std::vector<CollectiveRow>>> Reader::read() {
  const bool packed = table_.column("points [id B us]").has_value();
  std::vector<std::string> required{"n_devices", "collective"};
  if (packed) {
    required.emplace_back("first_id");
  } else {
    required.emplace_back("bytes");
    required.emplace_back("time_us");
  }
  for (const std::string& column : required) {
    if (table_.column(column)) continue;
    errors_.push_back({{table_.file, 1, 1}, fmt::format("no column '{}'", column), {}});
  }
  if (!errors_.empty()) return failure(std::move(errors_));
  for (const std::vector<CsvCell>& row : table_.rows)
    read_run(row);
  if (!errors_.empty()) return failure(std::move(errors_));
  return std::move(result_);
}

}  // namespace

std::optional<Collective> parse_collective(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Collective>, 8> kOthers{
      {{"alltoall", Collective::all_to_all},
       {"all2all", Collective::all_to_all},
       {"allreduce", Collective::all_reduce},
       {"allgather", Collective::all_gather},
       {"reducescatter", Collective::reduce_scatter},
       {"sendrecv", Collective::send_recv},
       {"bcast", Collective::broadcast},
       {"p2p", Collective::send_recv}}};
  if (const auto known = parse_name<Collective>(name)) {
    return *known == Collective::none ? std::nullopt : known;
  }
  for (const auto& [other, collective] : kOthers) {
    if (other == name) return collective;
  }
  return std::nullopt;
}

Result<Imported<std::vector<CollectiveRow>>> read_collective_rows(std::string_view text,
                                                                  const std::string& file) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  return Reader(*table).read();
}

}  // namespace fastpath
