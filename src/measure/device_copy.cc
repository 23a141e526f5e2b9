#include "measure/device_copy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "measure/clock.h"
#include "measure/gpu_driver.h"

namespace fastpath {
namespace {

struct CopyFigure {
  HostMemory memory = HostMemory::pinned;
  CopyDirection direction = CopyDirection::to_device;
  std::size_t bytes = 0;
};

/// A way of copies, with memory at both ends. The first way of a device leads to it, the second
/// from it.
struct Way {
  void* stream = nullptr;
  DeviceAddress device = 0;
  void* pinned = nullptr;
  std::vector<unsigned char> pageable;

  unsigned char* host(HostMemory memory) {
    return memory == HostMemory::pinned ? static_cast<unsigned char*>(pinned) : pageable.data();
  }
};

/// Bytes that are the same nowhere, so that data in a wrong place are noticed.
void fill(unsigned char* bytes, std::size_t count) {
  constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= count; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = (at + 1) * kGoldenRatio;
    std::memcpy(bytes + at, &word, sizeof word);
  }
}

/// A device with memory for copies of up to so many bytes. The first failure is its end: a driver
/// may fail all calls behind one, and a device that loses data is not one to measure.
class CopyDevice {
 public:
  CopyDevice(std::shared_ptr<const GpuDriver> driver, std::size_t most)
      : driver_(std::move(driver)), most_(most) {}
  ~CopyDevice() { give_back(); }
  CopyDevice(const CopyDevice&) = delete;
  CopyDevice& operator=(const CopyDevice&) = delete;

  const std::string& name() const { return name_; }
  const std::string& bus() const { return bus_; }
  const std::optional<Diagnostic>& failed() const { return failed_; }

  std::optional<Diagnostic> identify(int number);
  std::optional<Diagnostic> take_memory();

  /// One repeat; zero behind a failure.
  Repeat measure(const CopyFigure& figure, Seconds length);

  /// What was taken from the driver, the last first and also behind what cannot be given back.
  Diagnostics give_back();

 private:
  template <class... Parameters, class... Values>
  std::optional<Diagnostic> call(const DriverCall<Parameters...>& wanted, Values... values) const {
    return driver_->call(where_, wanted, values...);
  }

  /// Has `release` called with `what` in the end.
  template <class T>
  void borrow(const DriverCall<T>& release, T what) {
    borrowed_.push_back([this, &release, what] { return call(release, what); });
  }

  std::optional<Diagnostic> take(Way& way);
  std::optional<Diagnostic> to_device(HostMemory memory, Way& target, std::size_t bytes);
  std::optional<Diagnostic> to_host(HostMemory memory, Way& source, std::size_t bytes);
  std::optional<Diagnostic> copy(const CopyFigure& figure);
  std::optional<Diagnostic> prepare(const CopyFigure& figure);
  std::optional<Diagnostic> check(const CopyFigure& figure);
  std::optional<Diagnostic> compare(const CopyFigure& figure);
  Result<Repeat> timed(const CopyFigure& figure, Seconds length);
  Result<Repeat> attempt(const CopyFigure& figure, Seconds length);

