#include "measure/bandwidth.h"

#include <algorithm>
#include <barrier>
#include <thread>

#include "measure/array.h"
#include "measure/clock.h"
#include "measure/cores.h"

namespace fastpath {
namespace {

/// The arrays of one thread; a read or a write uses only the first.
struct Arrays {
  std::uint64_t* a;
  const std::uint64_t* b;
  const std::uint64_t* c;
};

template <class Word, std::size_t kBytes>
using Vector [[gnu::vector_size(kBytes), gnu::may_alias]] = Word;

/// The loops are inlined into functions that may use vectors of `kBytes`. Arrays are of whole
/// lines; four sums, so that additions do not wait for each other.
template <std::size_t kBytes>
[[gnu::always_inline]] inline void read_by(const Arrays& arrays, std::size_t words) {
  using V = Vector<std::uint64_t, kBytes>;
  const auto* a = reinterpret_cast<const V*>(arrays.a);
  V one{};
  V two{};
  V three{};
  V four{};
  const std::size_t count = words * sizeof(std::uint64_t) / kBytes;
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    one += a[i];
    two += a[i + 1];
    three += a[i + 2];
    four += a[i + 3];
  }
  for (; i < count; ++i)
    one += a[i];
  one += two + three + four;
  keep(one[0]);
}

template <std::size_t kBytes>
[[gnu::always_inline]] inline void write_by(const Arrays& arrays, std::size_t words) {
  using V = Vector<std::uint64_t, kBytes>;
  auto* a = reinterpret_cast<V*>(arrays.a);
  const V value = V{} + words;
  for (std::size_t i = 0; i < words * sizeof(std::uint64_t) / kBytes; ++i)
    a[i] = value;
}

template <std::size_t kBytes>
[[gnu::always_inline]] inline void triad_by(const Arrays& arrays, std::size_t words) {
  using V = Vector<double, kBytes>;
  auto* a = reinterpret_cast<V*>(arrays.a);
  const auto* b = reinterpret_cast<const V*>(arrays.b);
  const auto* c = reinterpret_cast<const V*>(arrays.c);
  for (std::size_t i = 0; i < words * sizeof(double) / kBytes; ++i)
    a[i] = b[i] + 3.0 * c[i];
}

/// So many passes over as many words of each array.
template <std::size_t kBytes>
[[gnu::always_inline]] inline void pass_by(MemoryStream stream, const Arrays& arrays,
                                           std::size_t words, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    switch (stream) {
      case MemoryStream::read: read_by<kBytes>(arrays, words); break;
      case MemoryStream::write: write_by<kBytes>(arrays, words); break;
      case MemoryStream::triad: triad_by<kBytes>(arrays, words); break;
    }
    keep(i);  // the next pass may find other values, for all that the compiler knows
  }
}

using Passes = void (*)(MemoryStream, const Arrays&, std::size_t, std::size_t);

void narrow_passes(MemoryStream stream, const Arrays& arrays, std::size_t words,
                   std::size_t times) {
  pass_by<16>(stream, arrays, words, times);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void avx2_passes(MemoryStream stream, const Arrays& arrays,
                                             std::size_t words, std::size_t times) {
  pass_by<32>(stream, arrays, words, times);
}

[[gnu::target("avx512f")]] void avx512_passes(MemoryStream stream, const Arrays& arrays,
                                              std::size_t words, std::size_t times) {
  pass_by<64>(stream, arrays, words, times);
}

Passes widest_passes() {
  if (__builtin_cpu_supports("avx512f") != 0) return avx512_passes;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return avx2_passes;
  return narrow_passes;
}
#else
Passes widest_passes() { return narrow_passes; }
#endif

struct Streamed {
  double bytes = 0;
  Seconds begin;
  Seconds end;
  Seconds cpu;
};

/// A thread on `core` that streams again and again, once all are ready.
Streamed stream_for(MemoryStream stream, std::size_t bytes, int core, Seconds length,
                    std::barrier<>& ready) {
  constexpr std::size_t kBetweenClocks = std::size_t{1} << 22;
  constexpr std::size_t kLine = 64 / sizeof(std::uint64_t);
  const Pinned here(core);
  const Array array(bytes);
  const std::size_t arrays = stream == MemoryStream::triad ? 3 : 1;
  const std::size_t words = bytes / sizeof(std::uint64_t) / arrays / kLine * kLine;
  const std::size_t most = kBetweenClocks / sizeof(std::uint64_t) / arrays / kLine * kLine;
  const std::size_t part = std::min(words, most);
  const std::size_t times = most / part;
  const Passes passes = widest_passes();
  const auto at = [&](std::size_t from) {
    std::uint64_t* const a = array.words() + from;
    return arrays == 1 ? Arrays{a, a, a} : Arrays{a, a + words, a + 2 * words};
  };
  passes(stream, at(0), words, 1);
  ready.arrive_and_wait();
  Streamed done;
  const Seconds cpu = thread_time();
  done.begin = wall_time();
  std::size_t from = 0;
  do {
    passes(stream, at(from), part, times);
    from = from + 2 * part <= words ? from + part : 0;
    done.bytes += static_cast<double>(times * part * arrays * sizeof(std::uint64_t));
    done.end = wall_time();
  } while (done.end - done.begin < length);
  done.cpu = thread_time() - cpu;
  return done;
}

}  // namespace

std::string_view name_of(MemoryStream stream) {
  switch (stream) {
    case MemoryStream::read: return "read";
    case MemoryStream::write: return "write";
    case MemoryStream::triad: return "triad";
  }
  return {};
}

Repeat stream_once(MemoryStream stream, std::size_t bytes, const std::vector<int>& cores,
                   Seconds length) {
  std::vector<Streamed> threads(cores.size());
  std::barrier<> ready(static_cast<std::ptrdiff_t>(cores.size()));
  std::vector<std::thread> running;
  running.reserve(cores.size());
  for (std::size_t i = 0; i < cores.size(); ++i) {
    running.emplace_back(
        [&, i] { threads[i] = stream_for(stream, bytes, cores[i], length, ready); });
  }
  for (std::thread& thread : running)
    thread.join();
  Streamed all = threads.front();
  for (std::size_t i = 1; i < threads.size(); ++i) {
    all.bytes += threads[i].bytes;
    all.cpu += threads[i].cpu;
    all.begin = std::min(all.begin, threads[i].begin);
    all.end = std::max(all.end, threads[i].end);
  }
  const Seconds wall = all.end - all.begin;
  return {all.bytes / wall.base(), taken_from(static_cast<int>(cores.size()), wall, all.cpu)};
}

}  // namespace fastpath
