#include "measure/read_setting.h"

namespace fastpath {

std::string_view name_of(ReadEngine engine) {
  switch (engine) {
    case ReadEngine::pread: return "pread";
    case ReadEngine::io_uring: return "io_uring";
    case ReadEngine::mmap: return "mmap";
  }
  return {};
}

std::string_view name_of(ReadCache cache) {
  switch (cache) {
    case ReadCache::direct: return "direct";
    case ReadCache::cold: return "cold";
    case ReadCache::warm: return "warm";
  }
  return {};
}

}  // namespace fastpath
