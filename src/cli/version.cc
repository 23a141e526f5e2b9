#include "cli/verbs.h"

namespace fastpath::cli {

int run_version(Session& session, const Arguments& /*arguments*/) {
  session.answer("fastpath " FASTPATH_VERSION "\n");
  return kAnswered;
}

}  // namespace fastpath::cli
