/// A model of single operators, to measure a runtime's kernels on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/framework.h"

#include "ir/runnable_model.h"
#include "ir/runtime_profile.h"

namespace fastpath {

/// One operator. Convolutions: `height` x `height` places, `channels` in, `outputs` out, windows of
/// `window` x `window` (RuntimeKernel::im2col: along one axis). Matmuls: `height` rows, `channels`
/// deep, `outputs` columns. Others: a tensor of `channels` x `height` x `height`.
struct RuntimeProbe {
  RuntimeKernel kernel = RuntimeKernel::map;
  std::string op;  ///< of ONNX
  std::int64_t height = 1;
  std::int64_t channels = 1;
  std::int64_t outputs = 1;
  std::int64_t window = 1;
  std::int64_t stride = 1;
};

/// Sizes as networks have them, on a grid.
std::vector<RuntimeProbe> runtime_probes();

/// The product in a transposed convolution, its time left open.
RuntimePoint product_of(const RuntimeProbe& probe);

/// Whether an operator takes some tens of microseconds at most, by its work and bytes.
bool is_small(const RuntimeProbe& probe);

/// Each probe as a branch of its own behind an operator that makes its input, so that it finds its
/// input where a network's operators find theirs. Weights and inputs are seeded random numbers.
RunnableModel probe_model(const std::vector<RuntimeProbe>& probes, std::uint64_t seed);

/// `length` operators on so many numbers, one after the other.
RunnableModel chain_model(int length, std::int64_t numbers);

/// Two models, of which one executes a probe's operator so many times more.
struct MarginalModels {
  RunnableModel with;
  RunnableModel without;
  double times = 1;
};

/// For operators of microseconds, which a profiler disturbs. A convolution is repeated in a chain,
/// which stays in the blocked layout, with as many channels out as in every second time; others run
/// each behind an operator that makes its input. Nothing for convolutions of images, with strides,
/// and transposed ones.
std::optional<MarginalModels> marginal_models(const RuntimeProbe& probe, std::uint64_t seed);

/// Branches of so many operators that an input chooses by `If`, against the same operators without:
/// what a branch costs.
MarginalModels branch_models(int operators, std::uint64_t seed);

/// Bytes read and written, by the shapes in a profile (RuntimeEvent::shapes): all inputs and all
/// outputs, four bytes an element.
double bytes_of(std::string_view shapes);

/// A point, and the probe that it is of: nothing for changes of layout.
struct ProbePoint {
  RuntimePoint point;
  std::optional<std::size_t> probe;
};

/// The probes' points from a profile of that model: the shortest execution of each operator,
/// or the mean of the shorter half where they are short; reorders of layout by their bytes. A
/// transposed convolution's is of the whole operator: the product is still to be taken off.
/// An operator that the profile lacks has no point.
std::vector<ProbePoint> probe_points(const std::vector<RuntimeProbe>& probes,
                                     const std::vector<RuntimeEvent>& events, std::size_t warm_ups);

}  // namespace fastpath
