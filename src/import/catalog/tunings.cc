#include "import/catalog/tunings.h"

#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "import/csv/csv.h"
#include "ir/names.h"

namespace fastpath {
namespace {

/// A column with a number: where it goes, in which unit, and what it may be.
struct Number {
  std::string_view column;
  double unit;
  double most;
  double (*get)(const CollectiveTuning&);
  void (*set)(CollectiveTuning&, double);
};

#define FASTPATH_LINE(name, member)                                                \
  Number{name "_base [us]", 1e-6, 1e6,                                             \
         [](const CollectiveTuning& t) { return t.member.base.base(); },           \
         [](CollectiveTuning& t, double x) { t.member.base = Seconds{x}; }},       \
      Number{name "_hop [us]", 1e-6, 1e6,                                          \
             [](const CollectiveTuning& t) { return t.member.hop.base(); },        \
             [](CollectiveTuning& t, double x) { t.member.hop = Seconds{x}; }},    \
      Number {                                                                     \
    name "_share", 1, 1, [](const CollectiveTuning& t) { return t.member.share; }, \
        [](CollectiveTuning& t, double x) { t.member.share = x; }                  \
  }

#define FASTPATH_BAND(name, member)                                                 \
  Number{name "_low", 1, 1, [](const CollectiveTuning& t) { return t.member.low; }, \
         [](CollectiveTuning& t, double x) { t.member.low = x; }},                  \
      Number {                                                                      \
    name "_high", 1, 100, [](const CollectiveTuning& t) { return t.member.high; },  \
        [](CollectiveTuning& t, double x) { t.member.high = x; }                    \
  }

const std::array<Number, 39>& numbers() {
  static const std::array<Number, 39> all{
      FASTPATH_LINE("simple", ring[0]),
      FASTPATH_LINE("ll128", ring[1]),
      FASTPATH_LINE("ll", ring[2]),
      FASTPATH_LINE("pairwise", pairwise[0]),
      FASTPATH_LINE("pairwise_ll", pairwise[2]),
      FASTPATH_LINE("nvls", nvls),
      FASTPATH_LINE("one_shot", one_shot),
      FASTPATH_LINE("two_shot", two_shot),
      Number{"few_ranks", 1, 100, [](const CollectiveTuning& t) { return t.few_ranks; },
             [](CollectiveTuning& t, double x) { t.few_ranks = x; }},
      Number{"nvls_ranks", 1, 1e6,
             [](const CollectiveTuning& t) { return static_cast<double>(t.nvls_ranks); },
             [](CollectiveTuning& t, double x) {
               t.nvls_ranks = static_cast<std::int64_t>(std::ceil(x));
             }},
      Number{"handover [MiB]", 0x1p20, 1e15,
             [](const CollectiveTuning& t) { return t.handover.base(); },
             [](CollectiveTuning& t, double x) { t.handover = Bytes{x}; }},
      Number{"host [us]", 1e-6, 1e6, [](const CollectiveTuning& t) { return t.host.base(); },
             [](CollectiveTuning& t, double x) { t.host = Seconds{x}; }},
      Number{"copy_share", 1, 1e6, [](const CollectiveTuning& t) { return t.copy; },
             [](CollectiveTuning& t, double x) { t.copy = x; }},
      FASTPATH_BAND("seen_small", seen[0]),
      FASTPATH_BAND("seen_large", seen[1]),
      FASTPATH_BAND("unseen_small", unseen[0]),
      FASTPATH_BAND("unseen_large", unseen[1]),
      Number{"spread", 1, 1e3, [](const CollectiveTuning& t) { return t.spread; },
             [](CollectiveTuning& t, double x) { t.spread = x; }},
      Number{"rows", 1, 1e12, [](const CollectiveTuning& t) { return static_cast<double>(t.rows); },
             [](CollectiveTuning& t, double x) { t.rows = static_cast<std::size_t>(x); }},
  };
  return all;
}

#undef FASTPATH_LINE
#undef FASTPATH_BAND

/// `corrections`: `collective/ranks@first_octave: log_ratio ...`, joined by ";".
constexpr std::array<std::string_view, 8> kWords{"library",    "links",  "systems", "corrections",
                                                 "confidence", "source", "locator", "date"};

class Reader {
 public:
  explicit Reader(const CsvTable& table) : table_(table) {}
  Result<std::vector<TuningRow>> read();

