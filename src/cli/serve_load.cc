#include "cli/serve_load.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/sources.h"
#include "import/requests/requests.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 256u << 20;

constexpr std::array<Flag, 13> kLoadFlags{{
    {"load", FlagKind::file, "FILE.yaml",
     "the load and its classes as a file; flags beside it override it", "", false},
    {"requests", FlagKind::file, "FILE.csv", "a trace: docs/guide/serving.md has its columns", "",
     false},
    {"rate", FlagKind::text, "N", "requests a second that arrive (open loop)", "", false},
    {"variation", FlagKind::text, "X",
     "of the gaps between arrivals: 1 = Poisson (default), 0 = even, else Gamma", "", false},
    {"concurrency", FlagKind::whole, "N", "that many requests at all times (closed loop)", "",
     false},
    {"count", FlagKind::whole, "N", "requests, or conversations (default 1000)", "", false},
    {"isl", FlagKind::whole, "TOKENS", "length of prompts, or of what a turn adds (default 1024)",
     "", false},
    {"osl", FlagKind::whole, "TOKENS", "length of answers (default 128)", "", false},
    {"length-spread", FlagKind::text, "X", "lengths are uniform within 1 - X and 1 + X (default 0)",
     "", false},
    {"turns", FlagKind::whole, "N", "of a conversation, each behind all before it (default 1)", "",
     false},
    {"think", FlagKind::text, "TIME", "from an answer to the next turn (default 0)", "", false},
    {"speed-up", FlagKind::text, "X", "the trace's arrivals at X times their rate", "", false},
    {"seed", FlagKind::whole, "N", "of arrivals and lengths (default 1)", "", false},
}};

constexpr std::int64_t kDefaultCount = 1000;
constexpr std::int64_t kDefaultInput = 1024;
constexpr std::int64_t kDefaultOutput = 128;

/// A flag that says how requests come, where none does.
bool says_arrivals(const Arguments& arguments) {
  return arguments.has("requests") || arguments.has("rate") || arguments.has("concurrency");
}

/// A trace's path as it stands in a load's file.
std::string beside(const std::string& file, const std::string& path) {
  const std::filesystem::path given(path);
  return given.is_absolute() ? path : (std::filesystem::path(file).parent_path() / given).string();
}

}  // namespace

std::span<const Flag> load_flags() { return kLoadFlags; }

double ServeFlags::number(std::string_view flag, double fallback, double least, double most) {
  const auto text = flags_.arguments().text(flag);
  if (!text) return fallback;
  const auto value = parse_number(*text);
  if (value && *value >= least && *value <= most) return *value;
  flags_.add({{command_line(),
               fmt::format("--{} {} is not a number from {:g} to {:g}", flag, in_quotes(*text),
                           least, most),
               {}}});
  return fallback;
}

void ServeFlags::read_file_of_load() {
  const auto path = flags_.arguments().text("load");
  if (!path) return;
  const Result<std::string> text = read_file(*path, kMostBytes);
  if (!text) return flags_.add(text.error());
  Result<LoadFile> read = read_load(*text, *path);
  if (!read) return flags_.add(read.error());
  file_ = std::move(*read);
  if (file_.requests) file_.requests = beside(*path, *file_.requests);
  // Who says on the command line how requests come replaces what the file says of it.
  if (!says_arrivals(flags_.arguments())) return;
  file_.requests.reset();
  file_.rate.reset();
  file_.concurrency.reset();
}

Load ServeFlags::load() {
  const Arguments& arguments = flags_.arguments();
  Load load;
  load.rate = number("rate", file_.rate.value_or(0), 1e-9, 1e9);
  load.variation = number("variation", file_.variation.value_or(1), 0, 100);
  load.concurrency = arguments.whole_or("concurrency", file_.concurrency.value_or(0));
  load.count = arguments.whole_or("count", file_.count.value_or(kDefaultCount));
  const double spread = number("length-spread", file_.spread.value_or(0), 0, 1);
  load.input =
      lengths_around(arguments.whole_or("isl", file_.input.value_or(kDefaultInput)), spread);
  load.output =
      lengths_around(arguments.whole_or("osl", file_.output.value_or(kDefaultOutput)), spread);
  load.turns = arguments.whole_or("turns", file_.turns.value_or(1));
  load.think =
      arguments.has("think") ? quantity<Seconds>("think") : file_.think.value_or(Seconds{});
  load.seed = static_cast<std::uint64_t>(arguments.whole_or("seed", file_.seed.value_or(1)));
  return load;
}

