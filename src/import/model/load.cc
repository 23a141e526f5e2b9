#include "import/model/load.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "base/text.h"
#include "import/hf/config.h"
#include "import/model/spec_yaml.h"
#include "import/yaml/workload.h"

namespace fastpath {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "models/";
constexpr std::string_view kExtension = ".yaml";
constexpr std::uintmax_t kLargestFile = 16 << 20;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// "meta-llama/Meta-Llama-3.1-8B" -> "llama-3.1-8b".
std::string plain_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  std::string result = lower(slash == std::string_view::npos ? name : name.substr(slash + 1));
  for (const std::string_view prefix : {"meta-", "nvidia-"}) {
    if (result.rfind(prefix, 0) == 0) result.erase(0, prefix.size());
  }
  return result;
}

/// Without the endings that do not change the shape.
std::string base_name(std::string_view name) {
  std::string result = plain_name(name);
  for (const std::string_view suffix : {"-bf16", "-v0.1", "-hf", "-instruct", "-chat", "-base"}) {
    if (result.size() <= suffix.size()) continue;
    const std::size_t end = result.size() - suffix.size();
    if (result.compare(end, suffix.size(), suffix) == 0) result.erase(end);
  }
  return result;
}

/// The name of a catalog file that is a model; empty for another file.
std::string_view model_name(std::string_view path) {
  if (path.rfind(kFolder, 0) != 0 || path.size() <= kFolder.size() + kExtension.size()) return {};
  if (path.substr(path.size() - kExtension.size()) != kExtension) return {};
  path.remove_prefix(kFolder.size());
  path.remove_suffix(kExtension.size());
  return path;
}

Result<std::string> read_file(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  const std::string name = path.string();
  if (error) return failure({name, 0, 0}, "the file cannot be read");
  if (size > kLargestFile) return failure({name, 0, 0}, "the file is larger than 16 MiB");
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return failure({name, 0, 0}, "the file cannot be read");
  return text.str();
}

/// A model of the library as text, with the name of its file.
struct Found {
  std::string text;
  std::string file;
};

std::optional<Result<Found>> find_model(std::string_view name, const ModelLibrary& library) {
  for (const std::string& wanted : {lower(name), plain_name(name), base_name(name)}) {
    if (wanted.empty() || wanted.find('/') != std::string::npos) continue;
    for (const fs::path& folder : library.folders) {
      const fs::path path = folder / kFolder / (wanted + std::string(kExtension));
      std::error_code error;
      if (!fs::is_regular_file(path, error)) continue;
      auto text = read_file(path);
      if (!text) return failure(text.error());
      return Found{std::move(*text), path.string()};
    }
    for (const EmbeddedFile& file : library.catalog) {
      if (model_name(file.path) == wanted)
        return Found{std::string(file.text), "catalog/" + std::string(file.path)};
    }
  }
  return std::nullopt;
}

bool looks_like_a_path(std::string_view name) {
  const bool has_file_ending = name.size() > 5 && (name.substr(name.size() - 5) == ".json" ||
                                                   name.substr(name.size() - 5) == ".yaml");
  return has_file_ending || name.rfind("./", 0) == 0 || name.rfind("../", 0) == 0 ||
         name.rfind('/', 0) == 0 || name.rfind(".onnx") != std::string_view::npos ||
         name.rfind(".csv") != std::string_view::npos;
}

tl::unexpected<Diagnostics> unknown(std::string_view name, const ModelLibrary& library) {
  if (looks_like_a_path(name))
    return failure({std::string(name), 0, 0}, "there is no such file",
                   "give a config.json, a folder with one, a model's YAML, or a catalog name");
  return failure({"command line", 0, 0}, fmt::format("no model is called '{}'", name),
                 did_you_mean(plain_name(name), model_names(library)));
}

/// The file that a path stands for: a folder's config.json.
fs::path resolve(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? path / "config.json" : path;
}

