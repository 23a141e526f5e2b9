/// Published inference times of convolutional networks on CPUs of phones, boards and PCs.
#pragma once

#include <optional>
#include <string>

#include "fastpath/quantity.h"

namespace fastpath {

struct EdgeRun {
  std::string id;
  std::string device;
  std::string source;
  int entry = 0;  ///< of the source: what was measured together
  int threads = 1;
  int powersave = 0;  ///< 0 all cores, 1 little ones, 2 big ones
  std::string network;
  Seconds time;                ///< the least of its repeats
  double recorded = 0;         ///< year in which the source recorded it, 2023.5; 0: not stated
  std::optional<Hertz> clock;  ///< where the source states another than the device's
  std::string built_for;       ///< instruction sets that its software was limited to; empty: all
};

/// A layer with multiply-accumulates.
struct EdgeLayer {
  std::string network;
  bool fully_connected = false;
  double in_channels = 1;
  int kernel = 1;
  int stride = 1;
  double groups = 1;
  double out_channels = 1;
  double out_height = 1;
  double out_width = 1;
  double macs = 0;
};

struct EdgeNetwork {
  std::string network;
  double layers = 0;       ///< all of them
  double activations = 0;  ///< elements of all layers' outputs
  double macs = 0;         ///< 0: the file carries no shapes
};

}  // namespace fastpath
