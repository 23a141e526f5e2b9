#include "measure/gpu_driver.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <dlfcn.h>
#include <fmt/format.h>

namespace fastpath {
namespace {

// Signatures and numbers are of cuda.h (CUDA 13.0) and hip_runtime_api.h (ROCm 5.2). Where cuda.h
// renames a function by a macro, the library's name is the renamed one.
constexpr int kNoDevice = 100;       // CUDA_ERROR_NO_DEVICE, hipErrorNoDevice
constexpr int kInvalidDevice = 101;  // hipErrorInvalidDevice

/// An open library, and the functions that it turned out not to have.
class SharedLibrary {
 public:
  static std::optional<SharedLibrary> open(const std::vector<std::string>& candidates) {
    for (const std::string& candidate : candidates) {
      if (void* handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        return SharedLibrary(handle, candidate);
      }
    }
    return std::nullopt;
  }

  const std::string& name() const { return name_; }

  template <class Function>
  Function* find(const char* name) {
    void* symbol = dlsym(handle_, name);
    if (symbol == nullptr) missing_ += (missing_.empty() ? "" : ", ") + std::string(name);
    return reinterpret_cast<Function*>(symbol);
  }

  template <class... Parameters>
  DriverCall<Parameters...> call(const char* name) {
    return {name, find<int(Parameters...)>(name)};
  }

  /// The driver, if the library has all of it.
  Result<std::optional<GpuDriver>> complete(GpuDriver driver) const {
    if (missing_.empty()) return std::optional(std::move(driver));
    return failure({.file = name_}, "the library has no " + missing_,
                   "a driver of this decade has them: update it");
  }

 private:
  SharedLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}

  void* handle_;
  std::string name_;
  std::string missing_;
};

std::function<std::string(int)> cuda_status_name(SharedLibrary& library) {
  return [name_of = library.find<int(int, const char**)>("cuGetErrorName")](int status) {
    const char* name = nullptr;
    return name_of(status, &name) == 0 && name != nullptr ? std::string(name) : std::string();
  };
}

std::function<std::string(int)> hip_status_name(SharedLibrary& library) {
  return [name_of = library.find<const char*(int)>("hipGetErrorName")](int status) {
    const char* name = name_of(status);
    return name != nullptr ? std::string(name) : std::string();
  };
}

// HIP's addresses on a device are pointers, CUDA's are numbers.
void* pointer_of(DeviceAddress address) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));  // NOLINT(performance-*)
}

/// Memory and copies of HIP with addresses as numbers.
void add_hip_memory(SharedLibrary& library, GpuDriver& driver) {
  auto allocate = library.call<void**, std::size_t>("hipMalloc");
  driver.allocate = {allocate.name,
                     [call = allocate.function](DeviceAddress* address, std::size_t bytes) {
                       void* pointer = nullptr;
                       const int status = call(&pointer, bytes);
                       *address = reinterpret_cast<std::uintptr_t>(pointer);
                       return status;
                     }};
  auto free = library.call<void*>("hipFree");
  driver.free = {free.name, [call = free.function](DeviceAddress address) {
                   return call(pointer_of(address));
                 }};
  auto to_device = library.call<void*, const void*, std::size_t, void*>("hipMemcpyHtoDAsync");
  driver.copy_to_device = {to_device.name,
                           [call = to_device.function](DeviceAddress to, const void* from,
                                                       std::size_t bytes, void* stream) {
                             return call(pointer_of(to), from, bytes, stream);
                           }};
  auto to_host = library.call<void*, void*, std::size_t, void*>("hipMemcpyDtoHAsync");
  driver.copy_to_host = {to_host.name, [call = to_host.function](void* to, DeviceAddress from,
                                                                 std::size_t bytes, void* stream) {
                           return call(to, pointer_of(from), bytes, stream);
                         }};
}

/// A thread of HIP uses a device, which needs no context: the device's number stands for it.
void add_hip_contexts(SharedLibrary& library, GpuDriver& driver) {
  auto use = library.call<int>("hipSetDevice");
  driver.retain_context = {use.name, [](void** context, int device) {
                             *context = pointer_of(static_cast<DeviceAddress>(device));
                             return 0;
                           }};
  driver.use_context = {use.name, [call = use.function](void* context) {
                          return call(static_cast<int>(reinterpret_cast<std::uintptr_t>(context)));
                        }};
  driver.release_context = {use.name, [](int) { return 0; }};
}

}  // namespace

