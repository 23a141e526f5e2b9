# Run as a script with compiler, include and source. The source's first line names the reason for
# which it must not compile:  // error: <regular expression>
set(compile ${CMAKE_COMMAND} -E env LC_ALL=C ${compiler} -std=c++20 -fsyntax-only -I${include})

execute_process(COMMAND ${compile} -DVALID ${source} RESULT_VARIABLE code ERROR_VARIABLE messages)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "The valid half must compile:\n${messages}")
endif()

file(STRINGS ${source} reason LIMIT_COUNT 1 REGEX "^// error: ")
string(REPLACE "// error: " "" reason "${reason}")
execute_process(COMMAND ${compile} ${source} RESULT_VARIABLE code ERROR_VARIABLE messages)
if(code EQUAL 0)
  message(FATAL_ERROR "${source} compiles, and must not")
elseif(NOT reason OR NOT messages MATCHES "${reason}")
  message(FATAL_ERROR "It fails, but not for the reason '${reason}':\n${messages}")
endif()
