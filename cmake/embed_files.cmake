# Run as a script: writes the files below ${catalog}/<folder> of ${folders} as string literals to
# ${output}. A literal is kept below the 64 KiB that C++ promises, and ends at a line's end, so that
# no UTF-8 sequence is cut in two.
set(chunk_size 60000)

set(text "")
set(count 0)
foreach(folder IN LISTS folders)
  file(GLOB_RECURSE files RELATIVE ${catalog} ${catalog}/${folder}/*)
  foreach(file IN LISTS files)
    file(READ ${catalog}/${file} rest)
    string(APPEND text "    {\"${file}\",\n     ")
    string(LENGTH "${rest}" length)
    while(length GREATER chunk_size)
      string(SUBSTRING "${rest}" 0 ${chunk_size} chunk)
      string(FIND "${chunk}" "\n" end REVERSE)
      if(end LESS 0)
        message(FATAL_ERROR "${file}: a line longer than ${chunk_size} bytes")
      endif()
      math(EXPR end "${end} + 1")
      string(SUBSTRING "${rest}" 0 ${end} chunk)
      string(SUBSTRING "${rest}" ${end} -1 rest)
      string(APPEND text "R\"embedded(${chunk})embedded\"\n     ")
      string(LENGTH "${rest}" length)
    endwhile()
    string(APPEND text "R\"embedded(${rest})embedded\"sv},\n")
    math(EXPR count "${count} + 1")
  endforeach()
endforeach()

file(WRITE ${output} "// Generated from catalog/ by cmake/embed_files.cmake.
#include \"import/catalog/embedded.h\"

#include <array>

namespace fastpath {
namespace {

using namespace std::string_view_literals;

constexpr std::array<EmbeddedFile, ${count}> kFiles = {{
${text}}};

}  // namespace

std::span<const EmbeddedFile> embedded_catalog() { return kFiles; }

}  // namespace fastpath
")
