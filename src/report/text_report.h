/// Findings for people.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/findings.h"

namespace fastpath {

struct TextStyle {
  bool color = false;  ///< ANSI escapes; the words are the same without
  int width = 100;     ///< columns of the terminal
};

/// Aligned tables, numbers to the right, one scale per column with its unit below the header; a
/// column of shares named "share" that ends a table gets a bar. A table of one row, or of few rows
/// too wide for the page, is turned: a line per column. There, columns `x_low` and `x_high` behind
/// `x` are printed as its 90 % interval. Long texts are shortened in the middle; control characters
/// from files are replaced.
std::string text_report(const Findings& findings, const TextStyle& style = {});

/// One number in the scale that reads best, with its unit: "3.412 ms", "61.2 %", "1,024".
std::string format_cell(double value, Unit unit);

/// `text` with lines of at most `width` characters, broken between words; lines after the first are
/// indented by `indent`.
std::string wrapped(std::string_view text, int width, int indent);

}  // namespace fastpath