  std::shared_ptr<const GpuDriver> driver_;
  std::size_t most_;
  std::string name_;
  std::string bus_;
  std::string where_;
  int device_ = 0;
  void* context_ = nullptr;
  Way there_;
  Way back_;
  std::uint64_t repeats_ = 0;
  std::optional<Diagnostic> failed_;
  std::vector<std::function<std::optional<Diagnostic>()>> borrowed_;
};

std::optional<Diagnostic> CopyDevice::identify(int number) {
  where_ = fmt::format("device {} of {}", number, driver_->library);
  if (auto wrong = call(driver_->device, &device_, number)) return wrong;
  std::array<char, 256> text{};
  const auto room = static_cast<int>(text.size()) - 1;
  if (auto wrong = call(driver_->device_name, text.data(), room, device_)) return wrong;
  name_ = text.data();
  text.fill('\0');
  if (auto wrong = call(driver_->bus_id, text.data(), room, device_)) return wrong;
  bus_ = text.data();
  where_ = fmt::format("{} at {}", name_, bus_);
  return std::nullopt;
}

std::optional<Diagnostic> CopyDevice::take_memory() {
  // The context that the driver shares among all that use the device: others of one's own cost
  // memory on it.
  if (auto wrong = call(driver_->retain_context, &context_, device_)) return wrong;
  borrow(driver_->release_context, device_);
  if (auto wrong = call(driver_->use_context, context_)) return wrong;
  if (auto wrong = take(there_)) return wrong;
  if (auto wrong = take(back_)) return wrong;
  for (const HostMemory memory : {HostMemory::pinned, HostMemory::pageable}) {
    fill(there_.host(memory), most_);
    std::memset(back_.host(memory), 0, most_);  // touches its pages
  }
  return std::nullopt;
}

std::optional<Diagnostic> CopyDevice::take(Way& way) {
  constexpr unsigned kNoFlags = 0;
  constexpr unsigned kNonBlocking = 1;  // CU_STREAM_NON_BLOCKING, hipStreamNonBlocking
  way.pageable.resize(most_);
  if (auto wrong = call(driver_->create_stream, &way.stream, kNonBlocking)) return wrong;
  borrow(driver_->destroy_stream, way.stream);
  if (auto wrong = call(driver_->allocate, &way.device, most_)) return wrong;
  borrow(driver_->free, way.device);
  if (auto wrong = call(driver_->allocate_pinned, &way.pinned, most_, kNoFlags)) return wrong;
  borrow(driver_->free_pinned, way.pinned);
  // Behind a failure, copies may still be on their way to and from this memory.
  borrow(driver_->wait, way.stream);
  return std::nullopt;
}

std::optional<Diagnostic> CopyDevice::to_device(HostMemory memory, Way& target, std::size_t bytes) {
  const void* source = there_.host(memory);
  return call(driver_->copy_to_device, target.device, source, bytes, target.stream);
}

std::optional<Diagnostic> CopyDevice::to_host(HostMemory memory, Way& source, std::size_t bytes) {
  void* target = back_.host(memory);
  return call(driver_->copy_to_host, target, source.device, bytes, source.stream);
}

/// Once, until the host knows that it is done. Synchronous calls of the drivers would do so only
/// for some directions and sizes.
std::optional<Diagnostic> CopyDevice::copy(const CopyFigure& figure) {
  const bool there = figure.direction != CopyDirection::to_host;
  const bool back = figure.direction != CopyDirection::to_device;
  if (there) {
    if (auto wrong = to_device(figure.memory, there_, figure.bytes)) return wrong;
  }
  if (back) {
    if (auto wrong = to_host(figure.memory, back_, figure.bytes)) return wrong;
  }
  if (there) {
    if (auto wrong = call(driver_->wait, there_.stream)) return wrong;
  }
  return back ? call(driver_->wait, back_.stream) : std::nullopt;
}

/// Writes what no repeat has copied yet, in every page, to where the copies begin.
std::optional<Diagnostic> CopyDevice::prepare(const CopyFigure& figure) {
  constexpr std::size_t kPage = 4096;
  ++repeats_;
  unsigned char* source = there_.host(figure.memory);
  for (std::size_t at = 0; at + sizeof repeats_ <= figure.bytes; at += kPage)
    std::memcpy(source + at, &repeats_, sizeof repeats_);
  if (figure.direction == CopyDirection::to_device) return std::nullopt;
  if (auto wrong = to_device(figure.memory, back_, figure.bytes)) return wrong;
  return call(driver_->wait, back_.stream);
}

/// Whether what was prepared is where the copies end.
std::optional<Diagnostic> CopyDevice::check(const CopyFigure& figure) {
  if (figure.direction != CopyDirection::to_device) {
    if (auto wrong = compare(figure)) return wrong;
  }
  if (figure.direction == CopyDirection::to_host) return std::nullopt;
  if (auto wrong = to_host(figure.memory, there_, figure.bytes)) return wrong;
  if (auto wrong = call(driver_->wait, there_.stream)) return wrong;
  return compare(figure);
}

std::optional<Diagnostic> CopyDevice::compare(const CopyFigure& figure) {
  const unsigned char* sent = there_.host(figure.memory);
  const unsigned char* received = back_.host(figure.memory);
  if (std::memcmp(sent, received, figure.bytes) == 0) return std::nullopt;
  const unsigned char* end = sent + figure.bytes;
  const auto at = std::mismatch(sent, end, received).first - sent;
  return Diagnostic{
      {.file = where_},
      fmt::format("{} B from {} memory came back from the device with other data from byte {} on",
                  figure.bytes, name_of(figure.memory), at),
      "its maker's tools can test the device, its memory and its link"};
}

Result<Repeat> CopyDevice::timed(const CopyFigure& figure, Seconds length) {
  double copies = 0;
  Seconds took;
  const Seconds delayed = thread_delay();
  const Seconds begin = wall_time();
  do {
    if (auto wrong = copy(figure)) return failure(Diagnostics{*wrong});
    ++copies;
    took = wall_time() - begin;
  } while (took < length);
  const double ways = figure.direction == CopyDirection::both ? 2 : 1;
  const double bytes = ways * copies * static_cast<double>(figure.bytes);
  // A thread that waits for a device may sleep: its CPU time says nothing of others.
  return Repeat{bytes / took.base(), (thread_delay() - delayed) / took};
}

Result<Repeat> CopyDevice::attempt(const CopyFigure& figure, Seconds length) {
  if (auto wrong = call(driver_->use_context, context_)) return failure(Diagnostics{*wrong});
  // Once before: another figure was measured meanwhile.
  if (auto wrong = copy(figure)) return failure(Diagnostics{*wrong});
  if (auto wrong = prepare(figure)) return failure(Diagnostics{*wrong});
  auto repeat = timed(figure, length);
  if (!repeat) return repeat;
  if (auto wrong = check(figure)) return failure(Diagnostics{*wrong});
  return repeat;
}

Repeat CopyDevice::measure(const CopyFigure& figure, Seconds length) {
  if (failed_) return {};
  const auto repeat = attempt(figure, length);
  if (repeat) return *repeat;
  failed_ = repeat.error().front();
  return {};
}

Diagnostics CopyDevice::give_back() {
  Diagnostics wrong;
  if (borrowed_.empty()) return wrong;
  // Behind a failure this may fail for the same cause.
  const auto hear = [&](std::optional<Diagnostic> one) {
    if (one && !failed_) wrong.push_back(std::move(*one));
  };
  hear(call(driver_->use_context, context_));
  for (; !borrowed_.empty(); borrowed_.pop_back())
    hear(borrowed_.back()());
  return wrong;
}

std::vector<CopyFigure> figures_of(const std::vector<std::size_t>& sizes) {
  std::vector<CopyFigure> figures;
  for (const std::size_t size : sizes) {
    for (const HostMemory memory : {HostMemory::pinned, HostMemory::pageable}) {
      figures.push_back({memory, CopyDirection::to_device, size});
      figures.push_back({memory, CopyDirection::to_host, size});
      // Copies of pageable memory keep the calling thread: two at once are two threads' work.
      if (memory == HostMemory::pinned) figures.push_back({memory, CopyDirection::both, size});
    }
  }
  return figures;
}

using OpenDriver = Result<std::optional<GpuDriver>> (*)(const std::vector<std::string>&);

}  // namespace

