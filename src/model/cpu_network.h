/// What a convolutional network asks of a CPU, by kinds of work that kernels do at rates of their
/// own.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "fastpath/quantity.h"

#include "ir/edge_run.h"

namespace fastpath {

inline constexpr std::size_t kCpuWorks = 14;

/// Units of each kind of work: multiply-accumulates, or elements of transforms and activations, or
/// layers. A 3x3 convolution of stride 1 counts by Winograd's F(4x4, 3x3) (Lavin and Gray, "Fast
/// Algorithms for Convolutional Neural Networks", CVPR 2016, section 4.3): 36 multiplications for
/// each tile of 16 outputs and pair of channels, partial tiles whole, and 36 elements of each
/// channel's tile transformed.
using CpuWork = std::array<double, kCpuWorks>;

/// Names of the kinds, in the order of CpuWork.
std::string_view cpu_work_name(std::size_t kind);

/// Of a network; `int8`: quantised, so that its convolutions count as kinds of their own.
CpuWork cpu_work(std::span<const EdgeLayer> layers, const EdgeNetwork& network, bool int8);

/// Time of a network: the sum of work x time of a unit. Layers run one after the other.
Seconds cpu_time(const CpuWork& work, std::span<const double> unit_times);

}  // namespace fastpath
