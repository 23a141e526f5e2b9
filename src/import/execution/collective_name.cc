#include "import/execution/collective_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace fastpath {

std::optional<RecordedCollective> collective_of_name(std::string_view name) {
  std::string letters;
  for (const char c :
       name.substr(name.rfind(':') == std::string_view::npos ? 0 : name.rfind(':') + 1)) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalpha(letter) != 0) letters += static_cast<char>(std::tolower(letter));
  }
  // "reduce" last: it begins "reduce_scatter" too.
  constexpr std::array<std::pair<std::string_view, Collective>, 9> kNames{
      {{"allreduce", Collective::all_reduce},
       {"allgather", Collective::all_gather},
       {"reducescatter", Collective::reduce_scatter},
       {"alltoall", Collective::all_to_all},
       {"broadcast", Collective::broadcast},
       {"send", Collective::send_recv},
       {"recv", Collective::send_recv},
       {"barrier", Collective::all_reduce},
       {"reduce", Collective::reduce}}};
  for (const auto& [prefix, kind] : kNames) {
    if (letters.starts_with(prefix)) return RecordedCollective{kind, prefix == "barrier"};
  }
  return std::nullopt;
}

std::optional<RecordedCollective> collective_of_chakra(std::int64_t type) {
  switch (type) {
    case 0: return RecordedCollective{Collective::all_reduce};
    case 1: return RecordedCollective{Collective::reduce};
    case 2: return RecordedCollective{Collective::all_gather};
    case 5: return RecordedCollective{Collective::broadcast};
    case 6: return RecordedCollective{Collective::all_to_all};
    case 7:
    case 8: return RecordedCollective{Collective::reduce_scatter};
    case 9: return RecordedCollective{Collective::all_reduce, true};
    default: return std::nullopt;
  }
}

}  // namespace fastpath
