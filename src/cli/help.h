/// Help, completion and the manual page, all from the tables of verbs and flags.
#pragma once

#include <string>

#include "cli/verb.h"

namespace fastpath::cli {

std::string help_text();
std::string help_text(const Verb& verb);

/// A script that completes verbs, flags and choices in that shell.
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

/// fastpath(1) in man's own macros.
std::string manual_page();

}  // namespace fastpath::cli
