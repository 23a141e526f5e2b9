#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include <dnnl.hpp>
#include <fmt/format.h>

#include "measure/clock.h"
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

  /// Seconds of `times` runs.
  double run(int times) {
    const Seconds before = now().wall;
    for (int i = 0; i < times; ++i)
      kernel_.execute(stream_, arguments_);
    stream_.wait();
    return (now().wall - before).base();
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

/// FLOP/s, behind a while of the same: another figure was measured before.
std::function<Repeat()> rate_of(std::shared_ptr<Matmul> matmul, std::int64_t size, int threads,
                                double seconds) {
  const auto side = static_cast<double>(size);
  const double work = 2 * side * side * side;
  use_threads(threads);
  matmul->run(1);  // makes the kernel
  const double once = std::max(matmul->run(1), 1e-7);
  const int times = static_cast<int>(std::clamp(seconds / once, 1.0, 1e5));
  return [matmul = std::move(matmul), work, threads, times] {
    use_threads(threads);
    matmul->run(std::max(1, times / 4));
    const Instant before = now();
    const double took = matmul->run(times);
    return Repeat{work * times / took, others_between(before, now())};
  };
}

}  // namespace

std::string matmul_library() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, instructions up to level {:#x}", version->major,
                     version->minor, version->patch,
                     static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
}

std::vector<MeasuredMatmul> measure_matmuls(const MachineLimits& limits, int cores,
                                            const std::function<void(std::string_view)>& tell) {
  constexpr std::array<std::int64_t, 5> kSizes{64, 128, 256, 512, 1024};
  RepeatLimits repeats;
  repeats.least = limits.quick ? 4 : 5;
  repeats.most = limits.quick ? 5 : 12;
  const double seconds = limits.quick ? 0.05 : 0.2;
  std::vector<MeasuredMatmul> all;
  std::vector<std::function<Repeat()>> figures;
  const std::size_t most = 2 * kFormats.size() * kSizes.size();
  all.reserve(most);
  figures.reserve(most);
  for (const int threads : {1, cores}) {
    if (threads == 1 && cores == 1 && !all.empty()) break;
    for (const Format& format : kFormats) {
      for (const std::int64_t size : kSizes) {
        auto matmul = matmul_of(format, size);
        if (!matmul) break;
        all.push_back({format.format, size, threads, {}});
        figures.push_back(
            rate_of(std::make_shared<Matmul>(std::move(*matmul)), size, threads, seconds));
      }
    }
  }
  tell(fmt::format("matmuls of 1 and {} threads, in turns", cores));
  const std::vector<Repeated> rates = repeat_in_turns(figures, repeats);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].rate = rates[i];
  return all;
}

Repeated measure_call(const RepeatLimits& limits) {
  constexpr int kTimes = 2000;
  auto matmul = matmul_of(kFormats.front(), 8);
  if (!matmul) return {};
  matmul->run(kTimes);
  return repeat(
      [&] {
        const Instant before = now();
        const double took = matmul->run(kTimes);
        return Repeat{took / kTimes, others_between(before, now())};
      },
      limits);
}

}  // namespace fastpath
