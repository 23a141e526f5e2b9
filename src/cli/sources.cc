#include "cli/sources.h"

#include <fmt/format.h>

#if __has_include("ir/plan_text.h")
#include "ir/plan_text.h"
#endif

namespace fastpath::cli {

struct Sources::State {
  std::vector<std::string> folders;
};

Sources::Sources(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sources::Sources(Sources&&) noexcept = default;
Sources& Sources::operator=(Sources&&) noexcept = default;
Sources::~Sources() = default;

Result<Sources> Sources::open(const Session& session, const Arguments& arguments) {
  auto state = std::make_unique<State>();
  state->folders = arguments.all("catalog");
  if (const auto folder = session.environment("FASTPATH_CATALOG"); folder && !folder->empty()) {
    state->folders.push_back(*folder);
  }
  return Sources(std::move(state));
}

Result<Imported<Workload>> Sources::workload(const std::string& model,
                                             const StepRequest& /*request*/) const {
  return failure({.file = model}, "models cannot be read yet");
}

Result<System> Sources::system(const std::string& name) const {
  return failure({.file = name}, "systems cannot be read yet");
}

bool Sources::is_graph(const std::string& model) const { return model.ends_with(".onnx"); }

Result<Findings> Sources::catalog(const std::string& kind, const std::string& /*word*/) const {
  return failure({.file = kind}, "the catalog cannot be read yet");
}

Result<Plan> plan_from(const std::string& text_or_file) {
#if __has_include("ir/plan_text.h")
  return parse_plan(text_or_file, {.file = "plan"});
#else
  return failure({.file = text_or_file}, "plans cannot be read yet");
#endif
}

std::string describe_plan(const Plan& plan) {
#if __has_include("ir/plan_text.h")
  const std::string text = write_plan(plan);
  return text.empty() ? "one device" : text;
#else
  return fmt::format("{} devices", plan.device_count());
#endif
}

std::string write_program(const Program& program) { return program.workload + "\n"; }

}  // namespace fastpath::cli
