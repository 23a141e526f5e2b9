# Every header must compile alone: a source for each that includes only it. Where sources are compiled
# one by one, a header that has a source of the same name needs none, since that source includes it
# first (tools/check_layers.py).
foreach(layer IN LISTS FASTPATH_LAYERS)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src
       ${PROJECT_SOURCE_DIR}/src/${layer}/*.h)
  set(sources "")
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "\\.h$" ".cc" source ${header})
    if(FASTPATH_BATCHES OR NOT EXISTS ${PROJECT_SOURCE_DIR}/src/${source})
      set(generated ${PROJECT_BINARY_DIR}/header_check/${source})
      file(CONFIGURE OUTPUT ${generated} CONTENT "#include \"${header}\"\n")
      list(APPEND sources ${generated})
    endif()
  endforeach()
  if(sources)
    add_library(fastpath_${layer}_headers OBJECT ${sources})
    target_link_libraries(fastpath_${layer}_headers PRIVATE fastpath_${layer})
    target_compile_options(fastpath_${layer}_headers PRIVATE -O0 -g0 -fno-sanitize=all)
  endif()
endforeach()
