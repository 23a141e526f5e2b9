#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/emit.h"
#include "cli/sources.h"
#include "cli/verbs.h"

namespace fastpath::cli {
namespace {

constexpr std::array<std::string_view, 5> kKinds{"systems", "devices", "models", "links",
                                                 "storage"};

}  // namespace

int run_catalog(Session& session, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.operands();
  const std::string kind = words.empty() ? "" : words.front();
  const std::vector<std::string> known(kKinds.begin(), kKinds.end());
  if (!kind.empty() && std::find(known.begin(), known.end(), kind) == known.end()) {
    return session.fail({{command_line(), "unknown part of the catalog '" + kind + "'",
                          did_you_mean(kind, known)}});
  }
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  const Result<Findings> findings = sources->catalog(kind, words.size() > 1 ? words[1] : "");
  if (!findings) return session.fail(findings.error());
  return emit(session, arguments, *findings, kAnswered);
}

}  // namespace fastpath::cli
