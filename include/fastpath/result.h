/// How FastPath fails: a user's mistake is a value with a place, a cause and a remedy.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace fastpath {

/// A place in a file (or "command line", "plan", ...); line and column count from 1, 0 = unknown.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

/// One mistake or doubt. `what` is never empty; `hint` says what to do about it.
struct Diagnostic {
  Place place;
  std::string what;
  std::string hint;
};

/// All mistakes of one input, in the order of the text.
using Diagnostics = std::vector<Diagnostic>;

/// A value, or all the mistakes that kept us from one.
template <class T>
using Result = tl::expected<T, Diagnostics>;

/// The failure branch of a Result, with one mistake.
inline tl::unexpected<Diagnostics> failure(Place place, std::string what, std::string hint = {}) {
  return tl::unexpected<Diagnostics>(
      Diagnostics{{std::move(place), std::move(what), std::move(hint)}});
}

inline tl::unexpected<Diagnostics> failure(Diagnostics diagnostics) {
  return tl::unexpected<Diagnostics>(std::move(diagnostics));
}

/// A value that was read, with the doubts and assumptions of the reader.
template <class T>
struct Imported {
  T value;
  Diagnostics warnings;
};

}  // namespace fastpath
