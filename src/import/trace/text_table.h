/// Texts that repeat, kept once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fastpath {

/// Gives equal JSON strings equal numbers. Keys are the bytes between the quotes as they are in the
/// file; escapes are resolved once, when a text is new.
class TextTable {
 public:
  TextTable();

  /// The number of a text, new or known. `escaped` is what stands between the quotes.
  std::uint32_t add(std::string_view escaped);

  std::string_view at(std::uint32_t number) const { return texts_[number]; }

  /// The texts by their numbers; the table is empty afterwards.
  std::vector<std::string> take();

 private:
  std::uint32_t insert(std::string_view text, std::uint64_t hash);
  std::size_t find(std::string_view text, std::uint64_t hash) const;
  void grow();

  struct Slot {
    std::uint32_t tag = 0;  ///< of the hash
    std::uint32_t number = UINT32_MAX;
  };
  std::vector<std::string> texts_;
  std::vector<Slot> slots_;  ///< a power of two of them, at most half in use
};

/// A JSON string's text: escapes resolved, lone surrogates and broken escapes as U+FFFD.
std::string unescaped(std::string_view escaped);

}  // namespace fastpath
