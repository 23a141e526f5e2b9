/// The part of the catalog that is in the program itself.
#pragma once

#include <span>
#include <string_view>

namespace fastpath {

/// A file of the catalog that is part of the program.
struct EmbeddedFile {
  std::string_view path;  ///< below catalog/, for example "devices/nvidia.yaml"
  std::string_view text;
};

/// The catalog's devices, systems, models, links and storage, each folder sorted by path.
/// Generated when the program is built (cmake/Embed.cmake).
std::span<const EmbeddedFile> embedded_catalog();

}  // namespace fastpath
