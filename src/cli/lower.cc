#include "cli/emit.h"
#include "cli/scenario.h"
#include "cli/verbs.h"
#include "ir/json.h"

namespace fastpath::cli {

int run_lower(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Question> question = question_from(*sources, arguments);
  if (!question) return session.fail(question.error());
  const Result<Imported<Workload>> workload = sources->workload(question->model, question->step);
  if (!workload) return session.fail(workload.error());
  session.warn(workload->warnings);
  const Result<GivenPlan> plan = plan_from(arguments.text_or("plan", ""));
  if (!plan) return session.fail(plan.error());
  session.warn(plan->warnings);
  const Result<Program> program = lower(workload->value, plan->plan);
  if (!program) return session.fail(program.error());
  session.answer(to_json_text(*program));
  return kAnswered;
}

}  // namespace fastpath::cli
