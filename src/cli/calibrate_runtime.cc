#include "cli/calibrate_runtime.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "fastpath/fastpath.h"

#include "cli/emit.h"
#include "cli/model_execution.h"
#include "cli/model_fill.h"
#include "cli/runtime.h"
#include "cli/runtime_scenario.h"
#include "import/onnx/probes.h"
#include "import/yaml/system.h"
#include "validate/runtime_calibration.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 6> kFlags{{
    {"on", FlagKind::file, "SYSTEM.yaml",
     "that `measure` wrote: operators of the models are added to its runtime's points", "", false},
    {"apart-from", FlagKind::file, "MODEL.onnx",
     "leave out operators of shapes that this model has too; it is not run", "", true},
    {"dim", FlagKind::text, "[MODEL:]NAME=N",
     "size of a dynamic dimension; of one model alone with the name of its file in front", "",
     true},
    {"input", FlagKind::text, "[MODEL:]NAME=VALUE", "fill an input with one number", "", true},
    {"seed", FlagKind::whole, "N", "of the random values of inputs and missing weights (default 1)",
     "", false},
    kRuntimeFlag,
}};

/// A model as the runtime is predicted to execute it: operators with the shapes of their tasks.
struct LoweredModel {
  std::vector<PredictedOperator> operators;
  std::vector<OpShape> shapes;  ///< parallel
  System system;
};

/// What of a model's operators counts.
struct Counted {
  RanModel model;
  std::size_t ran = 0;
  std::size_t shared = 0;     ///< of shapes that models of --apart-from have
  std::size_t disturbed = 0;  ///< too short beside what the profiler adds
};

/// Blocks that run once: in loops the profiler shows one operator for all executions.
Result<LoweredModel> lowered_model(const Sources& sources, const Arguments& arguments,
                                   const std::string& path, const RunnableOptions& fill) {
  Question question;
  question.model = path;
  question.step.phase = Phase::forward;
  question.step.dims = fill.dims;
  const auto scenario = runtime_scenario(sources, question, arguments, "on");
  if (!scenario) return failure(scenario.error());
  const auto program = lower(scenario->workload, scenario->plan);
  if (!program) return failure(program.error());
  LoweredModel model;
  model.system = scenario->system;
  for (const Stage& stage : program->stages) {
    for (const StageBlock& part : stage.blocks) {
      const BlockProgram& lowered = program->blocks[part.program];
      const Block& block = scenario->workload.blocks[lowered.block];
      for (const Task& task : lowered.forward) {
        if (part.repeat != 1 || task.op == kWholeBlock) continue;
        model.operators.push_back(predicted_operator(block, block.ops[task.op]));
        model.shapes.push_back(task.shape);
      }
    }
  }
  return model;
}

/// Nothing where most of the measured time is the profiler's and the step to the next operator.
std::optional<RanOperator> ran_operator(const RuntimeWork& work, Seconds profiled,
                                        Seconds overhead) {
  constexpr double kLeastShare = 0.5;
  const Seconds time = profiled - overhead;
  if (time < kLeastShare * profiled) return std::nullopt;
  return RanOperator{work, time / work.times};
}

Counted counted(const LoweredModel& lowered, const ModelExecution& execution, int threads,
                const std::vector<RuntimeWork>& others) {
  Counted result;
  const Seconds profiler = quiet_operators(execution.run, threads, execution.operators).profiler;
  const Seconds node = lowered.system.framework->runtime->node;
  const auto add = [&](const RuntimeWork& work, Seconds profiled, double launches) {
    const bool shared = std::any_of(others.begin(), others.end(),
                                    [&](const auto& one) { return same_shape(one, work); });
    const auto one = ran_operator(work, profiled, profiler + launches * node);
    if (shared) {
      ++result.shared;
    } else if (!one) {
      ++result.disturbed;
    } else {
      result.model.operators.push_back(*one);
    }
  };
  result.ran = execution.operators.size();
  for (const RuntimePair& pair : runtime_pairs(lowered.operators, execution.operators)) {
    if (pair.measured == nullptr || pair.predicted == nullptr) continue;
    if (pair.measured->holds_others) continue;
    const OpShape& shape =
        lowered.shapes[static_cast<std::size_t>(pair.predicted - lowered.operators.data())];
    const RuntimeWork work = runtime_work(shape);
    if (work.times > 0 && !(shape.summed > Bytes{}))
      add(work, pair.measured->quiet, shape.launches);
  }
  for (const RuntimeOperator& one : execution.operators) {
    if (is_reorder(one)) add({RuntimeKernel::reorder, bytes_of(one.shapes)}, one.quiet, 1);
  }
  return result;
}

