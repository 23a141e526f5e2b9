/// Folds for cross-validation. Rows of one group are always in one fold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fastpath {

/// Fold of each row, in [0, folds). Rows that share any of their ties (a configuration, the bytes
/// of a repeated run, an (n, k) pair within a device) are in one group; groups are dealt to the
/// folds largest first, each to the fold with the fewest rows, ties broken by a hash of the group's
/// smallest tie, so that neither the order of rows nor the platform matters.
/// `folds` of 0 gives each group a fold of its own.
std::vector<std::uint32_t> fold_of_rows(std::span<const std::vector<std::string>> ties,
                                        std::uint32_t folds);

/// 1 + the largest fold; 0 for no rows.
std::uint32_t fold_count(std::span<const std::uint32_t> folds);

/// FNV-1a, 64 bit: the same on every platform.
std::uint64_t stable_hash(std::string_view text);

}  // namespace fastpath
