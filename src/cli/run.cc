#include "cli/run.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/help.h"
#include "cli/verb.h"

namespace fastpath::cli {
namespace {

const Verb* find_verb(std::string_view name) {
  for (const Verb& verb : verbs()) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

int unknown_verb(Session& session, const std::string& word) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs())
    names.emplace_back(verb.name);
  const bool flag = word.starts_with('-');
  return session.fail(
      {{command_line(), fmt::format("unknown {} '{}'", flag ? "flag" : "verb", word),
        flag ? "a verb comes first: fastpath predict ..." : did_you_mean(word, names)}});
}

int run_verb(Session& session, const Verb& verb, const std::vector<std::string>& words) {
  const Result<Arguments> arguments = parse_arguments(verb, words);
  if (!arguments) return session.fail(arguments.error());
  session.set_color(arguments->text_or("color", "auto"));
  session.set_quiet(arguments->has("quiet"));
  if (arguments->has("help")) {
    session.answer(help_text(verb));
    return kAnswered;
  }
  return verb.run(session, *arguments);
}

}  // namespace

int run(const std::vector<std::string>& words, World world) {
  Session session(std::move(world));
  if (words.empty()) {
    session.say(help_text());
    return kUserMistake;
  }
  const std::string& first = words.front();
  std::vector<std::string> rest(words.begin() + 1, words.end());
  if (first == "--help" || first == "-h" || first == "help") {
    const Verb* verb = rest.empty() ? nullptr : find_verb(rest.front());
    if (!rest.empty() && verb == nullptr) return unknown_verb(session, rest.front());
    session.answer(verb == nullptr ? help_text() : help_text(*verb));
    return kAnswered;
  }
  const Verb* verb = find_verb(first == "--version" ? "version" : first);
  if (verb == nullptr) return unknown_verb(session, first);
  return run_verb(session, *verb, rest);
}

}  // namespace fastpath::cli
