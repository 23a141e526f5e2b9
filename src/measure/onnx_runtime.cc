#include "measure/onnx_runtime.h"

#include <array>
#include <cstdint>
#include <utility>

#include <dlfcn.h>
#include <fmt/format.h>

namespace fastpath {
namespace {

// The runtime's C interface is a table of functions whose order never changes: later versions
// append. Declared here is what we call, by its place in the table (ONNX Runtime's
// include/onnxruntime/core/session/onnxruntime_c_api.h, struct OrtApi).
enum Slot : std::size_t {
  get_error_message = 2,
  create_env = 3,
  create_session_from_array = 8,
  run_session = 9,
  create_session_options = 10,
  enable_profiling = 14,
  set_optimization_level = 23,
  set_intra_op_threads = 24,
  set_inter_op_threads = 25,
  create_tensor_with_data = 49,
  create_cpu_memory_info = 69,
  allocator_free = 76,
  get_default_allocator = 78,

  release_status = 93,
  release_memory_info = 94,
  release_session = 95,
  release_value = 96,
  release_session_options = 100,
  session_end_profiling = 110,
  add_session_config_entry = 130,
};

/// Of the table: the version of the interface in ONNX Runtime 1.16, which has all slots above.
constexpr std::uint32_t kApiVersion = 16;

struct Base {
  const void* const* (*get_api)(std::uint32_t version);
  const char* (*get_version_string)();
};

using Status = void*;  // null: all is well

constexpr int kErrors = 3;             // OrtLoggingLevel
constexpr int kAllOptimizations = 99;  // GraphOptimizationLevel
constexpr int kArenaAllocator = 1;     // OrtAllocatorType
constexpr int kDefaultMemory = 0;      // OrtMemType

constexpr std::string_view kHint =
    "install it with 'tools/setup.sh runtime' (npm package sherpa-onnx-linux-x64), or name the "
    "library: --runtime /path/to/libonnxruntime.so";

Place runtime_place() { return {.file = "ONNX Runtime"}; }

/// Parameters of a function that returns a status.
template <class... Parameters>
struct Takes {};

}  // namespace

struct OnnxRuntime::Library {
  std::string path;
  std::string version;
  const void* const* api = nullptr;
  void* env = nullptr;

  template <class Function>
  Function* at(Slot slot) const {
    return reinterpret_cast<Function*>(const_cast<void*>(api[slot]));
  }

  /// Calls a function that returns a status; its message where it failed.
  template <class... Parameters, class... Values>
  std::optional<Diagnostic> call(Slot slot, Takes<Parameters...> /*signature*/,
                                 Values... values) const {
    Status status = at<Status(Parameters...)>(slot)(values...);
    if (status == nullptr) return std::nullopt;
    Diagnostic failed{runtime_place(), at<const char*(Status)>(get_error_message)(status), {}};
    at<void(Status)>(release_status)(status);
    return failed;
  }

  void release(Slot slot, void* object) const {
    if (object != nullptr) at<void(void*)>(slot)(object);
  }
};

namespace {

// What the functions of the slots take, for Library::call.
constexpr Takes<int, const char*, void**> kCreateEnv;
constexpr Takes<void**> kCreateOptions;
constexpr Takes<void*, int> kSetInt;
constexpr Takes<void*, const char*> kSetText;
constexpr Takes<void*, const char*, const char*> kSetEntry;
constexpr Takes<void*, const void*, std::size_t, void*, void**> kCreateSession;
constexpr Takes<int, int, void**> kCreateMemoryInfo;
constexpr Takes<void*, void*, std::size_t, const std::int64_t*, std::size_t, int, void**>
    kCreateTensor;
constexpr Takes<void*, const void*, const char* const*, void* const*, std::size_t,
                const char* const*, std::size_t, void**>
    kRun;
constexpr Takes<void**> kGetAllocator;
constexpr Takes<void*, void*> kFree;
constexpr Takes<void*, void*, char**> kEndProfiling;

}  // namespace

struct OnnxRuntime::Session::State {
  std::shared_ptr<const Library> library;
  std::vector<RunInput> inputs;
  std::vector<std::string> outputs;
  void* options = nullptr;
  void* session = nullptr;
  void* memory = nullptr;
  std::vector<void*> values;
  std::vector<const char*> input_names;
  std::vector<const char*> output_names;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (void* value : values)
      library->release(release_value, value);
    library->release(release_memory_info, memory);
    library->release(release_session, session);
    library->release(release_session_options, options);
  }

  std::optional<Diagnostic> configure(const RuntimeOptions& wanted);
  std::optional<Diagnostic> fill();
};

