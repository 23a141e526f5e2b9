#include "ir/serving.h"

#include <cmath>

namespace fastpath {

double Speculation::tokens() const {
  return length == 0 ? 1 : (1 - std::pow(accept, length + 1)) / (1 - accept);
}

}  // namespace fastpath
