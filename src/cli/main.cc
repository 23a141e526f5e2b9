#include "cli/process.h"

int main(int count, char** words) { return fastpath::cli::run_process(count, words, nullptr); }
