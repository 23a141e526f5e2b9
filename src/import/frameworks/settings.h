/// What the files of training frameworks have in common: keys with values and places.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastpath/result.h"

namespace fastpath {

/// `parallelism.tensor_parallel_degree = 4`, or `--tensor-model-parallel-size 4`, whose key is
/// tensor_model_parallel_size.
struct Setting {
  std::string key;    ///< of nested maps joined by dots
  std::string value;  ///< lists joined by commas; "null" where there is none
  Place key_place;
  Place value_place;
  bool flag = false;  ///< of a command line, where a key alone means true
};

/// In the order of the text; of keys given twice a command line's last one counts.
using Settings = std::vector<Setting>;

/// YAML and JSON, with `${other.key}` resolved inside the file.
Result<Settings> settings_of_yaml(std::string_view text, const std::string& file);

Result<Settings> settings_of_toml(std::string_view text, const std::string& file);

/// The long flags of the commands of a shell script. Variables and arrays that the script sets are
/// put in, whole-number arithmetic is computed; what only the shell can know stays as `$NAME`. A
/// script without such a command gives the flags of its variables.
Result<Settings> settings_of_shell(std::string_view text, const std::string& file);

}  // namespace fastpath
