/// Small text tools for parsing and for messages.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

namespace fastpath {

std::string_view trim(std::string_view text);

/// Parts between separators, trimmed; empty parts are kept.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Words between white space.
std::vector<std::string_view> words(std::string_view text);

bool equals_ignoring_case(std::string_view a, std::string_view b);

/// Levenshtein distance, transposition of neighbours counted as one.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that `word` was probably meant to be, if one is near enough.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// A hint for an unknown `word`: "did you mean 'x'?", else the known words (the first few of many).
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// `text` in single quotes for a message: control characters escaped, long text cut.
std::string in_quotes(std::string_view text);

/// Offset of the first byte that is not text: a control character other than tab and line ends, or
/// not UTF-8.
std::optional<std::size_t> first_non_text(std::string_view text);

/// Line and column, from 1, of a byte of `text`; columns count bytes.
Place place_at(std::string_view text, std::size_t offset, std::string file);

/// Puts mistakes into the order of the text.
void sort_by_place(Diagnostics& diagnostics);

/// Compilers' form: `file:line:col: error: what`, then an indented hint on a line of its own.
std::string format_diagnostic(const Diagnostic& diagnostic, std::string_view severity);

/// A finite whole or decimal number, with an exponent or not, nothing else.
std::optional<double> parse_number(std::string_view text);
std::optional<long long> parse_integer(std::string_view text);

}  // namespace fastpath
