include(GoogleTest)

# A GoogleTest program whose cases are tests of ctest with the given label. Cases are found when
# ctest starts, so that building never runs our code.
function(fastpath_add_gtest name label)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;ENVIRONMENT" ${ARGN})
  fastpath_batch(${name} arg_SOURCES)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} fastpath_options GTest::gmock
                                        GTest::gtest_main)
  # Most of the time to build with sanitizers is the optimiser's, on tests, where it saves little.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Asan>:-O0>)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT 300 ENVIRONMENT "${arg_ENVIRONMENT}")
endfunction()

# Unit tests stand beside what they test; a layer's tests see that layer and the ones below it.
foreach(layer IN LISTS FASTPATH_LAYERS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*_test.cc)
  if(sources)
    fastpath_add_gtest(fastpath_${layer}_test unit SOURCES ${sources}
                       LIBRARIES fastpath_${layer})
  endif()
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/property/*.cc)
if(sources AND FASTPATH_SLOW_TESTS)
  fastpath_add_gtest(fastpath_property_test property SOURCES ${sources}
                     LIBRARIES ${FASTPATH_LAYER_TARGETS} fastpath_test_support rapidcheck)
endif()
