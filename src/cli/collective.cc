
#include "fastpath/collective.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "fastpath/findings.h"

#include "base/text.h"
#include "base/units.h"
#include "cli/collective_rows.h"
#include "cli/emit.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/collectives/rows.h"
#include "import/nccl_tests/log.h"
#include "ir/names.h"
#include "ir/system.h"
#include "model/collective_diagnosis.h"
#include "model/collective_forms.h"
#include "model/network_model.h"
#include "validate/collective_validation.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 11> kFlags{{
    {"on", FlagKind::text, "SYSTEM", "system of the catalog, or a YAML file", "", false},
    {"devices", FlagKind::whole, "N", "ranks (default: those of the log, else all devices)", "",
     false},
    {"min", FlagKind::text, "SIZE", "smallest message, for example 8 or '1 KiB' (default 8)", "",
     false},
    {"max", FlagKind::text, "SIZE", "largest message, for example 8GiB (default)", "", false},
    {"library", FlagKind::text, "NAME",
     "nccl, oneccl, 'vllm graph', ... as the catalog has it for the link (default: its first)", "",
     false},
    {"integers", FlagKind::yes, "", "integer elements: never reduced in the switch", "", false},
    {"uncorrected", FlagKind::yes, "", "by the fitted constants alone, without local corrections",
     "", false},
    {"log", FlagKind::file, "FILE", "output of nccl-tests or rccl-tests to set beside it", "",
     false},
    {"validate", FlagKind::file, "FILE", "cross-validate on measurements (CSV)", "", false},
    {"calibrate", FlagKind::file, "FILE",
     "fit libraries and links to measurements (CSV) and print a table for catalog/collectives", "",
     false},
    {"catalog", FlagKind::file, "DIR", "a folder of your own over the catalog", "", false},
}};

constexpr std::uintmax_t kMostInput = std::uintmax_t{64} << 20;
constexpr Bytes kLargest{0x1p50};

struct CollectiveRequest {
  Collective collective = Collective::none;
  std::int64_t devices = 0;
  Bytes least{8};
  Bytes most{0x1p33};
  CollectiveOptions options;
  std::string library;
};

/// "8", "1 KiB", "8GiB", "4M" as nccl-tests has it.
Result<Bytes> size_from(const std::string& text, std::string_view flag) {
  std::string words = text;
  if (parse_number(words)) words += " B";
  if (!words.empty() && std::string_view("KMG").find(words.back()) != std::string_view::npos) {
    words += "iB";
  }
  const Place place{fmt::format("--{}", flag), 0, 0};
  const Result<Bytes> size = parse_quantity<Bytes>(words, place);
  if (!size) return failure(size.error());
  if (*size < Bytes{1} || *size > kLargest) {
    return failure(place, fmt::format("{} is not between 1 B and 1 PiB", in_quotes(text)));
  }
  return *size;
}

Result<CollectiveRequest> request_from(const Arguments& arguments) {
  CollectiveRequest request;
  Diagnostics mistakes;
  if (!arguments.operands().empty()) {
    const std::string& name = arguments.operands().front();
    if (const auto collective = parse_collective(name)) {
      request.collective = *collective;
    } else {
      mistakes.push_back({command_line(), fmt::format("unknown collective {}", in_quotes(name)),
                          did_you_mean(name, all_names<Collective>())});
    }
  }
  for (const auto& [flag, size] :
       {std::pair{"min", &request.least}, std::pair{"max", &request.most}}) {
    const auto text = arguments.text(flag);
    if (!text) continue;
    const Result<Bytes> parsed = size_from(*text, flag);
    if (parsed)
      *size = *parsed;
    else
      mistakes.insert(mistakes.end(), parsed.error().begin(), parsed.error().end());
  }
  if (mistakes.empty() && request.least > request.most) {
    mistakes.push_back({command_line(), "--min is above --max", {}});
  }
  if (!arguments.text("on")) {
    mistakes.push_back({command_line(), "on which system?", "add --on dgx-h100"});
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  request.devices = arguments.whole_or("devices", 0);
  request.options.nvls = !arguments.has("integers");
  request.options.corrected = !arguments.has("uncorrected");
  request.library = arguments.text_or("library", "");
  return request;
}

/// An unknown library is a mistake, with the names that the links have.
std::optional<Diagnostic> unknown_library(const System& system, const std::string& library) {
  if (library.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const Level& level : system.levels) {
    if (!level.tunings) continue;
    for (const CollectiveTuning& tuning : *level.tunings)
      names.push_back(tuning.library);
  }
  if (std::find(names.begin(), names.end(), library) != names.end()) return std::nullopt;
  return Diagnostic{
      command_line(),
      fmt::format("no figures of {} on the links of {}", in_quotes(library), system.id),
      names.empty() ? "leave --library out: closed forms are used" : did_you_mean(library, names)};
}

std::string method(const CollectiveCost& cost) {
  return fmt::format("{} {}", name_of(cost.algorithm), name_of(cost.protocol));
}

std::string size_text(Bytes bytes) { return format_quantity(bytes, 4); }

class Answer {
 public:
  Answer(const System& system, const NetworkModel& network, CollectiveRequest request)
      : system_(system),
        network_(network),
        request_(std::move(request)),
        group_{request_.devices, 1},
        place_(network.place(group_)) {}

  Findings expected() const;
  Findings beside(const CollectiveLog& log) const;

 private:
  CollectiveCost cost(Bytes bytes) const {
    return collective_cost(place_, request_.collective, bytes, request_.options);
  }
  double factor() const {
    return bus_factor(request_.collective, static_cast<double>(request_.devices));
  }
  Table crossovers(const std::vector<Bytes>& sizes) const;
  void add_notes(Findings& findings) const;

  const System& system_;
  const NetworkModel& network_;
  CollectiveRequest request_;
  Group group_;
  GroupPlace place_;
};

/// Where the fastest way changes, to 1 % in size.
Table Answer::crossovers(const std::vector<Bytes>& sizes) const {
  Table table{"crossovers",
              "Crossover sizes",
              {{"from_size"}, {"bytes", Unit::count}, {"before"}, {"after"}},
              {}};
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    double low = std::log(sizes[i - 1].base());
    double high = std::log(sizes[i].base());
    const std::string before = method(cost(sizes[i - 1]));
    if (method(cost(sizes[i])) == before) continue;
    while (high - low > 0.01) {
      const double middle = (low + high) / 2;
      (method(cost(Bytes{std::exp(middle)})) == before ? low : high) = middle;
    }
    const Bytes at{std::floor(std::exp(high))};
    table.rows.push_back({size_text(at), at.base(), before, method(cost(sizes[i]))});
  }
  return table;
}

