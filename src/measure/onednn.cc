#include "measure/onednn.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include <dnnl.hpp>
#include <fmt/format.h>

#include "measure/clock.h"
#include "measure/cores.h"

// The library runs its threads by OpenMP; its runtime comes with it.
extern "C" [[gnu::weak]] void omp_set_num_threads(int threads);

namespace fastpath {
namespace {

using dnnl::memory;

/// Types of a format's operands and results. Convolutions of int8 are of networks whose
/// activations are unsigned, as after a ReLU.
struct Types {
  NumberFormat format;
  memory::data_type operand;
  memory::data_type product;
  memory::data_type image;
};

constexpr std::array<Types, 4> kTypes{
    {{NumberFormat::fp32, memory::data_type::f32, memory::data_type::f32, memory::data_type::f32},
     {NumberFormat::bf16, memory::data_type::bf16, memory::data_type::bf16,
      memory::data_type::bf16},
     {NumberFormat::fp16, memory::data_type::f16, memory::data_type::f16, memory::data_type::f16},
     {NumberFormat::int8, memory::data_type::s8, memory::data_type::s32, memory::data_type::u8}}};

/// A kernel with its operands. They are zeros: arithmetic takes as long as with any other normal
/// numbers.
class Kernel {
 public:
  Kernel(const Types& types, const MatmulSize& size) : Kernel() {
    const auto plain = memory::format_tag::ab;
    const memory::desc left({size.m, size.k}, types.operand, plain);
    const memory::desc right({size.k, size.n}, types.operand, plain);
    const memory::desc product({size.m, size.n}, types.product, plain);
    take<dnnl::matmul>(
        dnnl::matmul::primitive_desc(dnnl::matmul::desc(left, right, product), engine_));
  }

  /// In the layout that the library picks, weights included.
  Kernel(const Types& types, const ConvolutionSize& size) : Kernel() {
    const auto any = memory::format_tag::any;
    const std::int64_t out = size.output_height();
    const std::int64_t before = size.window / 2;
    const std::int64_t behind = (out - 1) * size.stride + size.window - size.height - before;
    memory::dims weights{size.filters, size.channels / size.groups, size.window, size.window};
    if (size.groups > 1) {
      weights.front() /= size.groups;
      weights.insert(weights.begin(), size.groups);
    }
    const dnnl::convolution_forward::desc description(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
        {{1, size.channels, size.height, size.height}, types.image, any},
        {weights, types.operand, any}, {{1, size.filters, out, out}, types.image, any},
        {size.stride, size.stride}, {before, before}, {behind, behind});
    take<dnnl::convolution_forward>(
        dnnl::convolution_forward::primitive_desc(description, engine_));
  }

  const std::string& implementation() const { return implementation_; }

  Seconds run(int times) {
    const Seconds before = wall_time();
    for (int i = 0; i < times; ++i)
      primitive_.execute(stream_, arguments_);
    stream_.wait();
    return wall_time() - before;
  }

 private:
  Kernel() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

  template <class Primitive, class Description>
  void take(const Description& description) {
    primitive_ = Primitive(description);
    implementation_ = description.impl_info_str();
    arguments_ = {{DNNL_ARG_SRC, zeros(description.src_desc())},
                  {DNNL_ARG_WEIGHTS, zeros(description.weights_desc())},
                  {DNNL_ARG_DST, zeros(description.dst_desc())}};
  }

