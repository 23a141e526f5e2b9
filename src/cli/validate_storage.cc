#include <algorithm>
#include <array>

#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/measurements/storage.h"
#include "validate/storage.h"

namespace fastpath::cli {
namespace {

constexpr std::uintmax_t kMostBytes = 64u << 20;
constexpr std::array<std::string_view, 2> kPublished{"mlperf_storage.csv", "image_decode.csv"};

}  // namespace

int run_validate_storage(Session& session, const Arguments& arguments) {
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) {
    auto found = published_files(session, kPublished);
    if (!found) return session.fail(found.error());
    files = std::move(*found);
  }
  std::vector<StorageRun> storage;
  std::vector<DecodeRun> decode;
  for (const std::string& file : files) {
    const Result<std::string> text = read_file(file, kMostBytes);
    if (!text) return session.fail(text.error());
    if (text->find("decoder") != std::string::npos) {
      const auto read = read_decode_runs(*text, file);
      if (!read) return session.fail(read.error());
      decode.insert(decode.end(), read->begin(), read->end());
    } else {
      const auto read = read_storage_runs(*text, file);
      if (!read) return session.fail(read.error());
      storage.insert(storage.end(), read->begin(), read->end());
    }
  }
  Findings findings = storage_findings(storage, decode);
  if (!arguments.has("rows") && !arguments.has("json")) {
    std::erase_if(findings.tables,
                  [](const Table& table) { return table.name.ends_with("_rows"); });
  }
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
