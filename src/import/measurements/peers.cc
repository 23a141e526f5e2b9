#include "import/measurements/peers.h"

#include "import/measurements/rows.h"

namespace fastpath {

Result<std::vector<PeerStep>> read_peer_steps(std::string_view text, const std::string& file) {
  std::vector<PeerStep> steps;
  const auto read = read_measurement_rows(
      text, file, {"id", "tool", "setup", "predicted_s"}, [&](const MeasurementRow& row) {
        steps.push_back({std::string(row.text("id")), std::string(row.text("tool")),
                         std::string(row.text("setup")),
                         Seconds{positive_number(row, "predicted_s")}});
      });
  if (!read) return failure(read.error());
  return steps;
}

}  // namespace fastpath
