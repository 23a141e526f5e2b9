/// Stands in for the drivers of GPUs, CUDA's and HIP's: devices whose memory is the host's, strict
/// about the order of calls. Copies happen when a stream is waited for, as late as a driver may.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr int kOk = 0;
constexpr int kInvalidValue = 1;
constexpr int kOutOfMemory = 2;
constexpr int kNotInitialized = 3;
constexpr int kNoDevice = 100;
constexpr int kInvalidContext = 201;

struct Copy {
  unsigned char* to = nullptr;
  const unsigned char* from = nullptr;
  std::size_t bytes = 0;
  bool to_device = false;
};

struct Stream {
  int device = 0;
  std::vector<Copy> copies;
};

struct Block {
  std::unique_ptr<unsigned char[]> bytes;
  std::size_t size = 0;
  int device = 0;
};

struct Machine {
  int devices = 1;
  bool started = false;
  int current = -1;
  std::map<int, int> contexts;  // how often retained
  std::map<std::uintptr_t, Block> device_blocks;
  std::map<std::uintptr_t, Block> pinned_blocks;
  std::map<void*, std::unique_ptr<Stream>> streams;
  std::string calls;
  std::string failing;
  int status = 0;
  int skip = 0;
  std::string spoil;
};

Machine& machine() {
  static Machine one;
  return one;
}

/// Notes the call; a status where it is to fail.
int enter(const std::string& name, bool init = false) {
  Machine& here = machine();
  here.calls += name + '\n';
  if (name == here.failing && here.skip-- == 0) return here.status;
  return here.started || init ? kOk : kNotInitialized;
}

/// The same of a call that works on the current device.
int enter_device(const std::string& name) {
  const int status = enter(name);
  if (status != kOk) return status;
  return machine().current >= 0 ? kOk : kInvalidContext;
}

bool is_device(int number) { return number >= 0 && number < machine().devices; }

int init(const char* name, unsigned flags) {
  if (const int status = enter(name, true)) return status;
  if (flags != 0) return kInvalidValue;
  machine().started = true;
  return machine().devices > 0 ? kOk : kNoDevice;
}

int count(const char* name, int* devices) {
  if (const int status = enter(name)) return status;
  *devices = machine().devices;
  return kOk;
}

int device(const char* name, int* found, int number) {
  if (const int status = enter(name)) return status;
  if (!is_device(number)) return 101;
  *found = number;
  return kOk;
}

int text_of(const char* name, const std::string& text, char* to, int room, int number) {
  if (const int status = enter(name)) return status;
  if (!is_device(number) || room <= static_cast<int>(text.size())) return kInvalidValue;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return kOk;
}

std::string bus_of(int number) { return "0000:0" + std::to_string(number + 1) + ":00.0"; }

int allocate(const char* name, std::map<std::uintptr_t, Block>& blocks, std::size_t bytes,
             std::uintptr_t& address) {
  if (const int status = enter_device(name)) return status;
  if (bytes == 0) return kInvalidValue;
  Block block{std::make_unique<unsigned char[]>(bytes), bytes, machine().current};
  address = reinterpret_cast<std::uintptr_t>(block.bytes.get());
  blocks.emplace(address, std::move(block));
  return kOk;
}

bool is_pending(const Block& block) {
  const unsigned char* begin = block.bytes.get();
  const unsigned char* end = begin + block.size;
  for (const auto& [_, stream] : machine().streams) {
    for (const Copy& copy : stream->copies) {
      if ((copy.to >= begin && copy.to < end) || (copy.from >= begin && copy.from < end))
        return true;
    }
  }
  return false;
}

int give_back(const char* name, std::map<std::uintptr_t, Block>& blocks, std::uintptr_t address) {
  if (const int status = enter_device(name)) return status;
  const auto found = blocks.find(address);
  if (found == blocks.end() || found->second.device != machine().current) return kInvalidValue;
  if (is_pending(found->second)) return kInvalidValue;
  blocks.erase(found);
  return kOk;
}

int create_stream(const char* name, void** stream, unsigned flags) {
  if (const int status = enter_device(name)) return status;
  if (flags != 1) return kInvalidValue;  // others wait for the null stream
  auto made = std::make_unique<Stream>(Stream{machine().current, {}});
  *stream = made.get();
  machine().streams.emplace(*stream, std::move(made));
  return kOk;
}

