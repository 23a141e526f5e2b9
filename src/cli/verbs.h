/// The functions behind the verbs: one file each.
#pragma once

#include "cli/arguments.h"
#include "cli/session.h"

namespace fastpath::cli {

int run_predict(Session& session, const Arguments& arguments);
int run_compare(Session& session, const Arguments& arguments);
int run_explain(Session& session, const Arguments& arguments);
int run_collective(Session& session, const Arguments& arguments);
int run_catalog(Session& session, const Arguments& arguments);
int run_lower(Session& session, const Arguments& arguments);
int run_import(Session& session, const Arguments& arguments);
int run_completion(Session& session, const Arguments& arguments);
int run_version(Session& session, const Arguments& arguments);

}  // namespace fastpath::cli
