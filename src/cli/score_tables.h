/// Tables of validations by groups of rows.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fastpath/findings.h"

#include "ir/training_run.h"
#include "validate/score.h"

namespace fastpath::cli {

using RowKey = std::function<std::string(const ScoredRow&)>;

/// A row for each key: errors, bias, those of the unfitted prediction, coverage and its limits,
/// width, and the ids of the worst rows.
Table score_table(std::string name, std::string title, std::span<const ScoredRow> rows,
                  const RowKey& key);

/// Rules by which rows are left out, with how many and the first.
Table unscored_table(const std::vector<UnscoredRun>& unscored);

/// Rows of `folder`/peers.csv, of serving or of operators; nothing where it cannot be read.
std::optional<Table> stated_by_peers(const std::string& folder, bool of_serving);

}  // namespace fastpath::cli
