#include "cli/help.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/text_report.h"

namespace fastpath::cli {
namespace {

constexpr int kHelpWidth = 96;
constexpr int kFlagColumn = 26;

std::string flag_words(const Flag& flag) {
  std::string text = fmt::format("--{}", flag.name);
  if (flag.kind != FlagKind::yes) text += fmt::format(" {}", flag.value);
  return text;
}

void append_group(std::string& out, const FlagGroup& group) {
  out += fmt::format("\n{}:\n", group.title);
  for (const Flag& flag : group.flags) {
    std::string head = "  " + flag_words(flag);
    if (head.size() + 2 > kFlagColumn) {
      out += head + "\n";
      head.clear();
    }
    out +=
        fmt::format("{:<{}}{}\n", head, kFlagColumn, wrapped(flag.help, kHelpWidth, kFlagColumn));
  }
}

template <class Visit>
void for_each_flag(const Verb& verb, Visit visit) {
  for (const FlagGroup& group : verb.groups) {
    for (const Flag& flag : group.flags)
      visit(flag);
  }
  for (const Flag& flag : common_flags().flags)
    visit(flag);
}

std::string verb_names() {
  std::string names;
  for (const Verb& verb : verbs())
    names += (names.empty() ? "" : " ") + std::string(verb.name);
  return names;
}

/// Text in single quotes of a shell.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// Characters that troff would take as its own.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out += '\\';
    out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string zsh_flag(const Flag& flag) {
  std::string help(flag.help);
  for (const char c : {'[', ']', ':'})
    std::replace(help.begin(), help.end(), c, ' ');
  std::string spec = fmt::format("{}--{}[{}]", flag.repeat ? "*" : "", flag.name, help);
  if (flag.kind == FlagKind::yes) return shell_quoted(spec);
  std::string choices(flag.choices);
  std::replace(choices.begin(), choices.end(), '|', ' ');
  if (flag.kind == FlagKind::choice)
    return shell_quoted(fmt::format("{}:{}:({})", spec, flag.value, choices));
  return shell_quoted(fmt::format("{}:{}:_files", spec, flag.value));
}

}  // namespace

std::string help_text() {
  std::string out =
      "FastPath: how fast a machine-learning model runs on a system, why not faster, and what\n"
      "would help.\n\nusage: fastpath VERB [arguments]\n\nVerbs:\n";
  for (const Verb& verb : verbs())
    out += fmt::format("  {:<12}{}\n", verb.name, verb.summary);
  out +=
      "\nExample:\n  fastpath predict llama-3.1-8b --on dgx-h100 --prefill --seq 2048 --plan tp=2\n"
      "\nfastpath VERB --help tells more about a verb.\n";
  return out;
}

std::string help_text(const Verb& verb) {
  std::string out = fmt::format("{}\n\nusage: fastpath {}{}{} [flags]\n", verb.summary, verb.name,
                                verb.operands.empty() ? "" : " ", verb.operands);
  for (const FlagGroup& group : verb.groups)
    append_group(out, group);
  append_group(out, common_flags());
  out += verb.examples.size() > 1 ? "\nExamples:\n" : "\nExample:\n";
  for (const std::string_view example : verb.examples)
    out += fmt::format("  fastpath {}\n", example);
  return out;
}

std::string bash_completion() {
  std::string out =
      "# bash completion for fastpath: eval \"$(fastpath completion bash)\"\n"
      "_fastpath() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n";
  out += fmt::format("    COMPREPLY=($(compgen -W {} -- \"$word\"))\n    return\n  fi\n",
                     shell_quoted(verb_names() + " help --help --version"));
  out += "  case \"$before\" in\n";
  for (const Verb& verb : verbs()) {
    for_each_flag(verb, [&](const Flag& flag) {
      if (flag.kind != FlagKind::choice) return;
      std::string choices(flag.choices);
      std::replace(choices.begin(), choices.end(), '|', ' ');
      const std::string line =
          fmt::format("    --{}) COMPREPLY=($(compgen -W {} -- \"$word\")); return ;;\n", flag.name,
                      shell_quoted(choices));
      if (out.find(line) == std::string::npos) out += line;
    });
  }
  out += "  esac\n  local flags\n  case \"${COMP_WORDS[1]}\" in\n";
  for (const Verb& verb : verbs()) {
    std::string flags;
    for_each_flag(verb, [&](const Flag& flag) {
      flags += fmt::format("{}--{}", flags.empty() ? "" : " ", flag.name);
    });
    out += fmt::format("    {}) flags={} ;;\n", verb.name, shell_quoted(flags));
  }
  return out +
         "  esac\n"
         "  case \"$word\" in\n"
         "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
         "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _fastpath fastpath\n";
}

std::string zsh_completion() {
  std::string out =
      "#compdef fastpath\n# zsh completion for fastpath: put it in $fpath as _fastpath\n"
      "_fastpath() {\n  if (( CURRENT == 2 )); then\n    local -a verbs=(\n";
  for (const Verb& verb : verbs())
    out += fmt::format("      {}\n", shell_quoted(fmt::format("{}:{}", verb.name, verb.summary)));
  out +=
      "    )\n    _describe verb verbs\n    return\n  fi\n  local verb=$words[2]\n"
      "  shift words\n  (( CURRENT-- ))\n  case $verb in\n";
  for (const Verb& verb : verbs()) {
    out += fmt::format("    {})\n      _arguments", verb.name);
    for_each_flag(verb, [&](const Flag& flag) { out += " \\\n        " + zsh_flag(flag); });
    out += " \\\n        '*:operand:_files' ;;\n";
  }
  return out + "  esac\n}\n_fastpath \"$@\"\n";
}

std::string fish_completion() {
  std::string out = "# fish completion for fastpath: fastpath completion fish | source\n";
  for (const Verb& verb : verbs()) {
    out += fmt::format("complete -c fastpath -n __fish_use_subcommand -f -a {} -d {}\n", verb.name,
                       shell_quoted(verb.summary));
  }
  for (const Verb& verb : verbs()) {
    for_each_flag(verb, [&](const Flag& flag) {
      out += fmt::format("complete -c fastpath -n '__fish_seen_subcommand_from {}' -l {} -d {}",
                         verb.name, flag.name, shell_quoted(flag.help));
      std::string choices(flag.choices);
      std::replace(choices.begin(), choices.end(), '|', ' ');
      if (flag.kind == FlagKind::choice) {
        out += fmt::format(" -x -a {}", shell_quoted(choices));
      } else if (flag.kind != FlagKind::yes) {
        out += flag.kind == FlagKind::file ? " -r" : " -r -f";
      }
      out += '\n';
    });
  }
  return out;
}

std::string manual_page() {
  std::string out =
      ".TH FASTPATH 1\n.SH NAME\nfastpath \\- performance modelling of machine\\-learning systems\n"
      ".SH SYNOPSIS\n.B fastpath\n.I VERB\n[arguments]\n.SH VERBS\n";
  for (const Verb& verb : verbs()) {
    out += fmt::format(".SS {} {}\n{}\n", roff(verb.name), roff(verb.operands), roff(verb.summary));
    for (const FlagGroup& group : verb.groups) {
      for (const Flag& flag : group.flags)
        out += fmt::format(".TP\n.B {}\n{}\n", roff(flag_words(flag)), roff(flag.help));
    }
    for (const std::string_view example : verb.examples)
      out += fmt::format(".PP\n.EX\nfastpath {}\n.EE\n", roff(example));
  }
  out += ".SH OPTIONS OF ALL VERBS\n";
  for (const Flag& flag : common_flags().flags)
    out += fmt::format(".TP\n.B {}\n{}\n", roff(flag_words(flag)), roff(flag.help));
  return out +
         ".SH EXIT STATUS\n.TP\n.B 0\nanswered\n.TP\n.B 1\nanswered, but the model does not fit "
         "(the answer says by how much)\n.TP\n.B 2\na mistake in the input: nothing was written\n"
         ".TP\n.B 70\na bug in fastpath\n";
}

}  // namespace fastpath::cli
