/// Measurements of collectives for the command line: own files and the catalog's.
#pragma once

#include <string>
#include <vector>

#include "fastpath/collective.h"
#include "fastpath/result.h"

#include "import/catalog/catalog.h"
#include "import/catalog/tunings.h"
#include "ir/collective_row.h"
#include "validate/collective_key.h"

namespace fastpath::cli {

/// All links of the catalog, as validation asks for them.
Result<std::vector<LinkFigures>> link_figures(const Catalog& catalog);

/// Tunings in the catalog's order (the default first) with the links that each stands for: a link
/// that was not measured takes the figures of its class.
std::vector<TuningRow> catalog_rows(std::vector<CollectiveTuning> tunings);

}  // namespace fastpath::cli
