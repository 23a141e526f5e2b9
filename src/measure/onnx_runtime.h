/// ONNX Runtime, opened at run time: no part of it is needed to build.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fastpath/quantity.h"
#include "fastpath/result.h"

#include "ir/runnable_model.h"

namespace fastpath {

struct RuntimeOptions {
  int threads = 1;
  /// Write a profile to a file that begins so; empty: none.
  std::string profile_prefix;
};

/// The shared library. Kept open until the process ends: it has threads of its own.
class OnnxRuntime {
 public:
  /// The first of `candidates` (paths or names for the loader) that opens. Errors: none does, or
  /// what does is no ONNX Runtime or older than 1.16.
  static Result<OnnxRuntime> open(const std::vector<std::string>& candidates);

  const std::string& version() const;
  const std::string& path() const;

  class Session;

  /// Loads a model: the runtime rewrites it for this machine. Errors: the runtime's own words.
  Result<Session> load(const RunnableModel& model, const RuntimeOptions& options) const;

 private:
  struct Library;
  std::shared_ptr<const Library> library_;
};

/// A loaded model with its inputs. Denormals count as zero.
class OnnxRuntime::Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// One execution, outputs dropped. Errors: the runtime's own words.
  Result<void> run();

  /// Ends the profile; the file that it was written to.
  Result<std::string> end_profile();

 private:
  friend class OnnxRuntime;
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fastpath
