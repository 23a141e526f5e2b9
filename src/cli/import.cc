#include "analyze/workload_findings.h"
#include "cli/emit.h"
#include "cli/scenario.h"
#include "cli/verbs.h"

namespace fastpath::cli {

int run_import(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Question> question = question_from(*sources, arguments);
  if (!question) return session.fail(question.error());
  const Result<Imported<Workload>> workload = sources->workload(question->model, question->step);
  if (!workload) return session.fail(workload.error());
  session.warn(workload->warnings);
  const std::size_t top =
      arguments.has("all") ? 0 : static_cast<std::size_t>(arguments.whole_or("top", 20));
  Findings findings = describe_workload(workload->value, top);
  add_assumptions(findings, *question, nullptr);
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
