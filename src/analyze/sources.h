/// Sources of figures as footnotes: long and often equal, they are listed once.
#pragma once

#include <string>
#include <vector>

#include "fastpath/findings.h"
#include "fastpath/system.h"

namespace fastpath {

class SourceList {
 public:
  /// "[1]", the number of this source; empty for a figure without one.
  std::string reference(const Source& source);

  /// Table `sources`: reference, confidence, date, source.
  Table table() const;

 private:
  std::vector<Source> sources_;
};

}  // namespace fastpath