Stream* stream_of(void* stream) {
  const auto found = machine().streams.find(stream);
  if (found == machine().streams.end() || found->second->device != machine().current)
    return nullptr;
  return found->second.get();
}

int destroy_stream(const char* name, void* stream) {
  if (const int status = enter_device(name)) return status;
  const Stream* found = stream_of(stream);
  if (found == nullptr || !found->copies.empty()) return kInvalidValue;
  machine().streams.erase(stream);
  return kOk;
}

void carry_out(const Copy& copy) {
  const std::string& spoil = machine().spoil;
  if (spoil == (copy.to_device ? "drop to device" : "drop to host")) return;
  std::memcpy(copy.to, copy.from, copy.bytes);
  if (spoil == (copy.to_device ? "flip to device" : "flip to host")) copy.to[copy.bytes - 1] ^= 1;
}

int wait(const char* name, void* stream) {
  if (const int status = enter_device(name)) return status;
  Stream* found = stream_of(stream);
  if (found == nullptr) return kInvalidValue;
  for (const Copy& copy : found->copies)
    carry_out(copy);
  found->copies.clear();
  return kOk;
}

int copy(const char* name, std::uintptr_t block, const Copy& wanted, void* stream) {
  if (const int status = enter_device(name)) return status;
  const auto found = machine().device_blocks.find(block);
  Stream* in = stream_of(stream);
  if (found == machine().device_blocks.end() || in == nullptr) return kInvalidValue;
  if (found->second.device != machine().current || wanted.bytes > found->second.size)
    return kInvalidValue;
  in->copies.push_back(wanted);
  return kOk;
}

int copy_to_device(const char* name, std::uintptr_t to, const void* from, std::size_t bytes,
                   void* stream) {
  return copy(
      name, to,
      {reinterpret_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), bytes, true},
      stream);
}

int copy_to_host(const char* name, void* to, std::uintptr_t from, std::size_t bytes, void* stream) {
  return copy(
      name, from,
      {static_cast<unsigned char*>(to), reinterpret_cast<const unsigned char*>(from), bytes, false},
      stream);
}

int allocate_pinned(const char* name, void** memory, std::size_t bytes) {
  std::uintptr_t address = 0;
  const int status = allocate(name, machine().pinned_blocks, bytes, address);
  *memory = reinterpret_cast<void*>(address);
  return status;
}

}  // namespace

extern "C" {

// For the tests.

void stand_in_reset(int devices) {
  machine() = Machine{};
  machine().devices = devices;
}
/// `call` fails once, behind `skip` calls that do not.
void stand_in_fail(const char* call, int status, int skip) {
  machine().failing = call;
  machine().status = status;
  machine().skip = skip;
}
/// "drop" or "flip", then "to device" or "to host": what becomes of such copies from now on.
void stand_in_spoil(const char* how) { machine().spoil = how; }
/// Blocks, streams and contexts that nobody gave back.
int stand_in_taken() {
  int contexts = 0;
  for (const auto& [_, times] : machine().contexts)
    contexts += times;
  return contexts + static_cast<int>(machine().device_blocks.size() +
                                     machine().pinned_blocks.size() + machine().streams.size());
}
/// Names of all calls, a line each.
const char* stand_in_calls() { return machine().calls.c_str(); }

// CUDA's driver.

int cuInit(unsigned flags) { return init("cuInit", flags); }
int cuGetErrorName(int status, const char** name) {
  *name = status == kOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : nullptr;
  return *name != nullptr ? kOk : kInvalidValue;
}
int cuDeviceGetCount(int* devices) { return count("cuDeviceGetCount", devices); }
int cuDeviceGet(int* found, int number) { return device("cuDeviceGet", found, number); }
int cuDeviceGetName(char* text, int room, int number) {
  return text_of("cuDeviceGetName", "Stand-in C", text, room, number);
}
int cuDeviceGetPCIBusId(char* text, int room, int number) {
  return text_of("cuDeviceGetPCIBusId", bus_of(number), text, room, number);
}
int cuDevicePrimaryCtxRetain(void** context, int number) {
  if (const int status = enter("cuDevicePrimaryCtxRetain")) return status;
  if (!is_device(number)) return kInvalidValue;
  ++machine().contexts[number];
  *context = reinterpret_cast<void*>(static_cast<std::uintptr_t>(number) + 1);
  return kOk;
}
int cuCtxSetCurrent(void* context) {
  if (const int status = enter("cuCtxSetCurrent")) return status;
  const int number = static_cast<int>(reinterpret_cast<std::uintptr_t>(context)) - 1;
  if (!is_device(number) || machine().contexts[number] < 1) return kInvalidContext;
  machine().current = number;
  return kOk;
}
int cuDevicePrimaryCtxRelease_v2(int number) {
  if (const int status = enter("cuDevicePrimaryCtxRelease_v2")) return status;
  if (!is_device(number) || machine().contexts[number] < 1) return kInvalidContext;
  --machine().contexts[number];
  return kOk;
}
int cuMemAlloc_v2(unsigned long long* address, std::size_t bytes) {
  std::uintptr_t made = 0;
  const int status = allocate("cuMemAlloc_v2", machine().device_blocks, bytes, made);
  *address = made;
  return status;
}
int cuMemFree_v2(unsigned long long address) {
  return give_back("cuMemFree_v2", machine().device_blocks, address);
}
int cuMemHostAlloc(void** memory, std::size_t bytes, unsigned) {
  return allocate_pinned("cuMemHostAlloc", memory, bytes);
}
int cuMemFreeHost(void* memory) {
  return give_back("cuMemFreeHost", machine().pinned_blocks,
                   reinterpret_cast<std::uintptr_t>(memory));
}
#ifndef FASTPATH_STAND_IN_IS_OLD
int cuStreamCreate(void** stream, unsigned flags) {
  return create_stream("cuStreamCreate", stream, flags);
}
int cuStreamDestroy_v2(void* stream) { return destroy_stream("cuStreamDestroy_v2", stream); }
#endif
int cuStreamSynchronize(void* stream) { return wait("cuStreamSynchronize", stream); }
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, std::size_t bytes, void* stream) {
  return copy_to_device("cuMemcpyHtoDAsync_v2", to, from, bytes, stream);
}
int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, std::size_t bytes, void* stream) {
  return copy_to_host("cuMemcpyDtoHAsync_v2", to, from, bytes, stream);
}

