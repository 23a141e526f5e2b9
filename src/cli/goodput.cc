#include <array>
#include <optional>

#include <fmt/format.h>

#include "analyze/goodput_findings.h"
#include "cli/emit.h"
#include "cli/flag_reader.h"
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

/// All mistakes of the flags together.
Result<RunOptions> options_from(const Arguments& arguments, const InterruptedRun& published) {
  FlagReader flags(arguments);
  RunOptions options;
  options.hardware_share = published.hardware_share;
  options.device_mtbf =
      flags.quantity<Seconds>("device-mtbf").value_or(published.device_mtbf.value);
  if (!arguments.has("tokens")) {
    flags.missing("tokens", "how much the run trains on, such as --tokens 15e12");
  }
  options.items = flags.number("tokens", "such as 15e12").value_or(1);
  options.checkpoint_bandwidth = flags.needed<BytesPerSecond>(
      "checkpoint-bandwidth", "such as --checkpoint-bandwidth 100GB/s");
  options.restart = flags.needed<Seconds>("restart", "such as --restart 10min");
  options.checkpoint_size = flags.quantity<Bytes>("checkpoint-size").value_or(Bytes{});
  options.interval = flags.quantity<Seconds>("interval").value_or(Seconds{});
  options.repair = flags.quantity<Seconds>("repair").value_or(Seconds{});
  options.spare_nodes = arguments.whole_or("spares", 0);
  if (arguments.has("spares") && !arguments.has("repair")) {
    flags.missing("repair", "spare nodes matter for as long as a failed one is away");
  }
  if (!flags.mistakes().empty()) return failure(flags.mistakes());
  return options;
}

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
  const Result<RunOptions> options = options_from(arguments, published->front());
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
