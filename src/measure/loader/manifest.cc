#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "ir/input_names.h"
#include "measure/loader/sample_set.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kColumns = "layout,encoding,file,offset [B],size [B],crc32";
constexpr std::size_t kMostMistakes = 100;

std::optional<std::uint32_t> parse_crc(std::string_view text) {
  constexpr std::size_t kDigits = 8;
  if (text.size() != kDigits) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return value;
}

/// A path inside the folder: a manifest must not point elsewhere.
bool is_inside(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\0') != name.npos) return false;
  for (const std::string_view part : split(name, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

class ManifestReader {
 public:
  ManifestReader(std::string file, std::string folder)
      : file_(std::move(file)), folder_(std::move(folder)) {
    set_.path = folder_;
    set_.manifest = true;
  }

  Result<SampleSet> read(std::string_view text) {
    while (!text.empty() && mistakes_.size() < kMostMistakes) {
      const std::size_t end = text.find('\n');
      ++line_;
      if (end == text.npos) {
        mistake("ends within a line: it was cut");
        break;
      }
      read_line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (mistakes_.empty() && set_.samples.empty()) mistake("has no samples");
    if (!mistakes_.empty()) return failure(std::move(mistakes_));
    return std::move(set_);
  }

 private:
  void mistake(std::string what, std::string hint = {}) {
    mistakes_.push_back({{file_, line_, 1}, std::move(what), std::move(hint)});
  }

  void read_line(std::string_view line) {
    if (line_ == 1) {
      if (line != kColumns)
        mistake("is no manifest of samples", fmt::format("begins '{}'", kColumns));
      return;
    }
    const auto cells = split(line, ',');
    constexpr std::size_t kCells = 6;
    if (cells.size() != kCells) {
      mistake(fmt::format("{} cells instead of {}", cells.size(), kCells));
      return;
    }
    read_kind(cells[0], cells[1]);
    if (!is_inside(cells[2])) {
      mistake(fmt::format("{} is no file of this folder", in_quotes(cells[2])));
    }
    constexpr long long kMost = std::numeric_limits<std::int64_t>::max() / 4;
    const auto offset = parse_integer(cells[3]);
    const auto bytes = parse_integer(cells[4]);
    const auto crc = parse_crc(cells[5]);
    if (!offset || *offset < 0 || *offset > kMost) {
      mistake(fmt::format("offset {}", in_quotes(cells[3])), "whole bytes");
    }
    if (!bytes || *bytes < 1 || *bytes > kMostSampleBytes) {
      mistake(fmt::format("size {}", in_quotes(cells[4])), "whole bytes, from 1 to 1 GiB");
    }
    if (!crc) mistake(fmt::format("CRC {}", in_quotes(cells[5])), "8 hexadecimal digits");
    if (!mistakes_.empty()) return;
    set_.samples.push_back({index_of(cells[2]), *offset, *bytes, *crc});
  }

  /// Layout and encoding are of all samples.
  void read_kind(std::string_view layout, std::string_view encoding) {
    const auto kind = parse_name<SampleEncoding>(encoding);
    const auto place = parse_name<SampleLayout>(layout);
    if (!place) mistake(fmt::format("layout {}", in_quotes(layout)), "files, shards or packed");
    if (!kind)
      mistake(fmt::format("encoding {}", in_quotes(encoding)), "raw, jpeg, png, gzip or zstd");
    if (!place || !kind) return;
    if (!set_.samples.empty() && (*place != set_.layout || *kind != set_.encoding)) {
      mistake("another layout or encoding than the line before", "one of each for a data set");
    }
    set_.layout = *place;
    set_.encoding = *kind;
  }

  std::uint32_t index_of(std::string_view name) {
    const auto [at, added] =
        files_.try_emplace(std::string(name), static_cast<std::uint32_t>(set_.files.size()));
    if (added) set_.files.push_back((fs::path(folder_) / name).string());
    return at->second;
  }

  std::string file_;
  std::string folder_;
  int line_ = 0;
  SampleSet set_;
  std::map<std::string, std::uint32_t> files_;
  Diagnostics mistakes_;
};

}  // namespace

Result<SampleSet> read_manifest(std::string_view text, const std::string& file,
                                const std::string& folder) {
  return ManifestReader(file, folder).read(text);
}

std::string write_manifest(const SampleSet& set) {
  const std::string kind = fmt::format("{},{}", name_of(set.layout), name_of(set.encoding));
  std::string text = fmt::format("{}\n", kColumns);
  for (const SamplePlace& place : set.samples) {
    const std::string name = fs::path(set.files[place.file]).lexically_relative(set.path).string();
    text += fmt::format("{},{},{},{},{:08x}\n", kind, name, place.offset, place.bytes, place.crc);
  }
  return text;
}

}  // namespace fastpath
