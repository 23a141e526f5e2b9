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
#include "import/training/rows.h"

namespace fastpath::cli {

/// One step of a model, as verbs ask for it.
struct StepRequest {
  std::optional<Phase> phase;  ///< none: forward for graphs, prefill for language models
  std::int64_t batch = 1;
  std::int64_t sequence = 1;
  std::int64_t past = 0;
  std::vector<std::pair<std::string, std::int64_t>> dims;  ///< dynamic ones of a graph
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

  /// `name`: a system or device of the catalog, or a YAML file.
  Result<System> system(const std::string& name) const;

  /// Measured training steps from a file's text.
  Result<TrainingRows> training_rows(std::string_view text, const std::string& file) const;

  /// The entries themselves.
  const Catalog& entries() const;

  /// Tables of what the catalog has: `kind` is systems, devices, models, links, storage, or empty
  /// for all; `word` is empty, part of a name (a search), or a name (which is shown).
  Result<Findings> catalog(const std::string& kind, const std::string& word) const;

 private:
  struct State;
  explicit Sources(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether `model` is a file with operators and sizes of its own, which has no phases.
bool is_graph(const std::string& model);

/// Plan text ("tp=2 dp=4") or the name of a YAML file.
Result<Plan> plan_from(const std::string& text_or_file);

/// The plan as it is printed.
std::string describe_plan(const Plan& plan);

/// The text of a file. Fails for what cannot be read and for more than `limit` bytes.
Result<std::string> read_file(const std::string& path, std::uintmax_t limit);

}  // namespace fastpath::cli
