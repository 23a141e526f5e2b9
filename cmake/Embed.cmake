# The catalog's systems and models are part of the program: this turns their files into one source
# file of fastpath_import, made again whenever one of them changes.
set(FASTPATH_EMBEDDED_FOLDERS devices systems models links collectives storage frameworks reliability engines)

function(fastpath_embed_catalog out)
  foreach(folder IN LISTS FASTPATH_EMBEDDED_FOLDERS)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/catalog/${folder}/*)
    list(APPEND files ${found})
  endforeach()
  set(generated ${PROJECT_BINARY_DIR}/embedded_catalog.cc)
  add_custom_command(
    OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -D catalog=${PROJECT_SOURCE_DIR}/catalog
            "-Dfolders=${FASTPATH_EMBEDDED_FOLDERS}" -D output=${generated}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
    COMMENT "Embedding the catalog"
    VERBATIM)
  set(${out} ${generated} PARENT_SCOPE)
endfunction()
