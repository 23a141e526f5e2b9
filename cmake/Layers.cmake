include(Batches)
include(Embed)

# Reads layers.txt into FASTPATH_LAYERS and FASTPATH_USES_<layer>, so that what the linker sees is
# what tools/check_layers.py enforces.
function(fastpath_read_layers)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/layers.txt)
  file(STRINGS ${PROJECT_SOURCE_DIR}/layers.txt lines REGEX "^[a-z]+:")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([a-z]+):(.*)$" _ "${line}")
    set(layer ${CMAKE_MATCH_1})
    string(REGEX MATCHALL "[a-z]+" uses "${CMAKE_MATCH_2}")
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/src/${layer})
      list(APPEND layers ${layer})
      set(uses_${layer} ${uses})
    endif()
  endforeach()
  foreach(layer IN LISTS layers)
    foreach(used IN LISTS uses_${layer})
      if(used IN_LIST layers)  # a layer that is not written yet is not linked
        list(APPEND linked_${layer} fastpath_${used})
      endif()
    endforeach()
    set(FASTPATH_USES_${layer} ${linked_${layer}} PARENT_SCOPE)
  endforeach()
  set(FASTPATH_LAYERS ${layers} PARENT_SCOPE)
endfunction()

# The sources of a layer: every .cc below its folder but tests and the program's main.
function(fastpath_layer_sources layer out)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*.cc)
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz)\\.cc$|/src/cli/(mpi_)?main\\.cc$")
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# One static library per layer, named fastpath_<layer>.
macro(fastpath_add_layers)
  fastpath_read_layers()
  foreach(layer IN LISTS FASTPATH_LAYERS)
    fastpath_add_layer(${layer})
  endforeach()
endmacro()

function(fastpath_add_layer layer)
  fastpath_layer_sources(${layer} sources)
  fastpath_batch(fastpath_${layer} sources)
  if(layer STREQUAL import)
    fastpath_embed_catalog(embedded)
    list(APPEND sources ${embedded})
  endif()
  if(NOT sources)  # headers only, so far
    set(sources ${PROJECT_BINARY_DIR}/empty.cc)
    file(APPEND ${sources} "")
  endif()
  add_library(fastpath_${layer} STATIC ${sources})
  target_link_libraries(fastpath_${layer} PUBLIC
    ${FASTPATH_USES_${layer}} fastpath_options ${FASTPATH_LIBRARIES_${layer}})
  target_compile_definitions(fastpath_${layer} PRIVATE FASTPATH_VERSION="${PROJECT_VERSION}")
endfunction()

# The library for others. Its archive holds the objects of all layers but cli, so that a consumer
# sees one target and one file, and nothing of the layers inside.
function(fastpath_add_library)
  set(layers ${FASTPATH_LAYERS})
  list(REMOVE_ITEM layers cli)
  foreach(layer IN LISTS layers)
    list(APPEND objects $<TARGET_OBJECTS:fastpath_${layer}>)
    list(APPEND private_libraries ${FASTPATH_LIBRARIES_${layer}})
  endforeach()
  if(NOT objects)
    return()
  endif()
  list(REMOVE_DUPLICATES private_libraries)
  list(REMOVE_ITEM private_libraries fmt::fmt tl::expected)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/fastpath/*.h)

  # Not named `fastpath`: for ninja that is the program's file.
  add_library(fastpath_library STATIC ${objects})
  add_library(fastpath::fastpath ALIAS fastpath_library)
  set_target_properties(fastpath_library PROPERTIES
    OUTPUT_NAME fastpath EXPORT_NAME fastpath LINKER_LANGUAGE CXX)
  target_compile_features(fastpath_library PUBLIC cxx_std_20)
  target_sources(fastpath_library PUBLIC
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers})
  target_link_libraries(fastpath_library PUBLIC fmt::fmt tl::expected PRIVATE ${private_libraries})
  # Each public header must compile alone: target all_verify_interface_header_sets.
  set_target_properties(fastpath_library PROPERTIES
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
endfunction()

function(fastpath_add_program)
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/src/cli/main.cc)
    return()
  endif()
  add_executable(fastpath_program ${PROJECT_SOURCE_DIR}/src/cli/main.cc)
  set_target_properties(fastpath_program PROPERTIES
    OUTPUT_NAME fastpath RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_link_libraries(fastpath_program PRIVATE fastpath_cli)
  if(MPI_C_FOUND)  # a program of its own, so that fastpath itself needs no MPI
    add_executable(fastpath_mpi ${PROJECT_SOURCE_DIR}/src/cli/mpi_main.cc)
    set_target_properties(fastpath_mpi PROPERTIES
      OUTPUT_NAME fastpath-mpi RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_link_libraries(fastpath_mpi PRIVATE fastpath_cli MPI::MPI_C)
    target_compile_definitions(fastpath_mpi PRIVATE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
  endif()
endfunction()
