/// The program as a process: its streams, terminal and environment.
#pragma once

namespace fastpath {
struct RankLink;
}

namespace fastpath::cli {

/// What main returns. `ranks`: the other processes of one job, or null. Only the first rank writes
/// to standard output.
int run_process(int count, char** words, const RankLink* ranks);

}  // namespace fastpath::cli
