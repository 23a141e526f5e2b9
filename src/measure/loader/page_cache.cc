#include "measure/loader/page_cache.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fastpath {
namespace {

constexpr std::size_t kPage = 4096;

/// Calls `use` with each file's number and size; files that are not there are passed over, since
/// reading them tells.
template <class Use>
void for_each_file(const SampleSet& set, Use use) {
  for (const std::string& path : set.files) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    struct stat about {};
    if (fstat(file, &about) == 0) use(file, static_cast<std::size_t>(about.st_size));
    close(file);
  }
}

}  // namespace

void drop_from_cache(const SampleSet& set) {
  for_each_file(set, [](int file, std::size_t) {
    fdatasync(file);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  });
}

void bring_into_cache(const SampleSet& set) {
  std::vector<unsigned char> buffer(std::size_t{1} << 20);
  for_each_file(set, [&](int file, std::size_t) {
    while (read(file, buffer.data(), buffer.size()) > 0) {
    }
  });
}

double cached_share(const SampleSet& set) {
  std::size_t all = 0;
  std::size_t in = 0;
  std::vector<unsigned char> pages;
  for_each_file(set, [&](int file, std::size_t bytes) {
    if (bytes == 0) return;
    void* map = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) return;
    pages.assign((bytes + kPage - 1) / kPage, 0);
    if (mincore(map, bytes, pages.data()) == 0) {
      all += pages.size();
      in += static_cast<std::size_t>(
          std::count_if(pages.begin(), pages.end(), [](auto page) { return (page & 1) != 0; }));
    }
    munmap(map, bytes);
  });
  return all > 0 ? static_cast<double>(in) / static_cast<double>(all) : 0;
}

}  // namespace fastpath
