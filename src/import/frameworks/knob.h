/// How a framework's keys and the words of a plan stand for each other: tables, and what tables
/// cannot say.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fastpath/result.h"

namespace fastpath {

/// `key` is that of a Setting. `target` is a word of a plan, or a fact, which starts with '@'.
/// `values`: "#" a whole number, "%" a number, "*" any text, else pairs "theirs=ours" separated by
/// blanks. Of several knobs with one target the first is written.
struct Knob {
  std::string_view key;
  std::string_view target;
  std::string_view values;
};

inline constexpr std::string_view kCount = "#";
inline constexpr std::string_view kSwitch = "true=true false=false";

struct Statement {
  std::string value;
  Place key_place;
  Place value_place;
};

/// What a file says, in our words.
class Statements {
 public:
  void set(std::string_view name, std::string value, const Place& key = {}, const Place& at = {}) {
    all_[std::string(name)] = {std::move(value), key, at};
  }
  void set(std::string_view name, std::string value, const Statement& said) {
    set(name, std::move(value), said.key_place, said.value_place);
  }
  void erase(std::string_view name) { all_.erase(std::string(name)); }
  const Statement* find(std::string_view name) const {
    const auto found = all_.find(name);
    return found == all_.end() ? nullptr : &found->second;
  }
  bool is(std::string_view name, std::string_view value) const {
    const Statement* said = find(name);
    return said != nullptr && said->value == value;
  }
  std::string text(std::string_view name) const {
    const Statement* said = find(name);
    return said == nullptr ? std::string{} : said->value;
  }
  /// Nothing beyond +-1e9, so that the product of two does not overflow.
  std::optional<long long> count(std::string_view name) const;
  long long count_or(std::string_view name, long long fallback) const {
    return count(name).value_or(fallback);
  }
  const std::map<std::string, Statement, std::less<>>& all() const { return all_; }

 private:
  std::map<std::string, Statement, std::less<>> all_;
};

enum class FileForm : std::uint8_t { shell, yaml, toml, json };

/// A framework's tables. `relate` turns facts into words of a plan when a file is read; `state`
/// turns words into facts when one is written.
struct FrameworkForm {
  std::string_view name;      ///< as users say it
  std::string_view defaults;  ///< in catalog/frameworks/defaults.csv
  FileForm form;
  bool leaf_keys = false;       ///< keys are known by their last part, wherever they stand
  std::span<const Knob> first;  ///< before `knobs`, where several share a target
  std::span<const Knob> knobs;
  std::span<const std::string_view> ignored;  ///< keys without a say in speed; `x*` by their start
  void (*relate)(Statements&, Diagnostics& mistakes, Diagnostics& warnings);
  void (*state)(Statements&);
};

const FrameworkForm& megatron_form();
const FrameworkForm& nemo_form();
const FrameworkForm& torchtitan_form();
const FrameworkForm& deepspeed_form();
const FrameworkForm& llm_foundry_form();

}  // namespace fastpath
