/// Where the reference material is, for tests that compare with it.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace fastpath {

/// A path below the folder of reference material; REFERENCE_OR_SKIP says what to do without it.
inline std::filesystem::path shared_path(const std::filesystem::path& below) {
  const char* folder = std::getenv("FASTPATH_SHARED");
  return std::filesystem::path(folder != nullptr ? folder : "../shared") / below;
}

}  // namespace fastpath

/// First line of a reference test: skips it, with the reason, when `path` is not on this machine.
#define FASTPATH_REFERENCE_OR_SKIP(path)                                                    \
  if (!std::filesystem::exists(path))                                                       \
  GTEST_SKIP() << (path) << " is not here: set FASTPATH_SHARED to the folder of reference " \
               << "material"
