/// Errors put between the kernel and a loader on purpose, to see that none goes unnoticed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "measure/loader/read_hooks.h"
#include "measure/loader/sample_set.h"

namespace fastpath {

enum class InjectedError : std::uint8_t {
  short_read,  ///< fewer bytes than were asked for: no error to a loader that reads on
  io_error,    ///< EIO
  vanished,    ///< a file that cannot be opened any more
  cut,         ///< a file that ends early
  wrong_byte,  ///< a byte that is not the one that was written
};

std::string_view name_of(InjectedError error);

/// Hooks that put these errors at reads and files drawn by `seed`, about one in `one_in`: the same
/// place fails again, whoever reads it.
ReadHooks inject(std::span<const InjectedError> errors, std::uint64_t seed, std::uint64_t one_in);

}  // namespace fastpath
