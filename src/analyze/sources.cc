#include "analyze/sources.h"

namespace fastpath {
namespace {

bool same(const Source& a, const Source& b) {
  return a.cite == b.cite && a.locator == b.locator && a.date == b.date &&
         a.confidence == b.confidence;
}

std::string number(std::size_t index) { return "[" + std::to_string(index + 1) + "]"; }

}  // namespace

std::string SourceList::reference(const Source& source) {
  if (source.cite.empty()) return "";
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (same(sources_[i], source)) return number(i);
  }
  sources_.push_back(source);
  return number(sources_.size() - 1);
}

Table SourceList::table() const {
  Table table{"sources",
              "Sources",
              {{"reference", Unit::none},
               {"confidence", Unit::none},
               {"date", Unit::none},
               {"source", Unit::none}},
              {}};
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    table.rows.push_back(
        {number(i), source.confidence, source.date,
         source.locator.empty() ? source.cite : source.cite + "; " + source.locator});
  }
  return table;
}

}  // namespace fastpath
