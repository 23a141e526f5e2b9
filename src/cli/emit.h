/// Answers to where the user wants them: stdout, files, or a folder.
#pragma once

#include <functional>
#include <string>

#include "fastpath/findings.h"
#include "fastpath/result.h"
#include "fastpath/timeline.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "cli/verb.h"

namespace fastpath::cli {

/// --json, --csv, --out DIR, --top N.
std::span<const Flag> report_flags();

/// --timeline FILE, for verbs that can draw.
std::span<const Flag> timeline_flags();

/// Prints the findings and writes the files that `arguments` ask for; `draw` makes the timeline
/// and is called only when one is wanted. Nothing is printed or written if anything fails.
/// Returns `code`, or kUserMistake with the mistakes printed.
int emit(Session& session, const Arguments& arguments, const Findings& findings, int code,
         const std::function<Result<Timeline>()>& draw = {});

/// Writes `text` to a temporary file beside `path` and renames it: a reader sees all or nothing.
/// Devices and pipes are written directly. Returns what went wrong, if anything.
std::optional<Diagnostic> write_file(const std::string& path, std::string_view text);

}  // namespace fastpath::cli
