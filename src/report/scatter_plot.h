/// Predicted against measured, as an SVG image.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace fastpath {

struct ScatterPoint {
  double x = 1;  ///< above 0
  double y = 1;
  std::string name;  ///< shown when pointed at
};

struct ScatterPanel {
  std::string title;
  std::vector<ScatterPoint> points;
};

/// Panels side by side, three a row, both axes logarithmic over the same decades, with the diagonal
/// and a factor of two around it. Points that are not positive and finite are left out.
std::string scatter_svg(std::span<const ScatterPanel> panels, const std::string& unit);

}  // namespace fastpath
