#include "cli/runtime.h"

#include <filesystem>

namespace fastpath::cli {

namespace fs = std::filesystem;

Result<OnnxRuntime> find_runtime(const Session& session, const Arguments& arguments) {
  if (const auto file = arguments.text("runtime")) return OnnxRuntime::open({*file});
  if (const auto file = session.environment("FASTPATH_ONNXRUNTIME")) {
    return OnnxRuntime::open({*file});
  }
  std::vector<std::string> candidates;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  // tools/setup.sh: build/runtime beside build/release/fastpath; an installation: lib beside bin.
  const fs::path folder = program.parent_path().parent_path();
  for (const fs::path& place :
       {folder / "runtime/node_modules/sherpa-onnx-linux-x64/libonnxruntime.so",
        folder / "lib/fastpath/libonnxruntime.so"}) {
    if (fs::exists(place, error)) candidates.push_back(place.string());
  }
  candidates.emplace_back("libonnxruntime.so");
  candidates.emplace_back("libonnxruntime.so.1");
  return OnnxRuntime::open(candidates);
}

}  // namespace fastpath::cli
