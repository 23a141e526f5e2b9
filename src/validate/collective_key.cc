#include "validate/collective_key.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace fastpath {
namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Scale-up links of devices, as catalog/devices names them.
std::string link_of_device(std::string_view device) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kLinks{
      {{"nvidia-a100-sxm", "nvlink3"},
       {"nvidia-a800-sxm", "nvlink3"},
       {"nvidia-h100-sxm", "nvlink4"},
       {"nvidia-h200-sxm", "nvlink4"},
       {"nvidia-h20", "nvlink4"},
       {"nvidia-gh200", "nvlink4"},
       {"nvidia-b200", "nvlink5"},
       {"nvidia-b300", "nvlink5"},
       {"nvidia-gb200", "nvlink5"},
       {"nvidia-gb300", "nvlink5"},
       {"nvidia-v100-sxm", "nvlink2"},
       {"amd-mi300x", "xgmi-mi300x"},
       {"amd-mi325x", "xgmi-mi300x"},
       {"amd-mi35", "xgmi-mi355x"},
       {"nvidia-rtx-pro-6000", "pcie5-x16"},
       {"intel-arc-pro-b60", "pcie5-x8"}}};
  for (const auto& [prefix, link] : kLinks) {
    if (device.starts_with(prefix)) return std::string(link);
  }
  return {};
}

/// Cards with a bridge in pairs: two ranks use the bridge, more the slots.
std::string link_of(const CollectiveRow& row, std::span<const LinkFigures> links) {
  const bool known = std::any_of(links.begin(), links.end(),
                                 [&](const LinkFigures& link) { return link.id == row.intra; });
  if (known) return row.intra;
  if (has(row.intra, "pairwise NVLink")) {
    if (row.ranks <= 2) return "nvlink-bridge";
    return has(row.device, "h100") ? "pcie5-x16" : "pcie4-x16";
  }
  std::string of_device = link_of_device(row.device);
  if (!of_device.empty()) return of_device;
  if (row.device.empty() && has(row.hardware, "p5")) return "nvlink4";
  return row.device.empty() ? "nvlink3" : std::string{};
}

std::string lowercase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Library and mode from the notes: "vllm graph", "nccl". With -g a single thread launches on all
/// devices in turn, which shows in small messages.
std::string library_of(const CollectiveRow& row) {
  const std::string notes = lowercase(row.notes);
  for (const std::string_view engine : {"sglang", "vllm", "trtllm"}) {
    if (!notes.starts_with(engine)) continue;
    if (has(notes, "_graph")) return std::string(engine) + " graph";
    return std::string(engine) + (has(notes, "_eager") ? " eager" : "");
  }
  if (has(notes, "oneccl")) return "oneccl";
  if (has(notes, "rccl") || row.device.starts_with("amd-")) return "rccl";
  if (has(notes, "cuda-graph")) return "nccl graph";
  return has(notes, "-g 8") ? "nccl one thread" : "nccl";
}

/// "NCCL 2.29.2 dtype=half" -> "nccl 2.29.2"; other sources: who ran it.
std::string version_of(const CollectiveRow& row) {
  const std::vector<std::string_view> parts = words(row.notes);
  if (parts.size() >= 2 && has(row.notes, "dtype=")) {
    return lowercase(parts[0]) + " " + std::string(parts[1]);
  }
  return row.source;
}

bool crosses_nodes(const CollectiveRow& row) {
  return !row.inter.empty() && row.inter != "-" && row.ranks > row.per_node;
}

/// "EFA v2 3200Gb/s per node": bytes/s of a node; 0 = not stated.
double rate_per_node(std::string_view inter) {
  const std::size_t unit = inter.find("Gb/s per node");
  if (unit == std::string_view::npos) return 0;
  const std::size_t start = inter.find_last_not_of("0123456789.", unit - 1);
  const auto from = start == std::string_view::npos ? 0 : start + 1;
  return parse_number(inter.substr(from, unit - from)).value_or(0) * 1e9 / 8;
}

/// A fabric that is not stated: one 400 Gb/s port a device; runs correct it.
constexpr BytesPerSecond kUnstatedPort{50e9};
/// What EFA, the only fabric stated, takes for a message in the published runs.
constexpr Seconds kFabricLatency{20e-6};

void place_across(const CollectiveRow& row, GroupPlace& place) {
  const double node = rate_per_node(row.inter);
  const BytesPerSecond port =
      node > 0 ? BytesPerSecond{node / static_cast<double>(row.per_node)} : kUnstatedPort;
  const double far = 1 - place.inside / place.ranks;
  place.port = place.port_sheet = port;
  place.out = place.out_sheet = place.inside * port;
  place.spread = place.spread_sheet = 1 / far * port;
  place.out_latency = kFabricLatency;
  place.units = place.ranks / place.inside;
}

GroupPlace place_of(const CollectiveRow& row, const LinkFigures& link) {
  GroupPlace place;
  place.ranks = static_cast<double>(row.ranks);
  place.inside = crosses_nodes(row) ? static_cast<double>(row.per_node) : place.ranks;
  place.bandwidth = link.bandwidth;
  place.achieved = link.achieved;
  place.latency = link.latency;
  place.setup = link.setup;
  place.steps = place.inside - 1;
  if (has(link.id, "xgmi-mi3")) {
    // Boxes of 8: one link to each other device.
    place.topology = Topology::mesh;
    place.bandwidth = std::min(1.0, (place.inside - 1) / 7) * link.bandwidth;
  } else if (has(link.id, "pcie")) {
    place.topology = Topology::bus;
  }
  if (crosses_nodes(row)) place_across(row, place);
  return place;
}

}  // namespace

std::int64_t nvls_ranks_of(const std::string& link) {
  if (link == "nvlink4") return 5;
  return link == "nvlink5" || link == "nvlink6" ? 6 : 0;
}

std::vector<CollectiveSample> collective_samples(std::span<const CollectiveRow> rows,
                                                 std::span<const LinkFigures> links) {
  std::vector<CollectiveSample> samples;
  samples.reserve(rows.size());
  for (const CollectiveRow& row : rows) {
    CollectiveSample sample;
    sample.row = &row;
    sample.system = row.device.empty() ? "unstated" : row.device;
    sample.link = link_of(row, links);
    sample.library = library_of(row);
    sample.version = version_of(row);
    sample.integers = has(row.notes, "int8") || has(row.notes, "int32");
    sample.no_nvls = has(row.notes, "NVLS_ENABLE=0");
    sample.octave = std::log2(row.bytes.base());
    if (crosses_nodes(row)) sample.cluster = row.location + " / " + std::to_string(row.per_node);
    const auto link = std::find_if(links.begin(), links.end(), [&](const LinkFigures& figures) {
      return figures.id == sample.link;
    });
    if (link != links.end()) {
      sample.place = place_of(row, *link);
      sample.pcie = has(link->id, "pcie");
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace fastpath
