/// Names and files on the command line, to nouns.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/plan.h"
#include "fastpath/program.h"
#include "fastpath/result.h"
#include "fastpath/system.h"
#include "fastpath/workload.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/verb.h"

namespace fastpath::cli {

/// One step of a model, as verbs ask for it.
struct StepRequest {
  std::optional<Phase> phase;  ///< none: forward for graphs, prefill for language models
  std::int64_t batch = 1;
  std::int64_t sequence = 1;
  std::int64_t past = 0;
  std::vector<std::string> dims;  ///< "name=value" for the dynamic dimensions of a graph
};

/// The catalog (own and the user's) and the readers of all formats.
class Sources {
 public:
  /// Folders of the user: --catalog, then FASTPATH_CATALOG.
  static Result<Sources> open(const Session& session, const Arguments& arguments);

  Sources(Sources&&) noexcept;
  Sources& operator=(Sources&&) noexcept;
  ~Sources();

  /// `model`: a name of the catalog or a file (config.json, .onnx, .csv, .yaml) or its folder.
  Result<Imported<Workload>> workload(const std::string& model, const StepRequest& request) const;

  /// `name`: a system or device of the catalog, or a YAML file.
  Result<System> system(const std::string& name) const;

  /// Tables of what the catalog has: `kind` is systems, devices, models or links; `word` empty,
  /// part of a name (a search), or a name.
  Result<Findings> catalog(const std::string& kind, const std::string& word) const;

  /// Whether `model` names a computation graph, which has no phases.
  bool is_graph(const std::string& model) const;

 private:
  struct State;
  explicit Sources(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Plan text ("tp=2 dp=4") or the name of a YAML file.
Result<Plan> plan_from(const std::string& text_or_file);

/// A program as JSON.
std::string write_program(const Program& program);

/// The plan as it is printed.
std::string describe_plan(const Plan& plan);

}  // namespace fastpath::cli
