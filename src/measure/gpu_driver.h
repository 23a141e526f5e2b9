/// The driver of GPUs, CUDA's or HIP's, opened at run time: no part of either is needed to build.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/result.h"

namespace fastpath {

/// A function of a driver, in the form that both drivers have here. It returns a status.
template <class... Parameters>
struct DriverCall {
  std::string name;  ///< as the library exports it
  std::function<int(Parameters...)> function;
};

/// An address in a device's memory: nothing that can be read here.
using DeviceAddress = unsigned long long;

/// What copies need of a driver. Its library stays open until the process ends: it has threads of
/// its own.
struct GpuDriver {
  std::string library;
  std::function<std::string(int status)> status_name;
  std::vector<int> no_device;  ///< statuses by which it says at its start that there is none
  DriverCall<unsigned> init;
  DriverCall<int*> device_count;
  DriverCall<int*, int> device;             ///< by its number
  DriverCall<char*, int, int> device_name;  ///< text, room for it, device
  DriverCall<char*, int, int> bus_id;
  DriverCall<void**, int> retain_context;
  DriverCall<void*> use_context;  ///< by the calling thread
  DriverCall<int> release_context;
  DriverCall<DeviceAddress*, std::size_t> allocate;
  DriverCall<DeviceAddress> free;
  DriverCall<void**, std::size_t, unsigned> allocate_pinned;
  DriverCall<void*> free_pinned;
  DriverCall<void**, unsigned> create_stream;
  DriverCall<void*> destroy_stream;
  DriverCall<void*> wait;  ///< for all that is in a stream
  DriverCall<DeviceAddress, const void*, std::size_t, void*> copy_to_device;
  DriverCall<void*, DeviceAddress, std::size_t, void*> copy_to_host;

  /// Calls one of them for `where`, a device or the library: its name and the status where it
  /// failed.
  template <class... Parameters, class... Values>
  std::optional<Diagnostic> call(const std::string& where, const DriverCall<Parameters...>& wanted,
                                 Values... values) const {
    const int status = wanted.function(values...);
    if (status == 0) return std::nullopt;
    return failed(where, wanted.name, status);
  }

  Diagnostic failed(const std::string& where, const std::string& name, int status) const;
};

/// By the first of `candidates` (paths or names for the loader) that opens; nothing where none
/// does. Errors: functions that it has not.
Result<std::optional<GpuDriver>> open_cuda(const std::vector<std::string>& candidates);
Result<std::optional<GpuDriver>> open_hip(const std::vector<std::string>& candidates);

/// Starts the driver. Errors: its own, but that there is no device is none.
Result<int> count_devices(const GpuDriver& driver);

}  // namespace fastpath