std::string_view name_of(HostMemory memory) {
  return memory == HostMemory::pinned ? "pinned" : "pageable";
}

std::string_view name_of(CopyDirection direction) {
  if (direction == CopyDirection::both) return "both";
  return direction == CopyDirection::to_device ? "to device" : "to host";
}

CopyOptions copy_options(bool quick) {
  CopyOptions options;
  options.length = Seconds{quick ? 0.002 : 0.02};
  options.repeats = round_limits(quick);
  options.one_of_each_name = quick;
  return options;
}

struct CopyRounds::State {
  CopyOptions options;
  std::function<void(std::string_view)> tell;
  std::vector<std::shared_ptr<CopyDevice>> devices;  ///< of which copies are measured
  MeasuredCopies measured;                           ///< in the order of the figures
  std::vector<std::shared_ptr<CopyDevice>> of;       ///< the device of each
  std::optional<Rounds> rounds;
  int round = 0;

  void fail(const Diagnostics& wrong) {
    measured.failures.insert(measured.failures.end(), wrong.begin(), wrong.end());
  }

  void find_devices(OpenDriver open, const std::vector<std::string>& candidates) {
    auto driver = open(candidates);
    if (!driver) return fail(driver.error());
    if (!*driver) return;
    const Result<int> count = count_devices(**driver);
    if (!count) return fail(count.error());
    const auto shared = std::make_shared<const GpuDriver>(std::move(**driver));
    for (int number = 0; number < *count; ++number)
      add_device(shared, number);
  }