Table coverage_table(const std::vector<Counted>& models) {
  Table table{"coverage",
              "Operators that ran, and those that count",
              {{"model"},
               {"ran", Unit::count},
               {"counted", Unit::count},
               {"shapes_of_others", Unit::count},
               {"too_short", Unit::count}},
              {}};
  for (const Counted& one : models) {
    table.rows.push_back({one.model.name, static_cast<double>(one.ran),
                          static_cast<double>(one.model.operators.size()),
                          static_cast<double>(one.shared), static_cast<double>(one.disturbed)});
  }
  return table;
}

/// One calibration: what its models share.
class RuntimeCalibrator {
 public:
  RuntimeCalibrator(Session& session, const Arguments& arguments, Sources sources)
      : session_(session),
        arguments_(arguments),
        sources_(std::move(sources)),
        names_(arguments.operands()) {
    for (const std::string& path : arguments.all("apart-from"))
      names_.push_back(path);
  }

  /// Remembers the shapes of the models that stay apart.
  Result<void> leave_out() {
    for (const std::string& path : arguments_.all("apart-from")) {
      const auto fill = fill_for(path);
      if (!fill) return failure(fill.error());
      const auto lowered = lowered_model(sources_, arguments_, path, *fill);
      if (!lowered) return failure(lowered.error());
      for (const OpShape& shape : lowered->shapes)
        others_.push_back(runtime_work(shape));
    }
    return {};
  }

  Result<Counted> run(const std::string& path) {
    const auto fill = fill_for(path);
    if (!fill) return failure(fill.error());
    const auto model = open_runnable(path, *fill);
    if (!model) return failure(model.error());
    auto lowered = lowered_model(sources_, arguments_, path, *fill);
    if (!lowered) return failure(lowered.error());
    const auto library = find_runtime(session_, arguments_);
    if (!library) return failure(library.error());
    system_ = lowered->system;
    ModelRunOptions options;
    options.threads = system_.framework->runtime->threads;
    std::error_code error;
    options.profile_folder = std::filesystem::temp_directory_path(error).string();
    const auto execution = execute_model(session_, *library, *model, path, options);
    if (!execution) return failure(execution.error());
    Counted result = counted(*lowered, *execution, options.threads, others_);
    result.model.name = std::filesystem::path(path).stem().string();
    return result;
  }

  const System& system() const { return system_; }

 private:
  Result<RunnableOptions> fill_for(const std::string& path) const {
    Diagnostics mistakes;
    RunnableOptions fill = fill_of(arguments_, names_, path, mistakes);
    if (!mistakes.empty()) return failure(std::move(mistakes));
    return fill;
  }

  Session& session_;
  const Arguments& arguments_;
  Sources sources_;
  std::vector<std::string> names_;
  std::vector<RuntimeWork> others_;
  System system_;
};

std::optional<Diagnostic> write_calibrated(const std::string& file, System system,
                                           const Runtime& runtime) {
  auto framework = std::make_shared<Framework>(*system.framework);
  framework->runtime = std::make_shared<const Runtime>(runtime);
  system.framework = std::move(framework);
  return write_file(file, write_system_yaml(system));
}

}  // namespace

std::span<const Flag> runtime_calibration_flags() { return kFlags; }

int run_runtime_calibration(Session& session, const Arguments& arguments) {
  Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  RuntimeCalibrator calibrator(session, arguments, std::move(*sources));
  if (const auto done = calibrator.leave_out(); !done) return session.fail(done.error());
  std::vector<Counted> counts;
  std::vector<RanModel> models;
  for (const std::string& path : arguments.operands()) {
    const auto one = calibrator.run(path);
    if (!one) return session.fail(one.error());
    counts.push_back(*one);
    models.push_back(one->model);
  }
  const auto calibration = calibrate_runtime(*calibrator.system().framework->runtime, models);
  if (!calibration) return session.fail(calibration.error());
  if (const auto file = arguments.text("output")) {
    if (const auto wrong = write_calibrated(*file, calibrator.system(), calibration->runtime)) {
      return session.fail({*wrong});
    }
  }
  Findings findings;
  findings.title = "Runtime calibrated on models that it ran";
  findings.tables = calibration->tables;
  findings.tables.insert(findings.tables.begin(), coverage_table(counts));
  findings.notes.emplace_back(
      "A kernel's lesson is what predicts models best that did not teach it: nothing, one factor "
      "on "
      "its points, or a point for each shape that ran, the median of its operators. Operators of "
      "which half or more is the profiler's time are left out.");
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
