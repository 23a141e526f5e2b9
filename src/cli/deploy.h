/// search --serve: which deployment serves a load best.
#pragma once

#include <span>

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/verb.h"

namespace fastpath::cli {

/// --serve, --engine, --routing, limits, --percentile.
std::span<const Flag> deploy_flags();

/// Flags of the other kind of search that are given, told one by one.
Diagnostics misplaced_search_flags(const Arguments& arguments);

int run_deploy_search(Session& session, const Arguments& arguments);

}  // namespace fastpath::cli
