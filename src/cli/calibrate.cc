#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/calibrate_runtime.h"
#include "cli/emit.h"
#include "cli/measured.h"
#include "cli/verbs.h"
#include "import/catalog/kernels.h"
#include "import/yaml/system.h"
#include "validate/catalog_entries.h"
#include "validate/cross_validate.h"

namespace fastpath::cli {
namespace {

/// A table for a folder of the catalog, of all devices of the file.
std::string as_table(const std::vector<ScopedEntry>& entries, const std::string& source,
                     const std::string& date) {
  std::string text = kernel_table_header() + '\n';
  for (const ScopedEntry& scoped : entries)
    text += kernel_table_row(scoped.scope, scoped.entry, source, date) + '\n';
  return text;
}

/// A device file based on the catalog's, with the fitted parameters.
std::string as_device(const std::vector<ScopedEntry>& entries, const std::string& device,
                      const std::string& source, const std::string& date) {
  std::string text =
      fmt::format("device: my-{}\nbase: {}\nsource: \"{}\"\n", device, device, source);
  if (!date.empty()) text += fmt::format("date: {}\n", date);
  text += "confidence: fitted\nkernels:\n";
  for (const ScopedEntry& scoped : entries) {
    if (scoped.scope == device) text += "  - " + kernel_yaml(scoped.entry) + '\n';
  }
  return text;
}

int fit_device(Session& session, const Arguments& arguments) {
  const std::string device = arguments.text_or("device", "");
  const std::string file = arguments.text_or("output", "");
  const bool yaml = file.ends_with(".yaml") || file.ends_with(".yml");
  if (yaml && device.empty()) {
    return session.fail({{command_line(), "a device file needs --device", {}}});
  }
  const auto measured = measured_from(session, arguments, {}, device);
  if (!measured) return session.fail(measured.error());
  session.warn(measured->warnings);
  const Usable usable = usable_rows(measured->rows, measured->devices);
  for (const LeftOut& row : usable.left_out)
    session.say(fmt::format("{} is not used: it {}", row.id, row.rule));
  if (usable.rows.empty()) {
    return session.fail({{command_line(), "no row can be used", {}}});
  }
  const std::string source =
      arguments.text_or("source", arguments.operands().empty() ? "published measurements"
                                                               : arguments.operands().front());
  const std::string date = arguments.text_or("date", "");
  const std::vector<ScopedEntry> entries = catalog_entries(usable.rows);
  const std::string text =
      yaml ? as_device(entries, device, source, date) : as_table(entries, source, date);
  if (file.empty()) {
    session.answer(text);
    return kAnswered;
  }
  if (const auto wrong = write_file(file, text)) return session.fail({*wrong});
  session.say(fmt::format("{} rows of {} devices fitted: {}", usable.rows.size(),
                          measured->devices.size(), file));
  return kAnswered;
}

bool is_model(const std::string& path) { return path.ends_with(".onnx"); }

/// Flags and operands of the other kind of calibration.
Diagnostics misused(const Arguments& arguments, bool models) {
  Diagnostics mistakes;
  const auto& operands = arguments.operands();
  if (models && !std::all_of(operands.begin(), operands.end(), is_model)) {
    mistakes.push_back({command_line(), "models and tables of measurements do not mix",
                        "calibrate a runtime on MODEL.onnx, a device on FILE.csv"});
  }
  if (models && !arguments.has("on")) {
    mistakes.push_back({command_line(), "calibrating on models needs --on SYSTEM.yaml",
                        "make it with fastpath measure --quick --output SYSTEM.yaml"});
  }
  constexpr std::array<std::string_view, 3> kOfDevices{"device", "source", "date"};
  constexpr std::array<std::string_view, 10> kOfModels{
      "on", "apart-from", "dim", "input", "seed", "runtime", "json", "csv", "out", "top"};
  const auto reject = [&](std::span<const std::string_view> flags, std::string_view other) {
    for (const std::string_view flag : flags) {
      if (!arguments.has(flag)) continue;
      mistakes.push_back({command_line(), fmt::format("--{} goes with {} alone", flag, other), {}});
    }
  };
  if (models) reject(kOfDevices, "FILE.csv");
  if (!models) reject(kOfModels, "MODEL.onnx");
  return mistakes;
}

}  // namespace

std::span<const Flag> calibrate_flags() {
  static constexpr std::array<Flag, 4> kFlags{{
      {"device", FlagKind::text, "ID", "fit only this device's rows; needed for a YAML file", "",
       false},
      {"output", FlagKind::file, "FILE",
       "a device (.yaml), or a table for a folder of the catalog (kernels.csv); default: print the "
       "table. Of models: the system",
       "", false},
      {"source", FlagKind::text, "TEXT", "who measured; default: the name of the file", "", false},
      {"date", FlagKind::text, "DATE", "when it was measured, as 2026-11-24", "", false},
  }};
  return kFlags;
}

int run_calibrate(Session& session, const Arguments& arguments) {
  const auto& operands = arguments.operands();
  const auto models = std::count_if(operands.begin(), operands.end(), is_model);
  const Diagnostics mistakes = misused(arguments, models > 0);
  if (!mistakes.empty()) return session.fail(mistakes);
  return models > 0 ? run_runtime_calibration(session, arguments) : fit_device(session, arguments);
}

}  // namespace fastpath::cli
