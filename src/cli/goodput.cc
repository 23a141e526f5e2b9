#include <array>
#include <optional>

#include <fmt/format.h>

#include "analyze/goodput_findings.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/emit.h"
#include "cli/scenario.h"
#include "cli/verbs.h"
#include "import/catalog/reliability.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 8> kGoodputFlags{{
    {"tokens", FlagKind::text, "N", "tokens (or rows) to train on, such as 15e12", "", false},
    {"checkpoint-bandwidth", FlagKind::text, "RATE",
     "to storage, of all devices together, such as 100GB/s", "", false},
    {"restart", FlagKind::text, "TIME",
     "from an interruption until the last checkpoint is loaded, such as 10min", "", false},
    {"device-mtbf", FlagKind::text, "TIME",
     "one device's time over its interruptions (default: the catalog's, of Llama 3)", "", false},
    {"checkpoint-size", FlagKind::text, "SIZE", "instead of weights and optimizer states", "",
     false},
    {"interval", FlagKind::text, "TIME", "of work between checkpoints (default: the best)", "",
     false},
    {"spares", FlagKind::whole, "NODES", "that stand by; goes with --repair", "", false},
    {"repair", FlagKind::text, "TIME",
     "until a failed node is back (default: one always stands by)", "", false},
}};

/// Reads flags and collects all that is wrong with them.
class RunReader {
 public:
  explicit RunReader(const Arguments& arguments) : arguments_(arguments) {}

  Result<RunOptions> read(const InterruptedRun& published) {
    RunOptions options;
    options.hardware_share = published.hardware_share;
    options.device_mtbf = quantity<Seconds>("device-mtbf").value_or(published.device_mtbf.value);
    options.items = tokens();
    options.checkpoint_bandwidth =
        needed<BytesPerSecond>("checkpoint-bandwidth", "such as --checkpoint-bandwidth 100GB/s");
    options.restart = needed<Seconds>("restart", "such as --restart 10min");
    options.checkpoint_size = quantity<Bytes>("checkpoint-size").value_or(Bytes{});
    options.interval = quantity<Seconds>("interval").value_or(Seconds{});
    options.repair = quantity<Seconds>("repair").value_or(Seconds{});
    options.spare_nodes = arguments_.whole_or("spares", 0);
    if (arguments_.has("spares") && !arguments_.has("repair")) {
      missing("repair", "spare nodes matter for as long as a failed one is away");
    }
    if (!mistakes_.empty()) return failure(std::move(mistakes_));
    return options;
  }

 private:
  void missing(std::string_view flag, std::string hint) {
    mistakes_.push_back({command_line(), fmt::format("--{} is missing", flag), std::move(hint)});
  }

  double tokens() {
    const auto text = arguments_.text("tokens");
    const auto number = text ? parse_number(*text) : std::nullopt;
    if (!text) {
      missing("tokens", "how much the run trains on, such as --tokens 15e12");
    } else if (!number) {
      mistakes_.push_back({command_line(),
                           fmt::format("--tokens {} is not a number", in_quotes(*text)),
                           "such as 15e12"});
    }
    return number.value_or(1);
  }

  template <class Q>
  std::optional<Q> quantity(std::string_view flag) {
    const auto text = arguments_.text(flag);
    if (!text) return std::nullopt;
    const Result<Q> value = parse_quantity<Q>(*text, command_line());
    if (value) return *value;
    mistakes_.insert(mistakes_.end(), value.error().begin(), value.error().end());
    return Q{1};
  }

  template <class Q>
  Q needed(std::string_view flag, const char* hint) {
    if (!arguments_.has(flag)) missing(flag, hint);
    return quantity<Q>(flag).value_or(Q{1});
  }

  const Arguments& arguments_;
  Diagnostics mistakes_;
};

void add_notes(Findings& findings, const Arguments& arguments, const RunOptions& options,
               const InterruptedRun& published) {
  if (!arguments.has("device-mtbf")) {
    const Source& source = published.device_mtbf.source;
    findings.notes.push_back(fmt::format(
        "Interruptions as often as in {}: once in {:.0f} hours a device ({}, {}).", published.name,
        options.device_mtbf.base() / 3600, source.cite, source.locator));
  }
  findings.notes.emplace_back(
      "Training stands still while a checkpoint is written; energy is that of a step's power for "
      "the whole run.");
}

}  // namespace

std::span<const Flag> goodput_flags() { return kGoodputFlags; }

int run_goodput(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Question> question = question_from(*sources, arguments);
  if (!question) return session.fail(question.error());
  const auto published = embedded_reliability();
  if (!published) return session.fail(published.error());
  const Result<RunOptions> options = RunReader(arguments).read(published->front());
  if (!options) return session.fail(options.error());
  const Result<Scenario> scenario = one_scenario(*sources, *question, arguments);
  if (!scenario) return session.fail(scenario.error());
  session.warn(scenario->warnings);
  const Result<Goodput> run =
      goodput(scenario->workload, scenario->system, scenario->plan, *options);
  if (!run) return session.fail(run.error());
  Findings findings = explain_goodput(
      *run,
      fmt::format("{}, a training run on {}", scenario->workload.name, scenario->system.name));
  add_notes(findings, arguments, *options, published->front());
  add_assumptions(findings, *question, &*scenario);
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