void Answer::add_notes(Findings& findings) const {
  if (place_.tuning != nullptr) {
    findings.notes.push_back(fmt::format(
        "{} on {}: fitted on {} rows, typical error of the constants {:.0f} %; source {}.",
        place_.tuning->library, place_.tuning->link, place_.tuning->rows,
        100 * place_.tuning->spread, place_.tuning->source.cite));
  } else {
    findings.notes.push_back(
        "No library was measured on this link: closed forms with the link's "
        "assumed share and latency.");
  }
  if (place_.units > 1) {
    findings.notes.push_back(
        "Across nodes the interval is that between clusters of one kind: extrapolating. Calibrate "
        "with your own log for a narrower one.");
  }
  findings.notes.push_back(
      "Times are out of place, of ranks that start together on an idle network; "
      "low and high are a 90 % interval.");
}

Findings Answer::expected() const {
  Findings findings;
  findings.title = fmt::format("{} over {} devices of {}", name_of(request_.collective),
                               request_.devices, system_.id);
  Table table{"expected",
              "Expected nccl-tests table",
              {{"size"},
               {"bytes", Unit::count},
               {"time", Unit::seconds},
               {"algbw", Unit::bytes_per_second},
               {"busbw", Unit::bytes_per_second},
               {"algorithm"},
               {"protocol"},
               {"low", Unit::seconds},
               {"high", Unit::seconds}},
              {}};
  std::vector<Bytes> sizes;
  bool extrapolating = false;
  for (Bytes bytes = request_.least; bytes <= request_.most; bytes *= 2) {
    sizes.push_back(bytes);
    const CollectiveCost one = cost(bytes);
    const RelativeInterval expected = relative_interval(place_, system_.device.id, bytes);
    extrapolating = extrapolating || expected.extrapolating;
    const double algbw = (bytes / one.time).base();
    const Seconds low = std::max(one.bound, expected.low * one.time);
    const Seconds high = expected.high * one.time;
    table.rows.push_back({size_text(bytes), bytes.base(), one.time.base(), algbw, algbw * factor(),
                          std::string(name_of(one.algorithm)), std::string(name_of(one.protocol)),
                          low.base(), high.base()});
  }
  findings.tables.push_back(std::move(table));
  findings.tables.push_back(crossovers(sizes));
  if (findings.tables.back().rows.empty()) findings.tables.pop_back();
  add_notes(findings);
  if (extrapolating && place_.units <= 1) {
    findings.notes.push_back("This device was not measured on this link: extrapolating.");
  }
  return findings;
}

