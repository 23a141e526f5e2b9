#include "cli/serve_load.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/sources.h"
#include "import/requests/requests.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 256u << 20;

constexpr std::array<Flag, 12> kLoadFlags{{
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

Lengths lengths(std::int64_t mean, double spread) {
  const auto middle = static_cast<double>(mean);
  const auto least = static_cast<std::int64_t>(std::ceil(middle * (1 - spread)));
  const auto most = static_cast<std::int64_t>(std::floor(middle * (1 + spread)));
  return {std::max<std::int64_t>(1, least), std::max<std::int64_t>(1, most)};
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

Load ServeFlags::load() {
  Load load;
  load.rate = number("rate", 0, 1e-9, 1e9);
  load.variation = number("variation", 1, 0, 100);
  load.concurrency = flags_.arguments().whole_or("concurrency", 0);
  load.count = flags_.arguments().whole_or("count", 1000);
  const double spread = number("length-spread", 0, 0, 1);
  load.input = lengths(flags_.arguments().whole_or("isl", 1024), spread);
  load.output = lengths(flags_.arguments().whole_or("osl", 128), spread);
  load.turns = flags_.arguments().whole_or("turns", 1);
  load.think = quantity<Seconds>("think");
  load.seed = static_cast<std::uint64_t>(flags_.arguments().whole_or("seed", 1));
  return load;
}

ServiceObjective ServeFlags::objective() {
  return {quantity<Seconds>("max-ttft"), quantity<Seconds>("max-tpot"),
          quantity<Seconds>("max-latency")};
}

std::optional<ServiceClass> ServeFlags::service_class(const std::string& text) {
  const std::vector<std::string_view> parts = split(text, ':');
  const auto share = parts.size() < 2 ? std::nullopt : parse_number(parts[1]);
  if (!share || *share <= 0 || *share > 1 || parts.size() > 4 || parts[0].empty()) {
    add({command_line(), fmt::format("--class takes NAME:SHARE:TTFT:TPOT, not {}", in_quotes(text)),
         "for example --class 'chat:0.7:500 ms:30 ms' --class 'batch:0.3:30 s:'"});
    return std::nullopt;
  }
  ServiceClass one{std::string(parts[0]), *share, {}};
  for (std::size_t i = 2; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    const auto limit = parse_quantity<Seconds>(std::string(parts[i]), command_line());
    if (!limit) flags_.add(limit.error());
    (i == 2 ? one.limits.first_token : one.limits.per_token) = limit.value_or(Seconds{1});
  }
  return one;
}

std::vector<ServiceClass> ServeFlags::classes() {
  std::vector<ServiceClass> classes;
  double sum = 0;
  const Arguments& arguments = flags_.arguments();
  for (const std::string& text : arguments.all("class")) {
    std::optional<ServiceClass> one = service_class(text);
    if (!one) continue;
    sum += one->share;
    classes.push_back(std::move(*one));
  }
  if (!classes.empty() && std::abs(sum - 1) > 1e-6)
    add({command_line(), fmt::format("the shares of --class add up to {:g}, not to 1", sum), {}});
  for (const char* flag : {"max-ttft", "max-tpot", "max-latency"}) {
    if (classes.empty() || !arguments.has(flag)) continue;
    add({command_line(), fmt::format("--{} does not go with --class", flag),
         "each class has limits of its own"});
  }
  return classes;
}

Result<RequestStream> ServeFlags::stream() {
  const Arguments& arguments = flags_.arguments();
  const Load asked = load();
  const double speed_up = number("speed-up", 1, 1e-6, 1e6);
  const auto file = arguments.text("requests");
  const int ways = static_cast<int>(file.has_value()) + static_cast<int>(arguments.has("rate")) +
                   static_cast<int>(arguments.has("concurrency"));
  if (ways != 1) {
    add({command_line(), ways == 0 ? "no requests: which load?" : "more than one load",
         "give one of --requests FILE, --rate and --concurrency"});
  }
  if (!mistakes().empty()) return failure(mistakes());
  if (!file) return stream_of(asked);
  const Result<std::string> text = read_file(*file, kMostBytes);
  if (!text) return failure(text.error());
  Result<RequestTrace> trace = read_requests(*text, *file);
  if (!trace) return failure(trace.error());
  if (arguments.has("count")) {
    auto& requests = trace->stream.requests;
    requests.resize(std::min(requests.size(), static_cast<std::size_t>(asked.count)));
  }
  return at_rate(std::move(trace->stream), speed_up);
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
