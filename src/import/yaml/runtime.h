/// A measured runtime in a system's file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fastpath/framework.h"

#include "import/yaml/located.h"

namespace fastpath {

/// The value of `runtime:`. Nothing after a mistake, which the reader keeps.
std::shared_ptr<const Framework> read_runtime(YamlReader& reader, const YamlNode& node);

/// Its lines, as read_runtime takes them; the first is "runtime:".
std::vector<std::string> runtime_lines(const Runtime& runtime);

}  // namespace fastpath
