#include "measure/loader/sample_set.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "measure/loader/sample_read.h"
#include "measure/loader/tar.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 10'000'000;

Result<std::int64_t> size_of(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return failure({.file = path}, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return failure({.file = path}, "is not a regular file");
  return static_cast<std::int64_t>(about.st_size);
}

Result<std::string> read_text(const std::string& path, const ReadHooks& hooks) {
  const auto bytes = size_of(path);
  if (!bytes) return failure(bytes.error());
  SampleFile file;
  std::string text(static_cast<std::size_t>(*bytes), '\0');
  std::string wrong = file.open(path, hooks);
  if (wrong.empty()) {
    wrong = file.read(path, 0, {reinterpret_cast<unsigned char*>(text.data()), text.size()}, hooks);
  }
  if (!wrong.empty()) return failure({.file = path}, wrong);
  return text;
}

/// In the order of their names.
Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error) && files.size() < kMostFiles) {
      files.push_back(at->path().string());
    }
  }
  if (error) return failure({.file = folder}, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::vector<TarMember>> members_of(const std::string& path, const ReadHooks& hooks) {
  const auto bytes = size_of(path);
  if (!bytes) return failure(bytes.error());
  SampleFile file;
  if (std::string wrong = file.open(path, hooks); !wrong.empty()) {
    return failure({.file = path}, std::move(wrong));
  }
  return tar_members(path, *bytes, [&](std::int64_t offset, std::span<unsigned char> into) {
    return file.read(path, offset, into, hooks);
  });
}

/// A sample that may be one, by the ending of its name.
struct Candidate {
  std::string name;
  SamplePlace place;
};

/// Keeps those of the first known encoding; all as raw where none is known.
void take_samples(const std::vector<Candidate>& candidates, SampleSet& set) {
  std::optional<SampleEncoding> encoding;
  for (const Candidate& one : candidates) {
    encoding = encoding_of_file(one.name);
    if (encoding) break;
  }
  set.encoding = encoding.value_or(SampleEncoding::raw);
  for (const Candidate& one : candidates) {
    if (one.place.bytes > 0 && (!encoding || encoding_of_file(one.name) == encoding)) {
      set.samples.push_back(one.place);
    } else {
      ++set.skipped;
    }
  }
}

Result<SampleSet> find_archives(SampleSet set, const ReadHooks& hooks) {
  set.layout = SampleLayout::shards;
  std::vector<Candidate> candidates;
  Diagnostics mistakes;
  for (std::size_t i = 0; i < set.files.size(); ++i) {
    auto members = members_of(set.files[i], hooks);
    if (!members) {
      mistakes.insert(mistakes.end(), members.error().begin(), members.error().end());
      continue;
    }
    for (TarMember& one : *members) {
      candidates.push_back(
          {std::move(one.name), {static_cast<std::uint32_t>(i), one.offset, one.bytes, 0}});
    }
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  take_samples(candidates, set);
  return set;
}

Result<SampleSet> find_files(SampleSet set) {
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < set.files.size(); ++i) {
    const auto bytes = size_of(set.files[i]);
    if (!bytes) return failure(bytes.error());
    candidates.push_back({set.files[i], {static_cast<std::uint32_t>(i), 0, *bytes, 0}});
  }
  take_samples(candidates, set);
  return set;
}

Result<SampleSet> find_packed(const std::string& path, std::int64_t sample) {
  if (sample < 1 || sample > kMostSampleBytes) {
    return failure({.file = path},
                   "is one file without a manifest, and its samples' size is unknown",
                   "name a folder, or a pipeline whose samples have a size");
  }
  const auto bytes = size_of(path);
  if (!bytes) return failure(bytes.error());
  SampleSet set;
  set.path = path;
  set.layout = SampleLayout::packed;
  set.files = {path};
  set.samples.reserve(static_cast<std::size_t>(*bytes / sample));
  for (std::int64_t at = 0; at + sample <= *bytes; at += sample)
    set.samples.push_back({0, at, sample, 0});
  if (set.samples.empty()) {
    return failure({.file = path},
                   fmt::format("has {} bytes: less than a sample of {}", *bytes, sample));
  }
  return set;
}

}  // namespace

Bytes SampleSet::bytes() const {
  return Bytes{std::accumulate(
      samples.begin(), samples.end(), 0.0,
      [](double sum, const SamplePlace& one) { return sum + static_cast<double>(one.bytes); })};
}

Result<SampleSet> find_samples(const std::string& path, std::int64_t packed_sample,
                               const ReadHooks& hooks) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return find_packed(path, packed_sample);
  const std::string manifest = (fs::path(path) / kManifestFile).string();
  if (fs::exists(manifest, error)) {
    const auto text = read_text(manifest, hooks);
    if (!text) return failure(text.error());
    return read_manifest(*text, manifest, path);
  }
  auto files = files_of(path);
  if (!files) return failure(files.error());
  SampleSet set;
  set.path = path;
  const auto is_archive = [](const std::string& file) { return file.ends_with(".tar"); };
  const auto archives =
      static_cast<std::size_t>(std::count_if(files->begin(), files->end(), is_archive));
  if (archives > 0) {
    set.skipped = files->size() - archives;
    std::copy_if(files->begin(), files->end(), std::back_inserter(set.files), is_archive);
  } else {
    set.files = std::move(*files);
  }
  auto found = archives > 0 ? find_archives(std::move(set), hooks) : find_files(std::move(set));
  if (!found) return found;
  if (found->samples.empty()) {
    return failure({.file = path}, "has no samples",
                   "a folder of files, or of tar archives; --make writes one");
  }
  for (const SamplePlace& place : found->samples) {
    if (place.bytes <= kMostSampleBytes) continue;
    return failure({.file = found->files[place.file]},
                   fmt::format("has a sample of {} bytes at byte {}", place.bytes, place.offset),
                   "at most 1 GiB");
  }
  return found;
}

Diagnostics check_archives(const SampleSet& set, const ReadHooks& hooks) {
  Diagnostics mistakes;
  if (set.layout != SampleLayout::shards) return mistakes;
  std::vector<std::map<std::int64_t, std::int64_t>> there(set.files.size());
  std::vector<bool> damaged(set.files.size());
  for (std::size_t i = 0; i < set.files.size(); ++i) {
    const auto members = members_of(set.files[i], hooks);
    if (!members) {
      mistakes.insert(mistakes.end(), members.error().begin(), members.error().end());
      damaged[i] = true;
      continue;
    }
    for (const TarMember& one : *members)
      there[i].emplace(one.offset, one.bytes);
  }
  for (const SamplePlace& place : set.samples) {
    if (damaged[place.file]) continue;
    const auto found = there[place.file].find(place.offset);
    if (found == there[place.file].end() || found->second != place.bytes) {
      mistakes.push_back({{.file = set.files[place.file]},
                          fmt::format("has no member of {} bytes at byte {}, as its manifest says",
                                      place.bytes, place.offset),
                          {}});
    }
  }
  return mistakes;
}

}  // namespace fastpath
