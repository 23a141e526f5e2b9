/// Rates of the catalog's stores, as input pipelines take them.
#pragma once

#include <string_view>

#include "fastpath/result.h"

#include "import/catalog/catalog.h"
#include "ir/input_pipeline.h"

namespace fastpath {

/// The read rate is 0 where the entry states none. An unknown name fails at `place`.
Result<StoreRates> store_rates(const Catalog& catalog, std::string_view name, const Place& place);

}  // namespace fastpath