ServiceObjective ServeFlags::objective() {
  return {quantity<Seconds>("max-ttft"), quantity<Seconds>("max-tpot"),
          quantity<Seconds>("max-latency")};
}

std::optional<ServiceClass> ServeFlags::service_class(const std::string& text) {
  const std::vector<std::string_view> parts = split(text, ':');
  const auto share = parts.size() < 2 ? std::nullopt : parse_number(parts[1]);
  const auto priority = parts.size() < 5 ? std::optional<long long>(0) : parse_integer(parts[4]);
  const bool whole = share && *share > 0 && *share <= 1 && priority;
  if (!whole || parts.size() > 5 || parts[0].empty()) {
    add({command_line(),
         fmt::format("--class takes NAME:SHARE:TTFT:TPOT:PRIORITY, not {}", in_quotes(text)),
         "for example --class 'chat:0.7:500 ms:30 ms' --class 'batch:0.3:30 s::1'"});
    return std::nullopt;
  }
  ServiceClass one{std::string(parts[0]), *share, {}, *priority};
  for (std::size_t i = 2; i < std::min<std::size_t>(parts.size(), 4); ++i) {
    if (parts[i].empty()) continue;
    const auto limit = parse_quantity<Seconds>(std::string(parts[i]), command_line());
    if (!limit) flags_.add(limit.error());
    (i == 2 ? one.limits.first_token : one.limits.per_token) = limit.value_or(Seconds{1});
  }
  return one;
}

void ServeFlags::read_classes() {
  double sum = 0;
  const Arguments& arguments = flags_.arguments();
  if (!arguments.has("class")) {
    classes_ = file_.classes;
  } else if (!file_.classes.empty()) {
    add({command_line(), "--class does not go with a --load that has classes",
         "name the classes in one place"});
  }
  for (const std::string& text : arguments.all("class")) {
    std::optional<ServiceClass> one = service_class(text);
    if (!one) continue;
    sum += one->share;
    classes_.push_back(std::move(*one));
  }
  if (arguments.has("class") && !classes_.empty() && std::abs(sum - 1) > 1e-6)
    add({command_line(), fmt::format("the shares of --class add up to {:g}, not to 1", sum), {}});
  for (const char* flag : {"max-ttft", "max-tpot", "max-latency"}) {
    if (classes_.empty() || !arguments.has(flag)) continue;
    add({command_line(), fmt::format("--{} does not go with classes", flag),
         "each class has limits of its own"});
  }
}

Result<RequestStream> ServeFlags::stream() {
  const Arguments& arguments = flags_.arguments();
  read_file_of_load();
  read_classes();
  const Load asked = load();
  const double speed_up = number("speed-up", file_.speed_up.value_or(1), 1e-6, 1e6);
  const auto file = arguments.has("requests") ? arguments.text("requests") : file_.requests;
  const auto given = [&](const char* flag, bool in_file) {
    return static_cast<int>(arguments.has(flag) || in_file);
  };
  const int ways = given("requests", file_.requests.has_value()) +
                   given("rate", file_.rate.has_value()) +
                   given("concurrency", file_.concurrency.has_value());
  const bool unread = arguments.has("load") && !mistakes().empty();
  if (ways != 1 && !unread) {
    add({command_line(), ways == 0 ? "no requests: which load?" : "more than one load",
         "give one of --requests FILE, --rate and --concurrency, or a --load that has one"});
  }
  if (!mistakes().empty()) return failure(mistakes());
  if (!file) return stream_of(asked, classes_);
  const Result<std::string> text = read_file(*file, kMostBytes);
  if (!text) return failure(text.error());
  Result<RequestTrace> trace = read_requests(*text, *file);
  if (!trace) return failure(trace.error());
  if (arguments.has("count") || file_.count) {
    auto& requests = trace->stream.requests;
    requests.resize(std::min(requests.size(), static_cast<std::size_t>(asked.count)));
  }
  RequestStream stream = at_rate(std::move(trace->stream), speed_up);
  return classes_.empty() ? std::move(stream) : with_classes(std::move(stream), classes_);
}

double typical_context(const RequestStream& stream) {
  double sum = 0;
  for (const Request& one : stream.requests)
    sum += static_cast<double>(one.input) + static_cast<double>(one.output) / 2;
  return std::max(1.0, sum / static_cast<double>(stream.requests.size()));
}

Question decode_question(const std::string& model, const RequestStream& stream) {
  Question question;
  question.model = model;
  question.step.phase = Phase::decode;
  question.step.batch = 64;
  question.step.sequence = 1;
  question.step.past = static_cast<std::int64_t>(typical_context(stream));
  return question;
}

}  // namespace fastpath::cli
