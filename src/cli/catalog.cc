#include <algorithm>

#include "cli/emit.h"
#include "cli/sources.h"
#include "cli/verbs.h"

namespace fastpath::cli {

int run_catalog(Session& session, const Arguments& arguments) {
  std::vector<std::string> words = arguments.operands();
  const std::vector<std::string> parts = Sources::parts();
  // A first word that is no part is a name, or a piece of one, in any part.
  const bool has_part =
      words.size() > 1 ||
      (!words.empty() && std::find(parts.begin(), parts.end(), words.front()) != parts.end());
  if (!has_part) words.insert(words.begin(), "");
  words.resize(2);
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Findings> findings = sources->catalog(words[0], words[1]);
  if (!findings) return session.fail(findings.error());
  return emit(session, arguments, *findings, kAnswered);
}

}  // namespace fastpath::cli
