#include <cmath>
#include <map>

#include <fmt/format.h>

#include "fastpath/fastpath.h"

#include "cli/emit.h"
#include "cli/score_tables.h"
#include "cli/sources.h"
#include "cli/training_cases.h"
#include "cli/verbs.h"

namespace fastpath::cli {
namespace {

struct ScoredPeak {
  const MemoryCase* one = nullptr;
  Bytes predicted;

  double error() const { return predicted / one->measured - 1; }
};

std::string_view name_of(MemoryCounted counted) {
  if (counted == MemoryCounted::allocated) return "allocated";
  return counted == MemoryCounted::reserved ? "reserved" : "device";
}

Table error_table(const std::vector<ScoredPeak>& peaks) {
  std::map<std::string, std::vector<double>> groups;
  for (const ScoredPeak& peak : peaks) {
    for (const std::string& group : {std::string("all"), peak.one->of.run.source})
      groups[group].push_back(peak.error());
  }
  Table table{"memory_by_source",
              "Peak memory of the fullest device, by source",
              {{"of", Unit::none},
               {"rows", Unit::count},
               {"median_error", Unit::ratio},
               {"mean_error", Unit::ratio},
               {"bias", Unit::ratio}},
              {}};
  for (const auto& [name, errors] : groups) {
    std::vector<double> sizes;
    double sum = 0;
    double bias = 0;
    for (const double error : errors) {
      sizes.push_back(std::abs(error));
      sum += std::abs(error);
      bias += error;
    }
    const auto rows = static_cast<double>(errors.size());
    table.rows.push_back({name, rows, quantile(sizes, 0.5), sum / rows, bias / rows});
  }
  return table;
}

Table row_table(const std::vector<ScoredPeak>& peaks) {
  Table table{"memory_rows",
              "Every row",
              {{"id", Unit::none},
               {"model", Unit::none},
               {"system", Unit::none},
               {"plan", Unit::none},
               {"assumed", Unit::none},
               {"counted", Unit::none},
               {"predicted", Unit::bytes},
               {"measured", Unit::bytes},
               {"error", Unit::ratio}},
              {}};
  for (const ScoredPeak& peak : peaks) {
    const TrainingRun& run = peak.one->of.run;
    table.rows.push_back({run.id, run.model, fmt::format("{} x {}", run.devices, run.system),
                          describe_plan(run.plan), fmt::format("{}", fmt::join(run.assumed, " ")),
                          std::string(name_of(peak.one->counted)), peak.predicted.base(),
                          peak.one->measured.base(), peak.error()});
  }
  return table;
}

}  // namespace

int run_validate_memory(Session& session, const Arguments& arguments) {
  const Result<TrainingCases> read = read_training(session, arguments, "training_memory.csv");
  if (!read) return session.fail(read.error());
  std::vector<ScoredPeak> peaks;
  for (const MemoryCase& one : read->memory) {
    if (const auto peak = predicted_peak(one)) peaks.push_back({&one, *peak});
  }
  Findings findings;
  findings.title = "Predicted against measured memory in training";
  findings.tables.push_back(error_table(peaks));
  findings.tables.push_back(row_table(peaks));
  findings.tables.push_back(unscored_table(read->unscored));
  findings.notes.emplace_back(
      "errors are predicted / measured - 1 of the fullest device's peak; nothing is fitted; "
      "allocated: tensors; reserved: what the allocator holds; device: contexts and "
      "communicators too");
  return emit(session, arguments, findings, kAnswered);
}

}  // namespace fastpath::cli
