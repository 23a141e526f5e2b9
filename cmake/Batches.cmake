# Several sources of a folder are compiled as one: most of the time of a build from nothing goes
# into the headers that they share. CMake's own unity builds do not know that two sources may each have
# a function or constant of the same name in an unnamed namespace: here such sources go to different
# batches. What a batch includes is named from src/ on, so that ccache serves it in any checkout.
option(FASTPATH_BATCHES "Compile several sources at once: quick from nothing, slower after a change" OFF)
set(FASTPATH_BATCH_BYTES 60000)

# What a source defines at the outermost level, by the lines that begin in its first column. A name
# too many (of an overload) does no harm; one too few is an error of the compiler.
function(fastpath_defined_names source out)
  file(STRINGS ${source} lines REGEX "^[A-Za-z_]")
  set(names "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(enum class|enum|struct|class) +([A-Za-z_0-9]+)")
      list(APPEND names ${CMAKE_MATCH_2})
    elseif(NOT line MATCHES "^(TEST|RC_GTEST|BENCHMARK|namespace)"
           AND line MATCHES "([A-Za-z_][A-Za-z_0-9:]*) *[[({=;]")
      list(APPEND names ${CMAKE_MATCH_1})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES names)
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# Replaces the sources in the list `variable`, those of `target`, by batches of them. Each is put into
# the first batch of its folder that has room and none of its names.
function(fastpath_batch target variable)
  if(NOT FASTPATH_BATCHES)
    return()
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${${variable}})
  set(batches "")
  foreach(source IN LISTS ${variable})
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    fastpath_defined_names(${source} names)
    file(SIZE ${source} size)
    set(number 1)
    while(TRUE)
      set(batch ${folder}/batch_${number})
      if(NOT DEFINED size/${batch})
        list(APPEND batches ${batch})
        set(size/${batch} 0)
      endif()
      set(shared 0)
      foreach(name IN LISTS names)
        if(DEFINED name/${batch}/${name})
          set(shared 1)
        endif()
      endforeach()
      math(EXPR total "${size/${batch}} + ${size}")
      if(NOT shared AND (total LESS FASTPATH_BATCH_BYTES OR total EQUAL size))
        break()
      endif()
      math(EXPR number "${number} + 1")
    endwhile()
    set(size/${batch} ${total})
    foreach(name IN LISTS names)
      set(name/${batch}/${name} TRUE)
    endforeach()
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE path)
    string(APPEND text/${batch} "#include \"${path}\"\n")
  endforeach()
  set(files "")
  foreach(batch IN LISTS batches)
    set(file ${PROJECT_BINARY_DIR}/batches/${target}/${batch}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "${text/${batch}}" @ONLY)  # left alone when it is the same
    list(APPEND files ${file})
  endforeach()
  set(${variable} ${files} PARENT_SCOPE)
  # The compiler takes what a batch includes for headers, in which it would mean a type of many files.
  set_source_files_properties(${files} PROPERTIES
    COMPILE_OPTIONS $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()