// HIP.

int hipInit(unsigned flags) { return init("hipInit", flags); }
const char* hipGetErrorName(int status) {
  return status == kOutOfMemory ? "hipErrorOutOfMemory" : "hipErrorUnknown";
}
int hipGetDeviceCount(int* devices) { return count("hipGetDeviceCount", devices); }
int hipDeviceGet(int* found, int number) { return device("hipDeviceGet", found, number); }
int hipDeviceGetName(char* text, int room, int number) {
  return text_of("hipDeviceGetName", "Stand-in H", text, room, number);
}
int hipDeviceGetPCIBusId(char* text, int room, int number) {
  return text_of("hipDeviceGetPCIBusId", bus_of(number), text, room, number);
}
int hipSetDevice(int number) {
  if (const int status = enter("hipSetDevice")) return status;
  if (!is_device(number)) return 101;
  machine().current = number;
  return kOk;
}
int hipMalloc(void** address, std::size_t bytes) {
  std::uintptr_t made = 0;
  const int status = allocate("hipMalloc", machine().device_blocks, bytes, made);
  *address = reinterpret_cast<void*>(made);
  return status;
}
int hipFree(void* address) {
  return give_back("hipFree", machine().device_blocks, reinterpret_cast<std::uintptr_t>(address));
}
int hipHostMalloc(void** memory, std::size_t bytes, unsigned) {
  return allocate_pinned("hipHostMalloc", memory, bytes);
}
int hipHostFree(void* memory) {
  return give_back("hipHostFree", machine().pinned_blocks,
                   reinterpret_cast<std::uintptr_t>(memory));
}
int hipStreamCreateWithFlags(void** stream, unsigned flags) {
  return create_stream("hipStreamCreateWithFlags", stream, flags);
}
int hipStreamDestroy(void* stream) { return destroy_stream("hipStreamDestroy", stream); }
int hipStreamSynchronize(void* stream) { return wait("hipStreamSynchronize", stream); }
#ifndef FASTPATH_STAND_IN_IS_OLD
int hipMemcpyHtoDAsync(void* to, const void* from, std::size_t bytes, void* stream) {
  return copy_to_device("hipMemcpyHtoDAsync", reinterpret_cast<std::uintptr_t>(to), from, bytes,
                        stream);
}
#endif
int hipMemcpyDtoHAsync(void* to, void* from, std::size_t bytes, void* stream) {
  return copy_to_host("hipMemcpyDtoHAsync", to, reinterpret_cast<std::uintptr_t>(from), bytes,
                      stream);
}
}