 private:
  const CsvCell& cell(std::size_t row, std::string_view column) const {
    return table_.rows[row][*table_.column(column)];
  }
  void mistake(const CsvCell& at, std::string what, std::string hint = {}) {
    if (errors_.size() < 100)
      errors_.push_back({table_.place(at), std::move(what), std::move(hint)});
  }
  void read_number(std::size_t row, const Number& number, CollectiveTuning& tuning);
  void read_corrections(std::size_t row, CollectiveTuning& tuning);
  std::optional<CollectiveCorrection> correction(const CsvCell& at, std::string_view text);

  const CsvTable& table_;
  Diagnostics errors_;
};

void Reader::read_number(std::size_t row, const Number& number, CollectiveTuning& tuning) {
  const CsvCell& at = cell(row, number.column);
  if (at.text.empty()) return;
  const auto value = parse_number(at.text);
  if (!value || *value < 0 || *value * number.unit > number.most) {
    mistake(at, fmt::format("{} must be a number from 0 to {:g}, not {}", number.column,
                            number.most / number.unit, in_quotes(at.text)));
    return;
  }
  number.set(tuning, *value * number.unit);
}

std::optional<CollectiveCorrection> Reader::correction(const CsvCell& at, std::string_view text) {
  constexpr double kMost = 3;
  const std::size_t slash = text.find('/');
  const std::size_t start = text.find('@');
  const std::size_t colon = text.find(':');
  if (slash == text.npos || start == text.npos || colon == text.npos || slash > start ||
      start > colon) {
    mistake(at, fmt::format("{} is not a correction", in_quotes(text)),
            "write collective/ranks@octave: log ratios");
    return std::nullopt;
  }
  CollectiveCorrection result;
  const auto collective = parse_name<Collective>(text.substr(0, slash));
  const auto ranks = parse_integer(text.substr(slash + 1, start - slash - 1));
  const auto octave = parse_integer(text.substr(start + 1, colon - start - 1));
  if (!collective || !ranks || !octave || *ranks < 2 || *octave < 0 || *octave > 60) {
    mistake(at, fmt::format("{} names no collective, ranks and octave", in_quotes(text)));
    return std::nullopt;
  }
  result.collective = *collective;
  result.ranks = *ranks;
  result.first_octave = static_cast<int>(*octave);
  for (const std::string_view word : words(text.substr(colon + 1))) {
    const auto value = parse_number(word);
    if (!value || std::abs(*value) > kMost || result.log_ratio.size() > 64) {
      mistake(at, fmt::format("{} is not a log ratio from -3 to 3", in_quotes(word)));
      return std::nullopt;
    }
    result.log_ratio.push_back(static_cast<float>(*value));
  }
  return result;
}

void Reader::read_corrections(std::size_t row, CollectiveTuning& tuning) {
  const CsvCell& at = cell(row, "corrections");
  if (at.text.empty()) return;
  for (const std::string_view part : split(at.text, ';')) {
    if (auto one = correction(at, part)) tuning.corrections.push_back(std::move(*one));
  }
}

Result<std::vector<TuningRow>> Reader::read() {
  std::vector<std::string> required(kWords.begin(), kWords.end());
  for (const Number& number : numbers())
    required.emplace_back(number.column);
  errors_ = check_columns(table_, required, {});
  if (!errors_.empty()) return failure(std::move(errors_));
  std::vector<TuningRow> rows(table_.rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    CollectiveTuning& tuning = rows[row].tuning;
    tuning.library = cell(row, "library").text;
    if (tuning.library.empty()) mistake(cell(row, "library"), "a row needs a library");
    for (const std::string_view link : words(cell(row, "links").text))
      rows[row].links.emplace_back(link);
    if (rows[row].links.empty()) mistake(cell(row, "links"), "a row needs a link");
    for (const std::string_view system : words(cell(row, "systems").text))
      tuning.systems.emplace_back(system);
    tuning.source = {cell(row, "source").text, cell(row, "locator").text, cell(row, "date").text,
                     cell(row, "confidence").text};
    for (const Number& number : numbers())
      read_number(row, number, tuning);
    if (tuning.ring[0].share <= 0) {
      mistake(cell(row, "simple_share"), "a library needs a ring with the Simple protocol",
              "fill simple_base, simple_hop and simple_share");
    }
    read_corrections(row, tuning);
  }
  if (!errors_.empty()) return failure(std::move(errors_));
  return rows;
}

std::string text_of(const CollectiveCorrection& correction) {
  std::string text = fmt::format("{}/{}@{}:", name_of(correction.collective), correction.ranks,
                                 correction.first_octave);
  for (const float value : correction.log_ratio)
    text += fmt::format(" {:.2f}", value == 0 ? 0.0F : value);
  return text;
}

}  // namespace

Result<TuningTable> TuningTable::parse(std::string_view text, const std::string& file) {
  const auto table = parse_csv(text, file);
  if (!table) return failure(table.error());
  const auto rows = Reader(*table).read();
  if (!rows) return failure(rows.error());
  std::map<std::string, std::vector<CollectiveTuning>> by_link;
  for (const TuningRow& row : *rows) {
    for (const std::string& link : row.links) {
      by_link[link].push_back(row.tuning);
      by_link[link].back().link = link;
    }
  }
  TuningTable result;
  for (auto& [link, tunings] : by_link) {
    result.by_link_[link] =
        std::make_shared<const std::vector<CollectiveTuning>>(std::move(tunings));
  }
  return result;
}

std::shared_ptr<const std::vector<CollectiveTuning>> TuningTable::of(std::string_view link) const {
  const auto found = by_link_.find(link);
  return found == by_link_.end() ? nullptr : found->second;
}

void TuningTable::add(const TuningTable& later) {
  for (const auto& [link, tunings] : later.by_link_) {
    std::vector<CollectiveTuning> all = *tunings;
    if (const auto before = of(link)) all.insert(all.end(), before->begin(), before->end());
    by_link_[link] = std::make_shared<const std::vector<CollectiveTuning>>(std::move(all));
  }
}

std::string write_tunings(std::span<const TuningRow> rows) {
  std::string out;
  for (const std::string_view word : kWords)
    out += fmt::format("{},", word);
  for (std::size_t i = 0; i < numbers().size(); ++i)
    out += fmt::format("{}{}", numbers()[i].column, i + 1 < numbers().size() ? "," : "\n");
  for (const auto& [tuning, links] : rows) {
    std::vector<std::string> corrections;
    for (const CollectiveCorrection& correction : tuning.corrections)
      corrections.push_back(text_of(correction));
    out += fmt::format("{},{},{},{},{},{},{},{},", csv_cell(tuning.library), fmt::join(links, " "),
                       fmt::join(tuning.systems, " "),
                       csv_cell(fmt::format("{}", fmt::join(corrections, ";"))),
                       csv_cell(tuning.source.confidence), csv_cell(tuning.source.cite),
                       csv_cell(tuning.source.locator), csv_cell(tuning.source.date));
    for (std::size_t i = 0; i < numbers().size(); ++i) {
      const double value = numbers()[i].get(tuning) / numbers()[i].unit;
      out += value == 0 ? "" : fmt::format("{:.4g}", value);
      out += i + 1 < numbers().size() ? ',' : '\n';
    }
  }
  return out;
}

}  // namespace fastpath
