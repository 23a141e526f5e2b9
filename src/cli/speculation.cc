#include "cli/speculation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 2> kFlags{{
    {"speculate", FlagKind::text, "HOW:N",
     "propose N tokens a step: mtp:N by the model's draft layers, MODEL:N by another model", "",
     false},
    {"accept", FlagKind::text, "X", "share of proposed tokens that are accepted, each for itself",
     "", false},
}};

constexpr std::int64_t kMostProposed = 64;
constexpr double kMostAccepted = 0.999;

std::optional<double> acceptance(const Arguments& arguments, Diagnostics& mistakes) {
  const auto text = arguments.text("accept");
  if (!text) return std::nullopt;
  const auto value = parse_number(*text);
  if (value && *value >= 0 && *value <= kMostAccepted) return value;
  mistakes.push_back(
      {command_line(),
       fmt::format("--accept {} is not a number from 0 to {:g}", in_quotes(*text), kMostAccepted),
       {}});
  return 0;
}

/// Draft layers executed, between the model's first and last segments unless `alone`.
Workload drafts_of(Workload workload, bool alone) {
  std::vector<Segment> segments;
  std::vector<Segment> drafts;
  for (Segment one : workload.segments) {
    if (one.use == SegmentUse::executed) segments.push_back(one);
    if (one.use != SegmentUse::draft) continue;
    one.use = SegmentUse::executed;
    drafts.push_back(one);
  }
  // A step proposes one token: layers beyond the first are for tokens further ahead.
  if (drafts.size() > 1) drafts.resize(1);
  const bool whole = !alone && segments.size() > 1;
  workload.segments.clear();
  if (whole) workload.segments.push_back(segments.front());
  workload.segments.insert(workload.segments.end(), drafts.begin(), drafts.end());
  if (whole) workload.segments.push_back(segments.back());
  return workload;
}

bool has_drafts(const Workload& workload) {
  return std::any_of(workload.segments.begin(), workload.segments.end(),
                     [](const Segment& one) { return one.use == SegmentUse::draft; });
}

}  // namespace

std::span<const Flag> speculation_flags() { return kFlags; }

Proposal proposal_from(const Arguments& arguments, Diagnostics& mistakes) {
  const auto text = arguments.text("speculate");
  const auto accept = acceptance(arguments, mistakes);
  if (!text) {
    if (accept)
      mistakes.push_back(
          {command_line(), "--accept needs --speculate", "for example --speculate mtp:3"});
    return {};
  }
  if (!accept) {
    mistakes.push_back({command_line(),
                        "--accept is missing: how many proposed tokens are accepted?",
                        "for example --accept 0.7; engines print it in their logs"});
  }
  const std::size_t colon = text->rfind(':');
  const auto length = colon == text->npos ? std::nullopt : parse_integer(text->substr(colon + 1));
  if (!length || *length < 1 || *length > kMostProposed || colon == 0) {
    mistakes.push_back({command_line(),
                        fmt::format("--speculate takes HOW:N, not {}", in_quotes(*text)),
                        "mtp:3, or a draft model and its tokens: llama-3.1-8b:4"});
    return {};
  }
  return {text->substr(0, colon), {static_cast<int>(*length), accept.value_or(0)}};
}

Result<Workload> draft_workload(const Sources& sources, const std::string& draft,
                                const std::string& model, const StepRequest& request, bool alone) {
  const bool own = draft == "mtp";
  Result<Imported<Workload>> workload = sources.workload(own ? model : draft, request);
  if (!workload) return failure(std::move(workload.error()));
  if (!own) return std::move(workload->value);
  if (!has_drafts(workload->value)) {
    return failure({.file = model}, "the model has no draft layers",
                   "name a draft model: --speculate MODEL:N");
  }
  return drafts_of(std::move(workload->value), alone);
}

}  // namespace fastpath::cli
