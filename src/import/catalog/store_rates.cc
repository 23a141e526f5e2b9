#include "import/catalog/store_rates.h"

namespace fastpath {

Result<StoreRates> store_rates(const Catalog& catalog, std::string_view name, const Place& place) {
  Result<Storage> found = catalog.storage(name);
  if (!found) {
    for (Diagnostic& mistake : found.error())
      mistake.place = place;
    return failure(std::move(found.error()));
  }
  StoreRates rates;
  if (found->read) rates.sequential = found->read->value;
  rates.random_4k = catalog.random_reads(name);
  return rates;
}

}  // namespace fastpath
