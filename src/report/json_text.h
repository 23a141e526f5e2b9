/// The two hard parts of writing JSON: strings from anywhere and exact numbers.
#pragma once

#include <string>
#include <string_view>

namespace fastpath {

/// Appends `text` as a JSON string with its quotes. Control characters are escaped; bytes that are
/// not UTF-8 become U+FFFD, so the result is valid for any input.
void append_json_string(std::string& out, std::string_view text);

/// Appends the shortest text that reads back as the same double; null where it is not finite.
void append_json_number(std::string& out, double value);

/// `text` without control characters and invalid UTF-8: names from files must not steer a terminal.
std::string printable(std::string_view text);

/// Length in bytes of the valid UTF-8 sequence that starts at text[i]; 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t i);

}  // namespace fastpath
