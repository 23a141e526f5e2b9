/// Devices, links and storage from rows of the catalog's tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/system.h"

#include "import/catalog/table.h"
#include "import/yaml/system.h"

namespace fastpath {

/// The columns that these readers know.
const std::vector<std::string>& device_columns();
const std::vector<std::string>& link_columns();
const std::vector<std::string>& storage_columns();

/// The parts of a chip that a row may describe. Those that are not the row's own are the devices
/// `ID.gpu` and `ID.npu`, with the row's memory.
enum class ChipPart : std::uint8_t { own, gpu, npu };

/// Whether the row has a rate for that part.
bool has_part(const CatalogTable& table, std::size_t row, ChipPart part);

/// A device without `achieved`. Mistakes: cells that are not numbers, units of another dimension,
/// figures that are not positive.
Result<Device> read_device_row(const CatalogTable& table, std::size_t row, ChipPart part);

/// The generation of the device, for what similar devices achieve; empty if unknown.
std::string family_of_row(const CatalogTable& table, std::size_t row, ChipPart part);

Result<Link> read_link_row(const CatalogTable& table, std::size_t row);
Result<Storage> read_storage_row(const CatalogTable& table, std::size_t row);

}  // namespace fastpath