  bool is_alike(const CopyDevice& device) const {
    return options.one_of_each_name &&
           std::any_of(devices.begin(), devices.end(),
                       [&](const auto& other) { return other->name() == device.name(); });
  }

  void add_device(const std::shared_ptr<const GpuDriver>& driver, int number) {
    const std::size_t most = *std::max_element(options.sizes.begin(), options.sizes.end());
    auto device = std::make_shared<CopyDevice>(driver, most);
    if (const auto wrong = device->identify(number)) return fail({*wrong});
    if (is_alike(*device)) {
      ++measured.alike;
      return;
    }
    tell("memory of " + device->name());
    if (const auto wrong = device->take_memory()) return fail({*wrong});
    devices.push_back(std::move(device));
  }

  std::vector<std::function<Repeat()>> figures() {
    std::vector<std::function<Repeat()>> figures;
    for (const auto& device : devices) {
      for (const CopyFigure& figure : figures_of(options.sizes)) {
        figures.emplace_back(
            [device, figure, length = options.length] { return device->measure(figure, length); });
        measured.copies.push_back({device->name(),
                                   device->bus(),
                                   figure.memory,
                                   figure.direction,
                                   Bytes{static_cast<double>(figure.bytes)},
                                   {}});
        of.push_back(device);
      }
    }
    return figures;
  }
};

CopyRounds::CopyRounds(const CopyOptions& options, std::function<void(std::string_view)> tell)
    : state_(std::make_unique<State>()) {
  state_->options = options;
  state_->tell = std::move(tell);
  state_->find_devices(open_cuda, options.cuda);
  state_->find_devices(open_hip, options.hip);
  state_->rounds.emplace(state_->figures(), options.repeats);
}

CopyRounds::~CopyRounds() = default;

bool CopyRounds::measure() {
  if (state_->devices.empty()) return false;
  state_->tell(fmt::format("copies to devices, round {}", ++state_->round));
  return state_->rounds->measure();
}

MeasuredCopies CopyRounds::finish() {
  while (measure()) {
  }
  State& state = *state_;
  const std::vector<Repeated> results = state.rounds->results();
  MeasuredCopies measured{{}, state.measured.alike, std::move(state.measured.failures)};
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (state.of[i]->failed()) continue;
    measured.copies.push_back(std::move(state.measured.copies[i]));
    measured.copies.back().rate = results[i];
  }
  for (const auto& device : state.devices) {
    if (const auto& wrong = device->failed()) measured.failures.push_back(*wrong);
    for (Diagnostic& wrong : device->give_back())
      measured.failures.push_back(std::move(wrong));
  }
  return measured;
}

}  // namespace fastpath