  memory zeros(const memory::desc& description) const {
    memory made(description, engine_);
    auto* bytes = static_cast<unsigned char*>(made.get_data_handle());
    std::fill_n(bytes, description.get_size(), static_cast<unsigned char>(0));
    return made;
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::primitive primitive_;
  std::string implementation_;
  std::unordered_map<int, memory> arguments_;
};

/// Nothing where the library has no such kernel on this CPU. It says so by an exception.
std::shared_ptr<Kernel> kernel_of(NumberFormat format, const KernelSize& size) {
  const auto* const types = std::find_if(kTypes.begin(), kTypes.end(),
                                         [&](const Types& one) { return one.format == format; });
  if (types == kTypes.end()) return nullptr;
  try {
    return std::visit([&](const auto& one) { return std::make_shared<Kernel>(*types, one); }, size);
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

void use_threads(int threads) {
  if (omp_set_num_threads != nullptr) omp_set_num_threads(threads);
}

/// Runs a kernel on one thread of a core, or on all. Others' part by the calling thread alone: it
/// never sleeps for long, while small kernels leave the other threads of OpenMP asleep.
Repeat time_runs(Kernel& kernel, int times, std::optional<int> core, int threads) {
  use_threads(threads);
  std::optional<Pinned> here;
  if (core) here.emplace(*core);
  kernel.run(std::max(1, times / 4));  // another figure was measured before
  const Seconds cpu = thread_time();
  const Seconds took = kernel.run(times);
  return {took.base() / times, taken_from(1, took, thread_time() - cpu)};
}

std::function<Repeat()> rate_of(std::shared_ptr<Kernel> kernel, Flops work, int threads,
                                const std::vector<int>& cores, Seconds length) {
  use_threads(threads);
  kernel->run(1);  // makes its code
  const double once = std::max(kernel->run(1).base(), 1e-7);
  const int times = static_cast<int>(std::clamp(length.base() / once, 1.0, 1e5));
  return
      [kernel = std::move(kernel), work, threads, cores, times, turn = std::size_t{0}]() mutable {
        std::optional<int> core;
        if (threads == 1) core = cores[turn++ % cores.size()];
        Repeat repeat = time_runs(*kernel, times, core, threads);
        repeat.value = work.base() / repeat.value;
        return repeat;
      };
}

}  // namespace

Flops work_of(const KernelSize& size) {
  struct Work {
    double operator()(const MatmulSize& one) const {
      return static_cast<double>(one.m) * static_cast<double>(one.n) * static_cast<double>(one.k);
    }
    double operator()(const ConvolutionSize& one) const {
      const double places = static_cast<double>(one.output_height() * one.output_height());
      const std::int64_t inputs = one.channels / one.groups;  // of a place of the result
      const double weights = static_cast<double>(one.filters * inputs * one.window * one.window);
      return places * weights;
    }
  };
  return Flops{2 * std::visit(Work{}, size)};
}

std::string name_of(const KernelSize& size) {
  struct Name {
    std::string operator()(const MatmulSize& one) const {
      return fmt::format("{}x{}x{}", one.m, one.n, one.k);
    }
    std::string operator()(const ConvolutionSize& one) const {
      const std::string stride = one.stride > 1 ? fmt::format("/{}", one.stride) : "";
      const std::string groups = one.groups > 1 ? fmt::format(" in {} groups", one.groups) : "";
      return fmt::format("{0}x{0}x{1} {2}x{2}{3} {4}{5}", one.height, one.channels, one.window,
                         stride, one.filters, groups);
    }
  };
  return std::visit(Name{}, size);
}

std::string kernel_library() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, instructions up to level {:#x}", version->major,
                     version->minor, version->patch,
                     static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
}

KernelFigures kernel_figures(const std::vector<KernelSetting>& settings,
                             const std::vector<int>& cores, Seconds length) {
  KernelFigures figures;
  for (const KernelSetting& setting : settings) {
    auto kernel = kernel_of(setting.format, setting.size);
    if (!kernel) continue;
    figures.kernels.push_back({setting, kernel->implementation(), {}});
    figures.rates.push_back(
        rate_of(std::move(kernel), work_of(setting.size), setting.threads, cores, length));
  }
  return figures;
}

std::function<Repeat()> call_figure(const std::vector<int>& cores) {
  constexpr int kTimes = 2000;
  auto kernel = kernel_of(NumberFormat::fp32, MatmulSize{8, 8, 8});
  if (!kernel) return [] { return Repeat{}; };
  return [kernel = std::move(kernel), cores, turn = std::size_t{0}]() mutable {
    return time_runs(*kernel, kTimes, cores[turn++ % cores.size()], 1);
  };
}

}  // namespace fastpath