Findings Answer::beside(const CollectiveLog& log) const {
  Findings findings;
  findings.title = fmt::format("{} over {} devices of {}, beside the log",
                               name_of(request_.collective), request_.devices, system_.id);
  Table table{"log",
              "Measured and expected",
              {{"size"},
               {"bytes", Unit::count},
               {"measured", Unit::seconds},
               {"expected", Unit::seconds},
               {"busbw", Unit::bytes_per_second},
               {"expected_busbw", Unit::bytes_per_second},
               {"measured_over_expected", Unit::ratio},
               {"algorithm"},
               {"protocol"},
               {"in_interval"}},
              {}};
  std::vector<MeasuredCollective> measured;
  for (const CollectiveLogRow& row : log.rows) {
    measured.push_back({row.bytes, row.time});
    const CollectiveCost one = cost(row.bytes);
    const RelativeInterval band = relative_interval(place_, system_.device.id, row.bytes);
    const double ratio = row.time / one.time;
    const auto bus = [&](Seconds time) { return factor() * (row.bytes / time).base(); };
    table.rows.push_back({size_text(row.bytes), row.bytes.base(), row.time.base(), one.time.base(),
                          bus(row.time), bus(one.time), ratio, std::string(name_of(one.algorithm)),
                          std::string(name_of(one.protocol)),
                          std::string(ratio < band.low    ? "faster"
                                      : ratio > band.high ? "slower"
                                                          : "yes")});
  }
  findings.tables.push_back(std::move(table));
  const auto explanations =
      explain_collectives(network_, request_.collective, group_, measured, request_.options);
  Table why{"explanations",
            "What would explain the log, best first",
            {{"setting"}, {"misfit", Unit::ratio}, {"measured_over_it", Unit::ratio}, {"check"}},
            {}};
  for (std::size_t i = 0; i < std::min<std::size_t>(5, explanations.size()); ++i) {
    const CollectiveExplanation& one = explanations[i];
    why.rows.push_back({one.name, one.misfit, one.ratio, one.check});
  }
  findings.tables.push_back(std::move(why));
  const CollectiveExplanation& best = explanations.front();
  findings.notes.push_back(
      best.check.empty()
          ? fmt::format("The log is as expected: median {:.0f} % from it.", 100 * best.misfit)
          : fmt::format("Likely mis-setting: {}. Check {}.", best.name, best.check));
  add_notes(findings);
  return findings;
}

Result<std::vector<CollectiveRow>> rows_from(Session& session, const std::string& path) {
  const Result<std::string> text = read_file(path, kMostInput);
  if (!text) return failure(text.error());
  auto rows = read_collective_rows(*text, path);
  if (!rows) return failure(rows.error());
  session.warn(rows->warnings);
  return std::move(rows->value);
}

std::string today() {
  const std::chrono::year_month_day day{
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now())};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

int validate_file(Session& session, const Arguments& arguments, const Sources& sources) {
  const bool calibrate = arguments.text("calibrate").has_value();
  const auto rows = rows_from(session, *arguments.text(calibrate ? "calibrate" : "validate"));
  if (!rows) return session.fail(rows.error());
  const auto links = link_figures(sources.entries());
  if (!links) return session.fail(links.error());
  const std::vector<CollectiveSample> samples = collective_samples(*rows, *links);
  if (calibrate) {
    session.answer(write_tunings(catalog_rows(calibrate_collectives(samples, today()))));
    return kAnswered;
  }
  return emit(session, arguments, collective_findings(samples), kAnswered);
}

}  // namespace

std::span<const Flag> collective_flags() { return kFlags; }

int run_collective(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  if (arguments.text("validate") || arguments.text("calibrate")) {
    return validate_file(session, arguments, *sources);
  }
  Result<CollectiveRequest> request = request_from(arguments);
  if (!request) return session.fail(request.error());
  CollectiveLog log;
  const auto path = arguments.text("log");
  if (path) {
    const Result<std::string> text = read_file(*path, kMostInput);
    if (!text) return session.fail(text.error());
    auto read = read_nccl_tests_log(*text, *path);
    if (!read) return session.fail(read.error());
    session.warn(read->warnings);
    log = std::move(read->value);
    if (request->collective == Collective::none && log.collective) {
      request->collective = *log.collective;
    }
    if (request->devices == 0) request->devices = log.ranks;
  }
  if (request->collective == Collective::none) {
    return session.fail({{command_line(), "which collective?", "for example all_reduce"}});
  }
  Result<System> system = sources->system(*arguments.text("on"));
  if (!system) return session.fail(system.error());
  if (request->devices == 0) request->devices = system->device_count();
  if (system->device_count() < request->devices) {
    system = with_device_count(std::move(*system), request->devices);
    if (!system) return session.fail(system.error());
  }
  if (const auto mistake = unknown_library(*system, request->library)) {
    return session.fail({*mistake});
  }
  if (request->devices < 2) {
    return session.fail({{command_line(), "a collective needs two devices or more",
                          "add --devices 2, or name a system with links"}});
  }
  const NetworkModel network(*system, request->library);
  const Answer answer(*system, network, *request);
  return emit(session, arguments, path ? answer.beside(log) : answer.expected(), kAnswered);
}

}  // namespace fastpath::cli
