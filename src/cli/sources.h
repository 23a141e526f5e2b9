/// Names and files on the command line, to nouns.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/plan.h"
#include "fastpath/result.h"
#include "fastpath/system.h"
#include "fastpath/workload.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "import/catalog/catalog.h"
#include "import/frameworks/frameworks.h"
#include "import/training/rows.h"

namespace fastpath::cli {

/// One step of a model, as verbs ask for it.
struct StepRequest {
  std::optional<Phase> phase;  ///< none: forward for graphs, prefill for language models
  std::int64_t batch = 1;
  std::int64_t sequence = 1;
  std::int64_t past = 0;
  std::vector<std::pair<std::string, std::int64_t>> dims;  ///< of a graph or workload
  bool as_executed = false;                                ///< a graph: OnnxOptions::as_executed
};

/// The catalog (own and the user's) and the readers of all formats.
class Sources {
 public:
  /// Folders of the user: FASTPATH_CATALOG, then --catalog, which overrides it.
  static Result<Sources> open(const Session& session, const Arguments& arguments);

  Sources(Sources&&) noexcept;
  Sources& operator=(Sources&&) noexcept;
  ~Sources();

  /// `model`: a name of the catalog, a file (config.json, .onnx, .csv, .yaml) or a folder with a
  /// config.json.
  Result<Imported<Workload>> workload(const std::string& model, const StepRequest& request) const;

  /// Whether `model` is a graph, a table or a workload: operators with sizes of their own, which
  /// have no phases but --train.
  bool has_own_sizes(const std::string& model) const;

  /// `name`: a system or device of the catalog, or a YAML file.
  Result<System> system(const std::string& name) const;

  /// The public repository ("owner/name") that a model of the catalog was read from; empty where
  /// its entry names none.
  std::string repository(const std::string& model) const;

  /// Measured training steps from a file's text.
  Result<TrainingRows> training_rows(std::string_view text, const std::string& file) const;

  /// The entries themselves.
  const Catalog& entries() const;

  /// Tables of what the catalog has: `kind` is systems, devices, models, links, storage, or empty
  /// for all; `word` is empty, part of a name (a search), or a name (which is shown).
  Result<Findings> catalog(const std::string& kind, const std::string& word) const;

  /// The parts of the catalog, as `kind` takes them.
  static std::vector<std::string> parts();

 private:
  struct State;
  explicit Sources(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A plan as the user gave it. `job`: where it is a training framework's file.
struct GivenPlan {
  Plan plan;
  std::optional<FrameworkJob> job;
  Diagnostics warnings;
  std::string input = {};  ///< the file of its input pipeline; empty: none

  /// The plan on `devices`, which a framework's file may leave open.
  Result<Plan> on(std::int64_t devices) const;
};

/// Plan text ("tp=2 dp=4"), the name of a YAML file, or a training framework's file: told by its
/// extension and keys, or by its framework in front, "megatron:FILE".
Result<GivenPlan> plan_from(const std::string& text_or_file);

/// The plan as it is printed.
std::string describe_plan(const Plan& plan);

/// The text of a file. Fails for what cannot be read and for more than `limit` bytes.
Result<std::string> read_file(const std::string& path, std::uintmax_t limit);

}  // namespace fastpath::cli
