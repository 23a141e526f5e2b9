#include "cli/measured.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "cli/sources.h"
#include "import/measurements/operators.h"

namespace fastpath::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = 64u << 20;
constexpr std::array<std::string_view, 2> kPublished{"operators.csv", "deepbench.csv"};

bool wanted(const Measurement& row, const std::vector<std::string>& kinds,
            const std::string& device) {
  if (!device.empty() && row.device != device) return false;
  return kinds.empty() || std::find(kinds.begin(), kinds.end(), row.kind) != kinds.end();
}

void add_devices(const Sources& sources, Measured& measured) {
  for (const Measurement& row : measured.rows) {
    if (row.device.empty() || measured.devices.contains(row.device)) continue;
    const Result<System> system = sources.system(row.device);
    if (!system || !system->device.has_data_sheet()) continue;
    const Device& device = system->device;
    measured.devices[row.device] = {DeviceRates(device), device.id, device.family, device.kind};
  }
}

}  // namespace

Result<std::vector<std::string>> published_files(const Session& session,
                                                 std::span<const std::string_view> names) {
  std::vector<fs::path> folders;
  if (const auto named = session.environment("FASTPATH_MEASUREMENTS")) folders.emplace_back(*named);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back(program.parent_path().parent_path() / "share/fastpath/measurements");
    for (fs::path up = program.parent_path(); up.has_relative_path(); up = up.parent_path())
      folders.push_back(up / "catalog/measurements");
  }
  for (const fs::path& folder : folders) {
    std::vector<std::string> files;
    for (const std::string_view name : names) {
      if (fs::exists(folder / name, error)) files.push_back((folder / name).string());
    }
    if (!files.empty()) return files;
  }
  return failure(command_line(), "the published measurements are not installed",
                 "name a file, or set FASTPATH_MEASUREMENTS to the folder that holds them");
}

Result<Measured> measured_from(const Session& session, const Arguments& arguments,
                               const std::vector<std::string>& kinds, const std::string& device) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return failure(sources.error());
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) {
    const auto found = published_files(session, kPublished);
    if (!found) return failure(found.error());
    files = *found;
  }
  Measured measured;
  if (arguments.operands().empty())
    measured.folder = fs::path(files.front()).parent_path().string();
  for (const std::string& file : files) {
    const Result<std::string> text = read_file(file, kMostBytes);
    if (!text) return failure(text.error());
    auto read = read_operator_measurements(*text, file);
    if (!read) return failure(read.error());
    for (Measurement& row : read->value) {
      if (wanted(row, kinds, device)) measured.rows.push_back(std::move(row));
    }
    measured.warnings.insert(measured.warnings.end(), read->warnings.begin(), read->warnings.end());
  }
  if (measured.rows.empty()) {
    return failure(command_line(), "no measurements of that kind and device");
  }
  add_devices(*sources, measured);
  return measured;
}

}  // namespace fastpath::cli