std::optional<Diagnostic> OnnxRuntime::Session::State::configure(const RuntimeOptions& wanted) {
  const Library& api = *library;
  if (auto wrong = api.call(create_session_options, kCreateOptions, &options)) return wrong;
  if (auto wrong = api.call(set_intra_op_threads, kSetInt, options, wanted.threads)) return wrong;
  if (auto wrong = api.call(set_inter_op_threads, kSetInt, options, 1)) return wrong;
  if (auto wrong = api.call(set_optimization_level, kSetInt, options, kAllOptimizations)) {
    return wrong;
  }
  if (auto wrong = api.call(add_session_config_entry, kSetEntry, options,
                            "session.set_denormal_as_zero", "1")) {
    return wrong;
  }
  if (wanted.profile_prefix.empty()) return std::nullopt;
  return api.call(enable_profiling, kSetText, options, wanted.profile_prefix.c_str());
}

std::optional<Diagnostic> OnnxRuntime::Session::State::fill() {
  const Library& api = *library;
  if (auto wrong = api.call(create_cpu_memory_info, kCreateMemoryInfo, kArenaAllocator,
                            kDefaultMemory, &memory)) {
    return wrong;
  }
  for (RunInput& input : inputs) {
    void* value = nullptr;
    if (auto wrong = api.call(create_tensor_with_data, kCreateTensor, memory,
                              static_cast<void*>(input.bytes.data()), input.bytes.size(),
                              input.shape.data(), input.shape.size(), input.type, &value)) {
      return wrong;
    }
    values.push_back(value);
    input_names.push_back(input.name.c_str());
  }
  for (const std::string& output : outputs)
    output_names.push_back(output.c_str());
  return std::nullopt;
}

Result<OnnxRuntime> OnnxRuntime::open(const std::vector<std::string>& candidates) {
  auto library = std::make_shared<Library>();
  void* handle = nullptr;
  std::string last;
  for (const std::string& candidate : candidates) {
    handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    library->path = candidate;
    if (handle != nullptr) break;
    last = dlerror();
  }
  if (handle == nullptr) {
    return failure(runtime_place(), "libonnxruntime.so was not found: " + last, std::string(kHint));
  }
  void* symbol = dlsym(handle, "OrtGetApiBase");
  if (symbol == nullptr) {
    return failure(runtime_place(), library->path + " is not ONNX Runtime", std::string(kHint));
  }
  const Base* base = reinterpret_cast<const Base* (*)()>(symbol)();
  library->version = base->get_version_string();
  library->api = base->get_api(kApiVersion);
  if (library->api == nullptr) {
    return failure(
        runtime_place(),
        fmt::format("{} is version {}: 1.16 or later is needed", library->path, library->version),
        std::string(kHint));
  }
  if (auto wrong = library->call(create_env, kCreateEnv, kErrors, "fastpath", &library->env)) {
    return failure(Diagnostics{*wrong});
  }
  OnnxRuntime runtime;
  runtime.library_ = std::move(library);
  return runtime;
}

const std::string& OnnxRuntime::version() const { return library_->version; }
const std::string& OnnxRuntime::path() const { return library_->path; }

Result<OnnxRuntime::Session> OnnxRuntime::load(const RunnableModel& model,
                                               const RuntimeOptions& options) const {
  auto state = std::make_unique<Session::State>();
  state->library = library_;
  state->inputs = model.inputs;
  state->outputs = model.outputs;
  if (auto wrong = state->configure(options)) return failure(Diagnostics{*wrong});
  if (auto wrong = library_->call(create_session_from_array, kCreateSession, library_->env,
                                  static_cast<const void*>(model.model.data()), model.model.size(),
                                  state->options, &state->session)) {
    return failure(Diagnostics{*wrong});
  }
  if (auto wrong = state->fill()) return failure(Diagnostics{*wrong});
  return Session(std::move(state));
}

OnnxRuntime::Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
OnnxRuntime::Session::Session(Session&&) noexcept = default;
OnnxRuntime::Session& OnnxRuntime::Session::operator=(Session&&) noexcept = default;
OnnxRuntime::Session::~Session() = default;

Result<void> OnnxRuntime::Session::run() {
  State& state = *state_;
  std::vector<void*> results(state.output_names.size(), nullptr);
  auto wrong =
      state.library->call(run_session, kRun, state.session, static_cast<const void*>(nullptr),
                          state.input_names.data(), state.values.data(), state.values.size(),
                          state.output_names.data(), state.output_names.size(), results.data());
  for (void* result : results)
    state.library->release(release_value, result);
  if (wrong) return failure(Diagnostics{*wrong});
  return {};
}

Result<std::string> OnnxRuntime::Session::end_profile() {
  void* allocator = nullptr;
  char* name = nullptr;
  const Library& api = *state_->library;
  if (auto wrong = api.call(get_default_allocator, kGetAllocator, &allocator)) {
    return failure(Diagnostics{*wrong});
  }
  if (auto wrong =
          api.call(session_end_profiling, kEndProfiling, state_->session, allocator, &name)) {
    return failure(Diagnostics{*wrong});
  }
  std::string file = name;
  (void)api.call(allocator_free, kFree, allocator, static_cast<void*>(name));
  return file;
}

}  // namespace fastpath
