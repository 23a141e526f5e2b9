/// Published runs of MLPerf Tiny and Mobile, and what their networks are made of.
#pragma once

#include <string>

#include "fastpath/quantity.h"

namespace fastpath {

/// One network on one board.
struct TinyRun {
  std::string id;
  std::string device;
  std::string submission;  ///< who, in which round, as which system: one software
  std::string benchmark;   ///< ad, ic, kws, vww
  bool closed = true;      ///< the network is the reference one
  bool in_floats = false;  ///< the system's name says so; else int8
  bool accelerated = false;
  Seconds time;  ///< of an inference, median
};

/// Multiply-accumulates of one inference by kind of layer.
struct TinyNetwork {
  std::string benchmark;
  double layers = 0;  ///< all that are executed
  double convolution = 0;
  double pointwise = 0;
  double depthwise = 0;
  double dense = 0;

  double macs() const { return convolution + pointwise + depthwise + dense; }
};

/// One network on one phone.
struct MobileRun {
  std::string id;
  std::string device;
  std::string benchmark;  ///< empty: not named
  bool single = true;     ///< one inference at a time
  Seconds time;           ///< 90th percentile
};

}  // namespace fastpath
