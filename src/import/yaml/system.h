/// Systems and devices as YAML: the schema is in docs/guide/systems.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"
#include "fastpath/system.h"

#include "import/yaml/located.h"

namespace fastpath {

/// What joins devices: a row of catalog/links.
struct Link {
  std::string id;
  std::string name;
  Figure<BytesPerSecond> bandwidth;  ///< per direction and device
  Figure<Seconds> latency;           ///< of one message
  Figure<Seconds> setup;             ///< of one collective
  Fitted achieved;                   ///< of `bandwidth`, by large collectives
  std::shared_ptr<const std::vector<CollectiveTuning>> tunings;  ///< as Level::tunings
};

/// What a file may refer to by name. The names are looked up while it is read.
class SystemParts {
 public:
  SystemParts() = default;
  SystemParts(const SystemParts&) = delete;
  SystemParts& operator=(const SystemParts&) = delete;
  virtual ~SystemParts() = default;

  /// Fail at `place` for an unknown name, with a did-you-mean, and for one that is being read.
  virtual Result<Device> device(std::string_view name, const Place& place) = 0;
  virtual Result<System> system(std::string_view name, const Place& place) = 0;
  virtual Result<Link> link(std::string_view name, const Place& place) = 0;
  virtual Result<Storage> storage(std::string_view name, const Place& place) = 0;

  /// Sets what kernels of `device` achieve, from measurements of it, of its family or of its kind.
  virtual void set_achieved(Device& device, std::string_view family) = 0;
};

/// Reads a system, or a device as a system of one device. All mistakes of the file at once; those
/// of a file that it is based on carry their own place.
Result<System> read_system_yaml(std::string_view text, const std::string& file, SystemParts& parts);

/// Reads a file that starts with `device:`.
Result<Device> read_device_yaml(std::string_view text, const std::string& file, SystemParts& parts);

/// An item of a device's `kernels`, on one line.
std::string kernel_yaml(const KernelEntry& entry);

/// Text that read_system_yaml reads back to an equal system without any parts: the device and all
/// figures are written out, each with its source.
std::string write_system_yaml(const System& system);

}  // namespace fastpath
