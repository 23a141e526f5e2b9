// Tar archives, manifests of data sets and encoded samples take any bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "measure/loader/sample_set.h"
#include "measure/loader/tar.h"
#include "require.h"

namespace {

/// Members lie in the archive, one behind the other.
void check_tar(std::string_view archive) {
  const auto members = fastpath::tar_members("fuzz", archive);
  if (!members) {
    require(!members.error().empty() && !members.error().front().what.empty());
    return;
  }
  std::int64_t end = 0;
  for (const fastpath::TarMember& member : *members) {
    require(member.offset >= end + fastpath::kTarBlock && member.bytes >= 0);
    end = member.offset + member.bytes;
    require(end <= static_cast<std::int64_t>(archive.size()));
  }
}

/// What is read is written and read back to the same places.
void check_manifest(std::string_view text) {
  const auto set = fastpath::read_manifest(text, "fuzz", "folder");
  if (!set) return;
  const std::string written = fastpath::write_manifest(*set);
  const auto again = fastpath::read_manifest(written, "written", "folder");
  require(again.has_value() && again->files == set->files);
  require(again->samples.size() == set->samples.size());
  require(fastpath::write_manifest(*again) == written);
}

void check_decoders(std::string_view text) {
  constexpr std::size_t kMost = 4096;  // so that pictures of a gigabyte stay few
  if (text.size() > kMost) return;
  const fastpath::SampleBytes stored(text.begin(), text.end());
  for (const auto encoding : {fastpath::SampleEncoding::gzip, fastpath::SampleEncoding::zstd}) {
    fastpath::SampleBytes decoded;
    (void)fastpath::SampleDecoder(encoding).decode(stored, decoded);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_tar(text);
  check_manifest(text);
  check_decoders(text);
  return 0;
}
