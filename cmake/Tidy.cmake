# clang-tidy over all sources, from this build's compilation database: target `tidy`.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_custom_target(tidy
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/tidy.py ${PROJECT_BINARY_DIR}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    USES_TERMINAL
    VERBATIM)
  if(TARGET fastpath_import)
    add_dependencies(tidy fastpath_import)  # its generated source must be there
  endif()
endif()
