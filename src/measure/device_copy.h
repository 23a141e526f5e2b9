/// Copies between this machine's memory and its GPUs: what a link between host and device reaches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "measure/repeats.h"

namespace fastpath {

enum class HostMemory : std::uint8_t { pinned, pageable };
enum class CopyDirection : std::uint8_t { to_device, to_host, both };

std::string_view name_of(HostMemory memory);
std::string_view name_of(CopyDirection direction);

/// Copies one after the other, each from its call until the host knows that its data are there.
struct MeasuredCopy {
  std::string device;
  std::string bus;  ///< its place on the machine's bus: "0000:3b:00.0"
  HostMemory memory = HostMemory::pinned;
  CopyDirection direction = CopyDirection::to_device;
  Bytes size;     ///< of a copy
  Repeated rate;  ///< bytes/s; in both directions of the two together
};

struct MeasuredCopies {
  std::vector<MeasuredCopy> copies;
  std::size_t alike = 0;  ///< devices left out because one of their name was measured
  /// Of drivers and devices, whose copies are above only where they kept their memory in the end.
  Diagnostics failures;
};

struct CopyOptions {
  /// The drivers' libraries: paths, or names for the loader.
  std::vector<std::string> cuda{"libcuda.so.1"};
  std::vector<std::string> hip{"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5",
                               "libamdhip64.so", "/opt/rocm/lib/libamdhip64.so"};
  std::vector<std::size_t> sizes{std::size_t{16} << 10, std::size_t{1} << 20,
                                 std::size_t{64} << 20};
  Seconds length{0.02};  ///< of a repeat; at least one copy
  RepeatLimits repeats;
  bool one_of_each_name = false;  ///< of several devices of a name, the first
};

/// With repeats as of the machine's other figures.
CopyOptions copy_options(bool quick);

/// Measures copies in rounds, as MachineRounds its figures. Without a driver or device there is
/// nothing to measure, which takes no time and is no failure.
class CopyRounds {
 public:
  /// Opens the drivers and takes memory on every device. `tell` is called with what is measured
  /// next. All calls must come from one thread.
  CopyRounds(const CopyOptions& options, std::function<void(std::string_view)> tell);
  ~CopyRounds();
  CopyRounds(const CopyRounds&) = delete;
  CopyRounds& operator=(const CopyRounds&) = delete;

  /// Measures once each figure that is not known yet. False where all are.
  bool measure();

  /// Behind the rounds that are still missing; gives the devices' memory back.
  MeasuredCopies finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fastpath