Diagnostic GpuDriver::failed(const std::string& where, const std::string& name, int status) const {
  const std::string meaning = status_name(status);
  return {{.file = where},
          meaning.empty() ? fmt::format("{} failed with status {}", name, status)
                          : fmt::format("{} failed with status {}, {}", name, status, meaning),
          {}};
}

Result<std::optional<GpuDriver>> open_cuda(const std::vector<std::string>& candidates) {
  auto library = SharedLibrary::open(candidates);
  if (!library) return std::optional<GpuDriver>();
  GpuDriver driver;
  driver.library = library->name();
  driver.status_name = cuda_status_name(*library);
  driver.no_device = {kNoDevice};
  driver.init = library->call<unsigned>("cuInit");
  driver.device_count = library->call<int*>("cuDeviceGetCount");
  driver.device = library->call<int*, int>("cuDeviceGet");
  driver.device_name = library->call<char*, int, int>("cuDeviceGetName");
  driver.bus_id = library->call<char*, int, int>("cuDeviceGetPCIBusId");
  driver.retain_context = library->call<void**, int>("cuDevicePrimaryCtxRetain");
  driver.use_context = library->call<void*>("cuCtxSetCurrent");
  driver.release_context = library->call<int>("cuDevicePrimaryCtxRelease_v2");
  driver.allocate = library->call<DeviceAddress*, std::size_t>("cuMemAlloc_v2");
  driver.free = library->call<DeviceAddress>("cuMemFree_v2");
  driver.allocate_pinned = library->call<void**, std::size_t, unsigned>("cuMemHostAlloc");
  driver.free_pinned = library->call<void*>("cuMemFreeHost");
  driver.create_stream = library->call<void**, unsigned>("cuStreamCreate");
  driver.destroy_stream = library->call<void*>("cuStreamDestroy_v2");
  driver.wait = library->call<void*>("cuStreamSynchronize");
  driver.copy_to_device =
      library->call<DeviceAddress, const void*, std::size_t, void*>("cuMemcpyHtoDAsync_v2");
  driver.copy_to_host =
      library->call<void*, DeviceAddress, std::size_t, void*>("cuMemcpyDtoHAsync_v2");
  return library->complete(std::move(driver));
}

Result<std::optional<GpuDriver>> open_hip(const std::vector<std::string>& candidates) {
  auto library = SharedLibrary::open(candidates);
  if (!library) return std::optional<GpuDriver>();
  GpuDriver driver;
  driver.library = library->name();
  driver.status_name = hip_status_name(*library);
  driver.no_device = {kNoDevice, kInvalidDevice};  // ROCm 5.2 says the latter without a GPU
  driver.init = library->call<unsigned>("hipInit");
  driver.device_count = library->call<int*>("hipGetDeviceCount");
  driver.device = library->call<int*, int>("hipDeviceGet");
  driver.device_name = library->call<char*, int, int>("hipDeviceGetName");
  driver.bus_id = library->call<char*, int, int>("hipDeviceGetPCIBusId");
  add_hip_contexts(*library, driver);
  add_hip_memory(*library, driver);
  driver.allocate_pinned = library->call<void**, std::size_t, unsigned>("hipHostMalloc");
  driver.free_pinned = library->call<void*>("hipHostFree");
  driver.create_stream = library->call<void**, unsigned>("hipStreamCreateWithFlags");
  driver.destroy_stream = library->call<void*>("hipStreamDestroy");
  driver.wait = library->call<void*>("hipStreamSynchronize");
  return library->complete(std::move(driver));
}

Result<int> count_devices(const GpuDriver& driver) {
  constexpr unsigned kNoFlags = 0;
  const auto wrong = [&](const std::string& name, int status) -> Result<int> {
    const std::vector<int>& none = driver.no_device;
    if (std::find(none.begin(), none.end(), status) != none.end()) return 0;
    return failure(Diagnostics{driver.failed(driver.library, name, status)});
  };
  if (const int status = driver.init.function(kNoFlags)) return wrong(driver.init.name, status);
  int count = 0;
  const int status = driver.device_count.function(&count);
  return status == 0 ? Result<int>(count) : wrong(driver.device_count.name, status);
}

}  // namespace fastpath
