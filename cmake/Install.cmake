# What a user gets: the program, the library with its public headers, the measurements, and a Debian
# package of all that (cpack --preset release, or `cpack -G DEB` in build/release).
include(CMakePackageConfigHelpers)

set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/fastpath)
if(TARGET fastpath_library)
  install(TARGETS fastpath_library EXPORT fastpath ARCHIVE FILE_SET HEADERS)
  install(EXPORT fastpath NAMESPACE fastpath:: FILE fastpathTargets.cmake
          DESTINATION ${config_folder})
  configure_package_config_file(cmake/fastpathConfig.cmake.in fastpathConfig.cmake
                                INSTALL_DESTINATION ${config_folder})
  write_basic_package_version_file(fastpathConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/fastpathConfig.cmake
                ${PROJECT_BINARY_DIR}/fastpathConfigVersion.cmake
          DESTINATION ${config_folder})
endif()
# What the program prints about itself: completion scripts and the manual page.
function(fastpath_install_printed word folder name)
  install(CODE "
    set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/${folder}\")
    file(MAKE_DIRECTORY \"\${folder}\")
    execute_process(COMMAND \"$<TARGET_FILE:fastpath_program>\" completion ${word}
                    OUTPUT_FILE \"\${folder}/${name}\" COMMAND_ERROR_IS_FATAL ANY)")
endfunction()

if(TARGET fastpath_program)
  install(TARGETS fastpath_program)
  install(PROGRAMS tools/search.sbatch DESTINATION ${CMAKE_INSTALL_DATADIR}/fastpath)
  fastpath_install_printed(bash bash-completion/completions fastpath)
  fastpath_install_printed(zsh zsh/vendor-completions _fastpath)
  fastpath_install_printed(fish fish/vendor_completions.d fastpath.fish)
  fastpath_install_printed(man man/man1 fastpath.1)
endif()

# A folder or file that is not there yet is not installed.
function(fastpath_install_if_there path destination)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${path})
    install(DIRECTORY ${path}/ DESTINATION ${destination})
  elseif(EXISTS ${PROJECT_SOURCE_DIR}/${path})
    install(FILES ${path} DESTINATION ${destination} ${ARGN})
  endif()
endfunction()

fastpath_install_if_there(catalog/measurements ${CMAKE_INSTALL_DATADIR}/fastpath/measurements)
fastpath_install_if_there(README.md ${CMAKE_INSTALL_DOCDIR})
fastpath_install_if_there(CHANGELOG.md ${CMAKE_INSTALL_DOCDIR})
fastpath_install_if_there(docs/guide ${CMAKE_INSTALL_DOCDIR}/guide)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fastpath)
set(CPACK_PACKAGE_VENDOR "The FastPath authors")
set(CPACK_PACKAGE_CONTACT "The FastPath authors <maintainers@users.noreply.fastpath.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # what the program needs to run
# What a program that links the static library needs to build; running `fastpath` needs none of it.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libfmt-dev, libexpected-dev, nlohmann-json3-dev, \
libyaml-cpp-dev, libtoml11-dev, libonnx-dev, libprotobuf-dev, libsqlite3-dev, libeigen3-dev, \
libsimdjson-dev, zlib1g-dev, libzstd-dev, liburing-dev, libdnnl-dev, \
libturbojpeg0-dev, libpng-dev")
include(CPack)
