# The other libraries that each layer may use, and how to find them. Parsing libraries live in
# import only; tools/check_forbidden.py holds the includes to the same table.
set(FASTPATH_LIBRARIES_base fmt::fmt tl::expected)
set(FASTPATH_LIBRARIES_ir nlohmann_json::nlohmann_json)
set(FASTPATH_LIBRARIES_report nlohmann_json::nlohmann_json)
set(FASTPATH_LIBRARIES_import nlohmann_json::nlohmann_json yaml-cpp toml11::toml11 onnx onnx_proto
                              protobuf::libprotobuf simdjson::simdjson ZLIB::ZLIB
                              zstd::libzstd_shared)
set(FASTPATH_LIBRARIES_validate Eigen3::Eigen)
set(FASTPATH_LIBRARIES_store SQLite::SQLite3)
set(FASTPATH_LIBRARIES_measure uring Threads::Threads)
set(FASTPATH_LIBRARIES_search Threads::Threads)
set(FASTPATH_LIBRARIES_cli CLI11::CLI11)

find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SQLite3 REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
if(EXISTS ${PROJECT_SOURCE_DIR}/src/import)
  find_package(yaml-cpp REQUIRED)
  find_package(toml11 REQUIRED)
  find_package(Protobuf REQUIRED)  # ONNX's own configuration names its target but does not find it
  find_package(ONNX REQUIRED)
  find_package(simdjson REQUIRED)
  find_package(ZLIB REQUIRED)
  find_package(zstd REQUIRED)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/src/validate)
  find_package(Eigen3 REQUIRED)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/src/measure)
  # No configuration of its own: the name is enough for the linker, here and at a consumer.
  find_path(FASTPATH_URING_INCLUDE liburing.h REQUIRED)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/src/cli)
  find_package(CLI11 REQUIRED)
  option(FASTPATH_MPI "Build fastpath-mpi where MPI (libopenmpi-dev) is installed" ON)
  if(FASTPATH_MPI)
    enable_language(C)  # FindMPI asks the C compiler's wrapper; the C interface is all we use
    find_package(MPI QUIET COMPONENTS C)
  endif()
endif()
