// fastpath-mpi: the same program as one process of an MPI job. `search` shares its chunks out over
// the ranks; other verbs run on the first.
#include <chrono>
#include <thread>

#include <mpi.h>

#include "cli/process.h"
#include "cli/session.h"
#include "search/search.h"

namespace {

void send(int to, const std::string& message) {
  MPI_Send(message.data(), static_cast<int>(message.size()), MPI_CHAR, to, 0, MPI_COMM_WORLD);
}

/// MPI waits by polling: sleep in between, since rank 0 usually shares a core with a worker.
std::string receive(int& from) {
  constexpr auto kPause = std::chrono::microseconds(100);
  MPI_Status status;
  int arrived = 0;
  for (;;) {
    MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &arrived, &status);
    if (arrived != 0) break;
    std::this_thread::sleep_for(kPause);
  }
  int size = 0;
  MPI_Get_count(&status, MPI_CHAR, &size);
  std::string message(static_cast<std::size_t>(size), '\0');
  from = status.MPI_SOURCE;
  MPI_Recv(message.data(), size, MPI_CHAR, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return message;
}

int worst(int code) {
  int most = code;
  MPI_Allreduce(&code, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return most;
}

}  // namespace

int main(int count, char** words) {
  MPI_Init(&count, &words);
  fastpath::RankLink link{.send = send, .receive = receive, .worst = worst};
  MPI_Comm_rank(MPI_COMM_WORLD, &link.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &link.size);
  const bool alone = link.size == 1;
  const int code = fastpath::cli::run_process(count, words, alone ? nullptr : &link);
  if (code == fastpath::cli::kOurBug) MPI_Abort(MPI_COMM_WORLD, code);
  MPI_Finalize();
  return code;
}
