# Compiler settings of our own code. Other people's headers come from imported targets, which
# CMake passes as system headers, so that none of these warnings applies to them.
add_library(fastpath_options INTERFACE)
target_compile_features(fastpath_options INTERFACE cxx_std_20)
target_include_directories(fastpath_options INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(fastpath_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow
  $<$<BOOL:${FASTPATH_WARNINGS_AS_ERRORS}>:-Werror>
  # Messages and debug data name files relative to the project: the same sources give the same
  # objects in any folder, which is also what lets ccache serve a second checkout.
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)

set(CMAKE_CXX_EXTENSIONS OFF)
if(PROJECT_IS_TOP_LEVEL)
  find_program(FASTPATH_CCACHE ccache)
  if(FASTPATH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${FASTPATH_CCACHE})
  endif()
endif()
