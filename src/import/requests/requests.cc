#include "import/requests/requests.h"

#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "import/csv/csv.h"

namespace fastpath {
namespace {

constexpr std::int64_t kPrefixTokens = 512;
constexpr double kMostTokens = 1e9;
constexpr double kMostSeconds = 1e9;
constexpr std::size_t kMostNames = 1u << 20;

class Reader {
 public:
  explicit Reader(const CsvTable& table) : table_(table) {}

  Result<RequestTrace> read() {
    find_columns();
    if (!errors_.empty()) return failure(std::move(errors_));
    trace_.stream.chunk = kPrefixTokens;
    for (const auto& row : table_.rows)
      read_row(row);
    if (trace_.stream.requests.empty() && errors_.empty()) {
      errors_.push_back({{table_.file, 1, 1}, "no requests", {}});
    }
    if (!errors_.empty()) return failure(std::move(errors_));
    return std::move(trace_);
  }

 private:
  void find_columns() {
    seconds_ = table_.column("arrival_s");
    arrival_ = seconds_ ? seconds_ : table_.column("arrival_ms");
    input_ = table_.column("input_tokens");
    output_ = table_.column("output_tokens");
    prefix_ = table_.column("prefix_block_ids");
    queue_ = table_.column("queue_s");
    ttft_ = table_.column("ttft_s");
    latency_ = table_.column("latency_s");
    const auto need = [&](bool there, const char* name) {
      if (there) return;
      errors_.push_back({{table_.file, 1, 1}, fmt::format("no column '{}'", name), {}});
    };
    need(arrival_.has_value(), "arrival_s");
    need(input_.has_value(), "input_tokens");
    need(output_.has_value(), "output_tokens");
    if (ttft_ || latency_) {
      need(ttft_.has_value(), "ttft_s");
      need(latency_.has_value(), "latency_s");
    }
  }

  double number(const CsvCell& cell, double most) {
    const auto value = parse_number(cell.text);
    if (value && *value >= 0 && *value <= most) return *value;
    mistake(cell, fmt::format("{} is not a number from 0 to {:g}", in_quotes(cell.text), most));
    return 0;
  }

  std::int64_t tokens(const CsvCell& cell) {
    const double value = number(cell, kMostTokens);
    if (value != std::floor(value)) mistake(cell, "tokens are whole numbers");
    // An answer or prompt of no tokens still takes one.
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(value));
  }

  void mistake(const CsvCell& cell, std::string what) {
    if (errors_.size() < 100) errors_.push_back({table_.place(cell), std::move(what), {}});
  }

  void read_row(const std::vector<CsvCell>& row) {
    Request request;
    const double scale = seconds_ ? 1 : 1e-3;
    request.arrival = Seconds{scale * number(row[*arrival_], kMostSeconds / scale)};
    request.input = tokens(row[*input_]);
    request.output = tokens(row[*output_]);
    if (prefix_) read_names(row[*prefix_], request.prefix);
    auto& requests = trace_.stream.requests;
    if (!requests.empty() && request.arrival < requests.back().arrival) {
      mistake(row[*arrival_], "arrives before the request above it");
    }
    requests.push_back(std::move(request));
    if (!latency_) return;
    MeasuredRequest measured;
    if (queue_) measured.queue = Seconds{number(row[*queue_], kMostSeconds)};
    measured.ttft = Seconds{number(row[*ttft_], kMostSeconds)};
    measured.latency = Seconds{number(row[*latency_], kMostSeconds)};
    trace_.measured.push_back(measured);
  }

  void read_names(const CsvCell& cell, std::vector<std::uint64_t>& names) {
    std::string_view rest = cell.text;
    while (!rest.empty()) {
      const std::size_t space = rest.find(' ');
      const std::string_view word = rest.substr(0, space);
      rest = space == rest.npos ? std::string_view{} : rest.substr(space + 1);
      if (word.empty()) continue;
      const std::size_t dash = word.find('-');
      const auto first = parse_number(word.substr(0, dash));
      const auto last = dash == word.npos ? first : parse_number(word.substr(dash + 1));
      const bool whole = first && last && *first >= 0 && *last >= *first && *last < 1e15 &&
                         *first == std::floor(*first) && *last == std::floor(*last);
      if (!whole || *last - *first >= static_cast<double>(kMostNames - names.size())) {
        mistake(cell, fmt::format("{} is neither a block's number nor a run a-b", in_quotes(word)));
        return;
      }
      for (auto name = static_cast<std::uint64_t>(*first);
           name <= static_cast<std::uint64_t>(*last); ++name)
        names.push_back(name);
    }
  }

  const CsvTable& table_;
  RequestTrace trace_;
  Diagnostics errors_;
  std::optional<std::size_t> seconds_;
  std::optional<std::size_t> arrival_;
  std::optional<std::size_t> input_;
  std::optional<std::size_t> output_;
  std::optional<std::size_t> prefix_;
  std::optional<std::size_t> queue_;
  std::optional<std::size_t> ttft_;
  std::optional<std::size_t> latency_;
};

}  // namespace

Result<RequestTrace> read_requests(std::string_view text, const std::string& file) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  return Reader(*table).read();
}

}  // namespace fastpath
