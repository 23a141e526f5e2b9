/// A model by its name or path -> a workload.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

#include "import/catalog/embedded.h"
#include "import/model/decoder.h"

namespace fastpath {

/// Reads a file of another format. `path` is what the user gave.
using WorkloadReader =
    std::function<Result<Imported<Workload>>(const std::string& path, const ModelRequest&)>;

/// Where models come from.
struct ModelLibrary {
  std::span<const EmbeddedFile> catalog;       ///< models/NAME.yaml: models and workloads
  std::vector<std::filesystem::path> folders;  ///< with models/NAME.yaml, before the catalog
  /// By extension with its dot (".onnx", ".csv"). ".yaml" reads files with a key `workload`.
  std::map<std::string, WorkloadReader> readers;
};

/// The shape of a language model: a name in the library, a config.json, a folder with one, or a
/// model YAML. Names are compared without case, owner ("meta-llama/...") and maker's prefix.
/// Unknown names and missing files are errors with a did-you-mean.
Result<Imported<DecoderSpec>> load_spec(std::string_view name_or_path, const ModelLibrary& library);

/// As load_spec, and besides any format that the library has a reader for.
Result<Imported<Workload>> load_model(std::string_view name_or_path, const ModelRequest& request,
                                      const ModelLibrary& library);

/// Whether the model has operators and sizes of its own, which no request changes: a file that a
/// reader of the library takes, or a workload (import/yaml/workload.h) of the library.
bool is_own_workload(std::string_view name_or_path, const ModelLibrary& library);

/// All names of the library, sorted.
std::vector<std::string> model_names(const ModelLibrary& library);

}  // namespace fastpath
