/// The load and the limits of serve and of search --serve.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "cli/flag_reader.h"
#include "cli/scenario.h"
#include "ir/serving.h"
#include "serve/load.h"

namespace fastpath::cli {

/// --requests, --rate, --concurrency, lengths, ...
std::span<const Flag> load_flags();

/// Reads flags and collects all that is wrong with them.
class ServeFlags {
 public:
  explicit ServeFlags(const Arguments& arguments) : flags_(arguments) {}

  double number(std::string_view flag, double fallback, double least, double most);

  template <class Q>
  Q quantity(std::string_view flag) {
    return flags_.quantity<Q>(flag).value_or(Q{});
  }

  void add(Diagnostic mistake) { flags_.add({std::move(mistake)}); }
  const Diagnostics& mistakes() const { return flags_.mistakes(); }

  /// --max-ttft, --max-tpot, --max-latency.
  ServiceObjective objective();

  /// --class NAME:SHARE:TTFT:TPOT, of all. Errors: shares that do not add up to 1, limits besides.
  std::vector<ServiceClass> classes();

  /// The trace, or what --rate or --concurrency make. Fails with all mistakes so far.
  Result<RequestStream> stream();

 private:
  Load load();
  std::optional<ServiceClass> service_class(const std::string& text);

  FlagReader flags_;
};

/// Mean tokens of a sequence half-way through its answer.
double typical_context(const RequestStream& stream);

/// Question of a decode step, which finds the model, the system and a plan.
Question decode_question(const std::string& model, const RequestStream& stream);

}  // namespace fastpath::cli