Result<Imported<DecoderSpec>> read_spec_file(const fs::path& path) {
  const std::string name = path.string();
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return failure({name, 0, 0}, "there is no such file", "a model's folder holds its config.json");
  }
  const auto text = read_file(path);
  if (!text) return failure(text.error());
  const std::string extension = lower(path.extension().string());
  if (extension == ".yaml" || extension == ".yml") return read_model_yaml(*text, name);
  auto spec = read_hf_config(*text, name);
  if (spec && spec->value.name == name) {
    // Published files seldom say their name: the folder's is the better one.
    const bool plain = path.filename() == "config.json" && path.has_parent_path();
    spec->value.name = plain ? path.parent_path().filename().string() : path.stem().string();
    if (spec->value.name.empty() || spec->value.name == ".") spec->value.name = "model";
  }
  return spec;
}

}  // namespace

std::vector<std::string> model_names(const ModelLibrary& library) {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : library.catalog) {
    const std::string_view name = model_name(file.path);
    if (!name.empty()) names.emplace_back(name);
  }
  for (const fs::path& folder : library.folders) {
    std::error_code error;
    for (fs::directory_iterator it(folder / kFolder, error), end; !error && it != end;
         it.increment(error)) {
      if (it->path().extension() == kExtension) names.push_back(it->path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<Imported<DecoderSpec>> load_spec(std::string_view name_or_path,
                                        const ModelLibrary& library) {
  std::error_code error;
  const fs::path path(name_or_path);
  if (!name_or_path.empty() && fs::exists(path, error)) return read_spec_file(resolve(path));
  const auto found = find_model(name_or_path, library);
  if (!found) return unknown(name_or_path, library);
  if (!*found) return failure(found->error());
  return read_model_yaml((*found)->text, (*found)->file);
}

namespace {

bool is_workload(std::string_view text) {
  return text.rfind("workload:", 0) == 0 || text.find("\nworkload:") != std::string_view::npos;
}

/// The reader of the library that the file wants, if any.
const WorkloadReader* other_reader(const fs::path& path, const ModelLibrary& library) {
  const auto found = library.readers.find(lower(path.extension().string()));
  if (found == library.readers.end()) return nullptr;
  if (found->first != ".yaml" && found->first != ".yml") return &found->second;
  const Result<std::string> text = read_file(path);
  return text && is_workload(*text) ? &found->second : nullptr;
}

/// A workload of the library by its name.
std::optional<Found> find_workload(std::string_view name, const ModelLibrary& library) {
  auto found = find_model(name, library);
  if (!found || !*found || !is_workload((*found)->text)) return std::nullopt;
  return std::move(**found);
}

bool is_file(std::string_view name_or_path) {
  std::error_code error;
  return !name_or_path.empty() && fs::is_regular_file(fs::path(name_or_path), error);
}

}  // namespace

bool is_own_workload(std::string_view name_or_path, const ModelLibrary& library) {
  if (is_file(name_or_path)) return other_reader(fs::path(name_or_path), library) != nullptr;
  const std::string extension = lower(fs::path(name_or_path).extension().string());
  const bool graph = extension == ".onnx" || extension == ".csv";  // though there is no such file
  return graph || find_workload(name_or_path, library).has_value();
}

Result<Imported<Workload>> load_model(std::string_view name_or_path, const ModelRequest& request,
                                      const ModelLibrary& library) {
  Diagnostics mistakes;
  for (std::string& mistake : mistakes_in(request))
    mistakes.push_back({{"command line", 0, 0}, std::move(mistake), ""});
  if (!mistakes.empty()) return failure(std::move(mistakes));
  std::error_code error;
  if (is_file(name_or_path)) {
    if (const WorkloadReader* reader = other_reader(fs::path(name_or_path), library))
      return (*reader)(std::string(name_or_path), request);
  } else if (!fs::exists(fs::path(name_or_path), error)) {
    if (const auto found = find_workload(name_or_path, library)) {
      auto workload = read_workload(found->text, found->file);
      if (workload && request.phase == Phase::training) workload->value.phase = Phase::training;
      return workload;
    }
  }
  auto spec = load_spec(name_or_path, library);
  if (!spec) return failure(std::move(spec.error()));
  for (std::string& mistake : mistakes_in(spec->value, request))
    mistakes.push_back({{"command line", 0, 0}, std::move(mistake), ""});
  if (!mistakes.empty()) return failure(std::move(mistakes));
  return Imported<Workload>{build_decoder(spec->value, request), std::move(spec->warnings)};
}

}  // namespace fastpath
