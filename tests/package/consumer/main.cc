#include <cstdio>

#include "fastpath/fastpath.h"

int main() {
  // An empty workload is not worth a time; that the library answers at all is the test.
  const auto prediction = fastpath::predict({}, {}, {});
  std::puts(prediction ? "predicted" : prediction.error().front().what.c_str());
}
