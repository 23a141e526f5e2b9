/// System: levels with compute engines, memories, links, host, storage, power and price.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/kernel.h"
#include "fastpath/number_format.h"
#include "fastpath/quantity.h"

namespace fastpath {

/// Where a figure is from, and how far to trust it.
struct Source {
  std::string cite;        ///< data sheet, paper, page, repository@commit
  std::string locator;     ///< table, page, path or field in it
  std::string date;        ///< ISO date on which it was read
  std::string confidence;  ///< vendor, vendor-derived, secondary, announced, unverified, fitted
};

/// A figure with its source. Where sources disagree, [low, high] spans them; else low == high.
template <class T>
struct Figure {
  T value{};
  T low{};
  T high{};
  Source source;
};

/// A fitted or assumed number without dimension, with half its interquartile range over the median.
struct Fitted {
  double value = 1;
  double relative_spread = 0;
  Source source;
};

struct Peak {
  NumberFormat format = NumberFormat::fp32;
  Figure<FlopsPerSecond> rate;     ///< dense
  std::optional<Fitted> achieved;  ///< of matmuls in this format, instead of Achieved::matmul
};

/// A level of the device's memory. The first one of a device is its main memory.
struct Memory {
  std::string name;  ///< "HBM3", "L2", ...
  std::optional<Figure<Bytes>> capacity;
  std::optional<Figure<BytesPerSecond>> bandwidth;
};

/// How much of its data sheet a device's kernels reach, and what one launch costs.
struct Achieved {
  Fitted matmul{.value = 0.75, .relative_spread = 0.2, .source = {}};
  Fitted attention{.value = 0.5, .relative_spread = 0.3, .source = {}};
  Fitted vector{.value = 0.5, .relative_spread = 0.3, .source = {}};  ///< elementwise arithmetic
  Fitted memory{.value = 0.8, .relative_spread = 0.15, .source = {}};
  Fitted link{.value = 0.8, .relative_spread = 0.2, .source = {}};
  Figure<Seconds> launch;        ///< between two kernels that the host launches one by one
  Figure<Seconds> graph_launch;  ///< between two kernels of a captured graph
};

struct Device {
  std::string id;
  std::string name;
  std::string vendor;
  std::string kind;  ///< gpu, tpu, asic, cpu, fpga, pim, mcu, soc
  std::optional<int> year;
  std::vector<Peak> peaks;
  std::vector<Memory> memories;  ///< main memory first, then towards the compute units
  std::optional<Figure<BytesPerSecond>> link;  ///< scale-up, per direction
  std::string link_name;
  std::optional<Figure<Hertz>> clock;
  std::optional<Figure<Watts>> power;
  std::optional<Figure<Dollars>> price;
  std::optional<Figure<DollarsPerSecond>> rent;
  std::string units;  ///< cores, SMs, ... as the data sheet counts them
  std::string notes;
  std::string family;  ///< generation: "hopper", "cdna3"; may be empty
  Achieved achieved;
  std::vector<KernelEntry>
      kernels;  ///< fitted parameters of the operator model, this device's first

  /// The figures that a prediction needs are there: a peak and the main memory's bandwidth.
  bool has_data_sheet() const;
};

enum class Topology : std::uint8_t { switched, mesh, ring, torus, bus };

struct CollectiveTuning;  // fastpath/collective.h
struct Framework;         // fastpath/framework.h

/// The members of a level are the units of the level below (devices at the first level).
struct Level {
  std::string name;  ///< "node", "rack", "cluster", "pod"
  std::int64_t count = 1;
  Topology topology = Topology::switched;
  std::string link_name;
  Figure<BytesPerSecond> bandwidth;  ///< per direction and device, into this level
  Figure<Seconds> latency;           ///< of one message, end to end, software included
  Figure<Seconds> setup;             ///< once for each collective, besides its messages
  Fitted achieved{.value = 0.8, .relative_spread = 0.2, .source = {}};  ///< of `bandwidth`
  std::vector<std::int64_t> torus;  ///< extents, for a torus: their product is `count`
  double oversubscription = 1;      ///< 1 = full bisection
  /// What collective libraries reach on this link, the default one first; null = not measured.
  std::shared_ptr<const std::vector<CollectiveTuning>> tunings;
};

struct Host {
  std::string cpu;  ///< device id, may be empty
  std::int64_t sockets = 1;
  std::optional<Figure<Bytes>> memory;
  std::optional<Figure<BytesPerSecond>> link;  ///< host to one device, per direction
  std::optional<Figure<Watts>> power;          ///< of a node besides its devices
};

struct Storage {
  std::string name;
  std::optional<Figure<Bytes>> capacity;
  std::optional<Figure<BytesPerSecond>> read;
  std::optional<Figure<BytesPerSecond>> write;
};

struct System {
  std::string id;
  std::string name;
  Device device;
  std::vector<Level> levels;  ///< innermost first; empty = one device
  Host host;
  std::vector<Storage> storage;
  std::optional<Figure<DollarsPerSecond>> rent;  ///< per device, instead of the device's own
  double power_overhead = 1;                     ///< facility power over IT power (PUE)
  std::shared_ptr<const Framework> framework;    ///< null: kernels and collectives as if alone
  std::string notes;

  /// All devices of all levels.
  std::int64_t device_count() const;
};

}  // namespace fastpath
