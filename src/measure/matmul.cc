#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnnl.hpp>
#include <fmt/format.h>

#include "measure/clock.h"
#include "measure/cores.h"
#include "measure/machine.h"

// The library runs its threads by OpenMP; its runtime comes with it.
extern "C" [[gnu::weak]] void omp_set_num_threads(int threads);

namespace fastpath {
namespace {

using dnnl::memory;

struct Format {
  NumberFormat format;
  memory::data_type operand;
  memory::data_type result;
};

constexpr std::array<Format, 4> kFormats{
    {{NumberFormat::fp32, memory::data_type::f32, memory::data_type::f32},
     {NumberFormat::bf16, memory::data_type::bf16, memory::data_type::bf16},
     {NumberFormat::fp16, memory::data_type::f16, memory::data_type::f16},
     {NumberFormat::int8, memory::data_type::s8, memory::data_type::s32}}};

/// Square matrices of zeros: arithmetic takes as long as with any other normal numbers.
class Matmul {
 public:
  Matmul(const Format& format, std::int64_t size)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    const memory::dims dims{size, size};
    const memory::desc operand(dims, format.operand, memory::format_tag::ab);
    const memory::desc result(dims, format.result, memory::format_tag::ab);
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(operand, operand, result),
                                                   engine_);
    kernel_ = dnnl::matmul(description);
    arguments_ = {{DNNL_ARG_SRC, zeros(operand)},
                  {DNNL_ARG_WEIGHTS, zeros(operand)},
                  {DNNL_ARG_DST, zeros(result)}};
  }

  Seconds run(int times) {
    const Seconds before = wall_time();
    for (int i = 0; i < times; ++i)
      kernel_.execute(stream_, arguments_);
    stream_.wait();
    return wall_time() - before;
  }

 private:
  memory zeros(const memory::desc& description) const {
    memory made(description, engine_);
    auto* bytes = static_cast<unsigned char*>(made.get_data_handle());
    std::fill_n(bytes, description.get_size(), static_cast<unsigned char>(0));
    return made;
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul kernel_;
  std::unordered_map<int, memory> arguments_;
};

/// Nothing where the library has no such kernel on this CPU. It says so by an exception.
std::optional<Matmul> matmul_of(const Format& format, std::int64_t size) {
  try {
    return Matmul(format, size);
  } catch (const dnnl::error&) {
    return std::nullopt;
  }
}

void use_threads(int threads) {
  if (omp_set_num_threads != nullptr) omp_set_num_threads(threads);
}

/// Runs a matmul on one thread of a core, or on all. Others' part by the calling thread alone: it
/// never sleeps for long, while small matmuls leave the other threads of OpenMP asleep.
Repeat time_runs(Matmul& matmul, int times, std::optional<int> core, int threads) {
  use_threads(threads);
  std::optional<Pinned> here;
  if (core) here.emplace(*core);
  matmul.run(std::max(1, times / 4));  // another figure was measured before
  const Seconds cpu = thread_time();
  const Seconds took = matmul.run(times);
  return {took.base() / times, taken_from(1, took, thread_time() - cpu)};
}

/// FLOP/s; one thread is on the cores in turns.
std::function<Repeat()> rate_of(std::shared_ptr<Matmul> matmul, double size, int threads,
                                const std::vector<int>& cores, Seconds length) {
  use_threads(threads);
  matmul->run(1);  // makes the kernel
  const double once = std::max(matmul->run(1).base(), 1e-7);
  const int times = static_cast<int>(std::clamp(length.base() / once, 1.0, 1e5));
  return [matmul = std::move(matmul), work = 2 * size * size * size, threads, cores, times,
          turn = std::size_t{0}]() mutable {
    std::optional<int> core;
    if (threads == 1) core = cores[turn++ % cores.size()];
    Repeat repeat = time_runs(*matmul, times, core, threads);
    repeat.value = work / repeat.value;
    return repeat;
  };
}

}  // namespace

std::string matmul_library() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, instructions up to level {:#x}", version->major,
                     version->minor, version->patch,
                     static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
}

MatmulFigures matmul_figures(const std::vector<int>& cores, Seconds length) {
  constexpr std::array<std::int64_t, 5> kSizes{64, 128, 256, 512, 1024};
  const auto all = static_cast<int>(cores.size());
  MatmulFigures figures;
  for (const int threads : {1, all}) {
    if (all == 1 && !figures.matmuls.empty()) break;
    for (const Format& format : kFormats) {
      for (const std::int64_t size : kSizes) {
        auto matmul = matmul_of(format, size);
        if (!matmul) break;
        figures.matmuls.push_back({format.format, size, threads, {}});
        figures.rates.push_back(rate_of(std::make_shared<Matmul>(std::move(*matmul)),
                                        static_cast<double>(size), threads, cores, length));
      }
    }
  }
  return figures;
}

std::function<Repeat()> call_figure(const std::vector<int>& cores) {
  constexpr int kTimes = 2000;
  auto matmul = matmul_of(kFormats.front(), 8);
  if (!matmul) return [] { return Repeat{}; };
  return [matmul = std::make_shared<Matmul>(std::move(*matmul)), cores,
          turn = std::size_t{0}]() mutable {
    return time_runs(*matmul, kTimes, cores[turn++ % cores.size()], 1);
  };
}

}  // namespace fastpath
