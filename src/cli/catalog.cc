#include <algorithm>

#include "cli/emit.h"
#include "cli/sources.h"
#include "cli/verbs.h"

namespace fastpath::cli {

namespace {

/// Part and name: a first word that is no part is a name, or a piece of one, in any part.
std::vector<std::string> part_and_name(std::vector<std::string> words) {
  const std::vector<std::string> parts = Sources::parts();
  const auto is_part = [&](const std::string& word) {
    return std::find(parts.begin(), parts.end(), word) != parts.end();
  };
  if (!words.empty() && is_part(words[0] + "s")) words[0] += 's';
  if (words.size() == 1 && !is_part(words[0])) words.insert(words.begin(), "");
  words.resize(2);
  return words;
}

}  // namespace

int run_catalog(Session& session, const Arguments& arguments) {
  const std::vector<std::string> words = part_and_name(arguments.operands());
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Findings> findings = sources->catalog(words[0], words[1]);
  if (!findings) return session.fail(findings.error());
  return emit(session, arguments, *findings, kAnswered);
}

}  // namespace fastpath::cli
