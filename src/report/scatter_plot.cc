#include "report/scatter_plot.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fastpath {
namespace {

constexpr double kPanel = 320;
constexpr double kMargin = 45;
constexpr std::size_t kColumns = 3;

bool drawable(const ScatterPoint& point) {
  return point.x > 0 && point.y > 0 && std::isfinite(point.x) && std::isfinite(point.y);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// Whole decades that hold all points.
struct Decades {
  double low = 0;
  double high = 1;

  explicit Decades(const ScatterPanel& panel) {
    double smallest = HUGE_VAL;
    double largest = 0;
    for (const ScatterPoint& point : panel.points) {
      if (!drawable(point)) continue;
      smallest = std::min({smallest, point.x, point.y});
      largest = std::max({largest, point.x, point.y});
    }
    if (largest <= 0) return;
    low = std::floor(std::log10(smallest));
    high = std::max(std::ceil(std::log10(largest)), low + 1);
  }
  double at(double value) const {
    const double share = (std::log10(value) - low) / (high - low);
    return std::clamp(share, 0.0, 1.0) * (kPanel - 2 * kMargin);
  }
};

void append_line(std::string& svg, const Decades& decades, double factor, const char* color) {
  const double size = kPanel - 2 * kMargin;
  const double shift = std::log10(factor) / (decades.high - decades.low) * size;
  const double start = std::max(0.0, -shift);
  const double end = std::min(size, size - shift);
  svg += fmt::format(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}"/>)",
                     start, size - start - shift, end, size - end - shift, color);
}

void append_axes(std::string& svg, const Decades& decades, const std::string& unit) {
  const double size = kPanel - 2 * kMargin;
  svg += fmt::format(R"(<rect width="{0:.1f}" height="{0:.1f}" fill="none" stroke="#888"/>)", size);
  for (double d = decades.low; d <= decades.high; ++d) {
    const double at = decades.at(std::pow(10, d));
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">1e{:.0f}</text>)", at,
                       size + 14, d);
    svg += fmt::format(R"(<text x="-4" y="{:.1f}" text-anchor="end">1e{:.0f}</text>)",
                       size - at + 4, d);
  }
  svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">measured [{}]</text>)",
                     size / 2, size + 28, escaped(unit));
}

void append_panel(std::string& svg, const ScatterPanel& panel, const std::string& unit) {
  const Decades decades(panel);
  const double size = kPanel - 2 * kMargin;
  append_axes(svg, decades, unit);
  append_line(svg, decades, 1, "#444");
  append_line(svg, decades, 2, "#ccc");
  append_line(svg, decades, 0.5, "#ccc");
  std::size_t drawn = 0;
  for (const ScatterPoint& point : panel.points) {
    if (!drawable(point)) continue;
    ++drawn;
    svg += fmt::format(
        R"(<circle cx="{:.1f}" cy="{:.1f}" r="2" fill="#1a6fb5" fill-opacity="0.5"><title>{}</title></circle>)",
        decades.at(point.x), size - decades.at(point.y), escaped(point.name));
  }
  svg += fmt::format(R"(<text x="0" y="-8">{}: predicted [{}], {} rows</text>)",
                     escaped(panel.title), escaped(unit), drawn);
}

}  // namespace

std::string scatter_svg(std::span<const ScatterPanel> panels, const std::string& unit) {
  const std::size_t rows = (panels.size() + kColumns - 1) / kColumns;
  const std::size_t columns = std::min(panels.size(), kColumns);
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" font-family="sans-serif" font-size="10">)"
      "\n",
      kPanel * static_cast<double>(columns), kPanel * static_cast<double>(rows));
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const std::size_t row = i / kColumns;
    const std::size_t column = i % kColumns;
    svg += fmt::format(R"svg(<g transform="translate({:.0f},{:.0f})">)svg",
                       kPanel * static_cast<double>(column) + kMargin,
                       kPanel * static_cast<double>(row) + kMargin);
    append_panel(svg, panels[i], unit);
    svg += "</g>\n";
  }
  return svg + "</svg>\n";
}

}  // namespace fastpath
