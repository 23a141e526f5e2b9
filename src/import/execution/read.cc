#include "import/execution/read.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "import/execution/rank_program.h"
#include "import/execution/read_json.h"
#include "import/execution/read_protobuf.h"
#include "import/trace/byte_source.h"

namespace fastpath {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

/// Everything, or the first `most` bytes.
std::string text_of(ByteSource& source, std::size_t most) {
  std::string text;
  while (text.size() < most) {
    const std::size_t before = text.size();
    text.resize(before + std::min(kChunk, most - before));
    const std::size_t count = source.read(text.data() + before, text.size() - before);
    text.resize(before + count);
    if (count == 0) break;
  }
  return text;
}

/// Of "resnet.3.et", "rank3.json.gz", "et_12.json": the last number before the extensions.
std::int64_t rank_of_name(const std::string& title) {
  std::string_view stem = title;
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view ending : {".gz", ".zst", ".json", ".et", ".chakra"}) {
      if (!stem.ends_with(ending)) continue;
      stem.remove_suffix(ending.size());
      found = true;
    }
  }
  const std::size_t last = stem.find_last_not_of("0123456789");
  const std::string_view digits = stem.substr(last == std::string_view::npos ? 0 : last + 1);
  constexpr std::size_t kMostDigits = 9;
  if (digits.empty() || digits.size() > kMostDigits) return -1;
  return *parse_integer(digits);
}

/// Files whose names do not tell them apart are numbered in their order.
void number_ranks(std::vector<ExecutionFile>& files) {
  std::set<std::int64_t> seen;
  for (const ExecutionFile& file : files)
    seen.insert(file.rank);
  const bool told_apart = seen.size() == files.size() && !seen.contains(-1);
  if (!told_apart) {
    for (std::size_t i = 0; i < files.size(); ++i)
      files[i].rank = static_cast<std::int64_t>(i);
  }
  std::stable_sort(files.begin(), files.end(),
                   [](const auto& a, const auto& b) { return a.rank < b.rank; });
}

void warn_of(const ExecutionFile& file, std::int64_t cycles, Diagnostics& warnings) {
  if (file.cut_off) {
    warnings.push_back({{file.title}, "is broken or cut off: its whole nodes are kept", {}});
  }
  if (file.skipped > 0) {
    warnings.push_back({{file.title}, fmt::format("{} nodes could not be read", file.skipped), {}});
  }
  if (cycles > 0) {
    warnings.push_back(
        {{file.title}, fmt::format("{} nodes wait for each other in a circle", cycles), {}});
  }
}

using Uncertain = std::map<std::pair<std::string, TimeSource>, std::int64_t>;

std::vector<UncertainOperator> sorted(const Uncertain& counts) {
  std::vector<UncertainOperator> list;
  list.reserve(counts.size());
  for (const auto& [key, count] : counts)
    list.push_back({key.first, key.second, count});
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  return list;
}

}  // namespace

bool is_execution_trace(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  const auto named = [&](std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [&](std::string_view ending) { return path.ends_with(ending); });
  };
  if (named({".et", ".chakra", ".et.gz", ".et.zst"})) return true;
  if (!named({".json", ".json.gz", ".json.zst"})) return false;
  const Result<std::unique_ptr<ByteSource>> source = open_source(path);
  if (!source) return false;
  constexpr std::size_t kHead = 4096;
  const std::string head = text_of(**source, kHead);
  if (head.find("\"traceEvents\"") != std::string::npos) return false;
  const bool pytorch =
      head.find("\"schema\"") != std::string::npos && head.find("\"nodes\"") != std::string::npos;
  const bool printed =
      head.find("\"version\"") != std::string::npos && head.find("_NODE\"") != std::string::npos;
  return pytorch || printed || head.find("\"workload_graph\"") != std::string::npos;
}

Result<Imported<ExecutionFile>> parse_execution_trace(std::string_view bytes,
                                                      const std::string& name) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && bytes[first] == '{';
  Result<ExecutionFile> file =
      json ? read_execution_json(std::string(bytes), name) : read_chakra(bytes, name);
  if (!file) return failure(file.error());
  file->title = std::filesystem::path(name).filename().string();
  file->rank = rank_of_name(file->title);
  return Imported<ExecutionFile>{*std::move(file), {}};
}

RecordedProgram recorded_program(std::vector<ExecutionFile> files, Diagnostics& warnings) {
  number_ranks(files);
  RecordedProgram result;
  Uncertain uncertain;
  ProcessGroups groups;
  for (ExecutionFile& file : files) {
    RankTasks tasks = rank_tasks(file);
    warn_of(file, tasks.cycles, warnings);
    result.nodes += static_cast<std::int64_t>(file.nodes.size());
    result.folded += tasks.folded;
    result.on_host += tasks.on_host;
    for (const auto& [key, count] : tasks.uncertain)
      uncertain[key] += count;
    groups.merge(tasks.groups);
    const auto index = static_cast<std::uint32_t>(result.program.blocks.size());
    tasks.block.block = index;
    result.program.blocks.push_back(std::move(tasks.block));
    result.program.block_names.push_back(fmt::format("rank {}", file.rank));
    result.program.op_names.push_back(std::move(tasks.names));
    result.program.stages.push_back({.blocks = {{.program = index}}, .send = {}, .update = {}});
    result.ranks.push_back({file.title, file.rank, std::move(tasks.tasks)});
    file = {};
  }
  for (RecordedRank& rank : result.ranks) {
    for (RecordedTask& task : rank.tasks) {
      const auto found = groups.find(task.group);
      if (found != groups.end()) task.members = found->second;
    }
  }
  result.program.workload = result.ranks.size() == 1
                                ? result.ranks.front().title
                                : fmt::format("{} execution traces", result.ranks.size());
  result.uncertain = sorted(uncertain);
  return result;
}

Result<Imported<RecordedProgram>> read_execution_traces(const std::vector<std::string>& paths) {
  std::vector<ExecutionFile> files;
  Diagnostics mistakes;
  Diagnostics warnings;
  for (const std::string& path : paths) {
    const Result<std::unique_ptr<ByteSource>> source = open_source(path);
    if (!source) {
      mistakes.insert(mistakes.end(), source.error().begin(), source.error().end());
      continue;
    }
    const std::string text = text_of(**source, std::string::npos);
    if (const std::string& damage = (*source)->damage(); !damage.empty()) {
      warnings.push_back({{path}, damage + ": what came before is kept", {}});
    }
    Result<Imported<ExecutionFile>> file = parse_execution_trace(text, path);
    if (file) {
      files.push_back(std::move(file->value));
    } else {
      mistakes.insert(mistakes.end(), file.error().begin(), file.error().end());
    }
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  RecordedProgram program = recorded_program(std::move(files), warnings);
  return Imported<RecordedProgram>{std::move(program), std::move(warnings)};
}

}  // namespace fastpath
