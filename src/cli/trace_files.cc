#include "cli/trace_files.h"

#include <algorithm>
#include <filesystem>

#include <glob.h>

#include "import/execution/read.h"

namespace fastpath::cli {
namespace {

namespace fs = std::filesystem;

bool is_trace_name(const std::string& name) {
  return name.ends_with(".json") || name.ends_with(".json.gz") || name.ends_with(".json.zst");
}

std::vector<std::string> files_of_folder(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> files_of_pattern(const std::string& pattern) {
  std::vector<std::string> files;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return files;
}

bool is_folder(const std::string& operand) {
  std::error_code error;
  return fs::is_directory(operand, error);
}

}  // namespace

std::vector<std::string> files_at(const std::string& operand) {
  std::error_code error;
  if (is_folder(operand)) return files_of_folder(operand);
  if (!fs::exists(operand, error) && operand.find_first_of("*?[") != std::string::npos) {
    return files_of_pattern(operand);
  }
  return {operand};
}

Result<std::vector<std::string>> trace_files(const std::vector<std::string>& operands) {
  std::vector<std::string> files;
  Diagnostics mistakes;
  for (const std::string& operand : operands) {
    std::vector<std::string> more = files_at(operand);
    if (is_folder(operand)) {
      std::erase_if(more, [](const std::string& file) { return !is_trace_name(file); });
    }
    if (more.empty()) {
      mistakes.push_back(
          {{operand}, "holds no traces", "traces are called *.json, *.json.gz or *.json.zst"});
    }
    files.insert(files.end(), more.begin(), more.end());
  }
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return files;
}

std::vector<std::string> execution_traces_at(const std::string& operand) {
  std::vector<std::string> files = files_at(operand);
  std::erase_if(files, [](const std::string& file) { return !is_execution_trace(file); });
  return files;
}

}  // namespace fastpath::cli
