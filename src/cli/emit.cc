#include "cli/emit.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "report/chrome_trace.h"
#include "report/data_report.h"
#include "report/text_report.h"

namespace fastpath::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<Flag, 4> kReportFlags{{
    {"json", FlagKind::yes, "", "print JSON (keys and units: docs/guide/json.md)", "", false},
    {"csv", FlagKind::yes, "", "print the tables as CSV", "", false},
    {"out", FlagKind::file, "DIR",
     "also write report.txt, report.json and, where there is one, "
     "timeline.json to DIR",
     "", false},
    {"top", FlagKind::whole, "N", "rows of the longest operators (default 10)", "", false},
}};

constexpr std::array<Flag, 1> kTimelineFlags{{
    {"timeline", FlagKind::file, "FILE", "also write the step as a trace for ui.perfetto.dev", "",
     false},
}};

struct Output {
  std::string path;
  std::string text;
};

Diagnostic cannot_write(const std::string& path, const std::string& why) {
  return {{.file = path}, fmt::format("cannot be written: {}", why), "choose another path"};
}

std::string last_error() { return std::strerror(errno == 0 ? EIO : errno); }

/// Writes and closes; false with errno set where that fails.
bool write_whole(const std::string& path, std::string_view text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  return file.good();
}

std::string answer_text(const Session& session, const Arguments& arguments,
                        const Findings& findings) {
  if (arguments.has("json")) return json_report(findings);
  if (arguments.has("csv")) return csv_report(findings);
  return text_report(findings, session.style());
}

std::vector<Output> outputs_of(const Arguments& arguments, const Findings& findings,
                               const std::string& timeline) {
  std::vector<Output> outputs;
  if (const auto folder = arguments.text("out")) {
    const fs::path base(*folder);
    outputs.push_back({(base / "report.txt").string(), text_report(findings, {})});
    outputs.push_back({(base / "report.json").string(), json_report(findings)});
    if (!timeline.empty()) outputs.push_back({(base / "timeline.json").string(), timeline});
  }
  if (const auto file = arguments.text("timeline")) outputs.push_back({*file, timeline});
  return outputs;
}

/// Folders first, so that the usual mistakes come before anything is written.
Diagnostics make_folders(const Arguments& arguments) {
  const auto folder = arguments.text("out");
  if (!folder) return {};
  std::error_code error;
  fs::create_directories(*folder, error);
  if (error) return {cannot_write(*folder, error.message())};
  return {};
}

}  // namespace

std::span<const Flag> report_flags() { return kReportFlags; }
std::span<const Flag> timeline_flags() { return kTimelineFlags; }

std::optional<Diagnostic> write_file(const std::string& path, std::string_view text) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    if (fs::is_directory(status)) return cannot_write(path, "it is a folder");
    if (!write_whole(path, text)) return cannot_write(path, last_error());
    return std::nullopt;
  }
  const std::string temporary = fmt::format("{}.{}.part", path, getpid());
  if (!write_whole(temporary, text)) {
    Diagnostic mistake = cannot_write(path, last_error());
    fs::remove(temporary, error);
    return mistake;
  }
  fs::rename(temporary, path, error);
  if (!error) return std::nullopt;
  Diagnostic mistake = cannot_write(path, error.message());
  fs::remove(temporary, error);
  return mistake;
}

int emit(Session& session, const Arguments& arguments, const Findings& findings, int code,
         const std::function<Result<Timeline>()>& draw) {
  std::string timeline;
  if (draw && (arguments.has("timeline") || arguments.has("out"))) {
    const Result<Timeline> drawn = draw();
    if (!drawn) return session.fail(drawn.error());
    timeline = chrome_trace(*drawn);
  }
  Diagnostics mistakes = make_folders(arguments);
  if (!mistakes.empty()) return session.fail(mistakes);
  for (const Output& output : outputs_of(arguments, findings, timeline)) {
    if (auto mistake = write_file(output.path, output.text)) mistakes.push_back(*mistake);
  }
  if (!mistakes.empty()) return session.fail(mistakes);
  session.answer(answer_text(session, arguments, findings));
  return code;
}

}  // namespace fastpath::cli
