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
#include "import/yaml/load.h"
#include "ir/serving.h"
#include "serve/load.h"

namespace fastpath::cli {

/// --load, --requests, --rate, --concurrency, lengths, ...
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

  /// The trace, or what --rate or --concurrency make, dealt out to the classes of --class or of the
  /// file of --load. Fails with all mistakes so far.
  Result<RequestStream> stream();

 private:
  void read_file_of_load();
  void read_classes();
  Load load();
  std::optional<ServiceClass> service_class(const std::string& text);

  FlagReader flags_;
  LoadFile file_;
  std::vector<ServiceClass> classes_;
};

/// Mean tokens of a sequence half-way through its answer.
double typical_context(const RequestStream& stream);

/// Question of a decode step, which finds the model, the system and a plan.
Question decode_question(const std::string& model, const RequestStream& stream);

}  // namespace fastpath::cli
