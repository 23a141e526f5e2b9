#include "base/text.h"
#include "cli/help.h"
#include "cli/verbs.h"

namespace fastpath::cli {

int run_completion(Session& session, const Arguments& arguments) {
  const std::string& shell = arguments.operands().front();
  const std::vector<std::string> known = {"bash", "zsh", "fish", "man"};
  if (shell == "bash") {
    session.answer(bash_completion());
  } else if (shell == "zsh") {
    session.answer(zsh_completion());
  } else if (shell == "fish") {
    session.answer(fish_completion());
  } else if (shell == "man") {
    session.answer(manual_page());
  } else {
    return session.fail(
        {{command_line(), "unknown shell '" + shell + "'", did_you_mean(shell, known)}});
  }
  return kAnswered;
}

}  // namespace fastpath::cli
