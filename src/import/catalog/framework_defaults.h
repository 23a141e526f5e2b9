/// catalog/frameworks/defaults.csv: what training frameworks do where nobody says otherwise.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/result.h"
#include "fastpath/system.h"

#include "ir/plan_text.h"

namespace fastpath {

/// One row. `knob` is a word of a plan (ir/plan_text.h), or one of
///
///   inherits            another framework, whose rows hold where this one has none
///   selective           the word of a plan for what the framework calls selective recomputation
///   vocab               tokens of the vocabulary
///   vocab_multiple      the vocabulary is padded to a multiple of this x tp
///   dropout             true | false
///   fused_softmax, fused_activation, fused_dropout, fused_norm, fused_rope, fused_loss
///                       true | false: one kernel for what is several operators otherwise
struct FrameworkDefault {
  std::string framework;
  std::string knob;
  std::string value;
  std::string when;   ///< conditions that must all hold: tp>1 pp>1 zero>0 zero=3 bf16 fp16 adapters
  std::string since;  ///< ISO date of the first version with this default; empty = always
  Source source;      ///< confidence: documented | assumed
  std::string note;

  bool of_plan() const;  ///< whether `knob` is a word of a plan
};

/// What a default may depend on.
struct FrameworkSetting {
  std::string date;                          ///< of the software, ISO; empty = newest
  NumberFormat format = NumberFormat::bf16;  ///< of activations
  bool adapters = false;                     ///< low-rank adapters are trained (LoRA)
};

/// A plan with its framework's defaults, and those that were used, in the table's order.
struct CompletedPlan {
  Plan plan;
  std::vector<FrameworkDefault> assumed;
};

/// The table. Of several rows for a knob the last whose date and conditions hold counts.
class FrameworkDefaults {
 public:
  /// Errors: parse_csv's, unknown columns, knobs, conditions and parents, values that a plan
  /// refuses, an inheritance without end.
  static Result<FrameworkDefaults> parse(std::string_view text, const std::string& file);

  /// The program's own table.
  static Result<FrameworkDefaults> embedded();

  /// Sorted.
  std::vector<std::string> frameworks() const;

  /// The rows that hold for a framework under a plan, its parents' included, one per knob. Empty
  /// for frameworks that the table does not know.
  std::vector<FrameworkDefault> of(std::string_view framework, const FrameworkSetting& setting,
                                   const Plan& plan) const;

  /// Whose rows `framework` inherits in the end: itself, if it inherits none.
  std::string root_of(std::string_view framework) const;

  /// The plan of `stated` words, other words taken from the framework's defaults. Errors:
  /// plan_of_words'.
  Result<CompletedPlan> complete(std::span<const PlanWord> stated, std::string_view framework,
                                 const FrameworkSetting& setting) const;

 private:
  const FrameworkDefault* parent_of(std::string_view framework) const;
  void check_parents(const std::string& file, Diagnostics& errors) const;

  std::vector<FrameworkDefault> rows_;
};

}  // namespace fastpath
