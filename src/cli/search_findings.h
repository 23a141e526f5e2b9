/// What a search found, as tables: the coverage, the best plans, why the best one wins.
#pragma once

#include <string>

#include "fastpath/findings.h"

#include "cli/search_question.h"
#include "search/tally.h"

namespace fastpath::cli {

/// Depends on the question and the tally only: the same bytes however the search ran. `part` names
/// a shard ("shard 2/7"), and `wanted` are the points that it was to cover; all points otherwise.
Findings findings_of_search(const SearchQuestion& asked, const Tally& tally,
                            const std::string& part, std::int64_t wanted);

}  // namespace fastpath::cli
