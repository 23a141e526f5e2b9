#include "measure/device_copy.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/clock.h"
#include "measure/gpu_driver.h"

namespace fastpath {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string beside_this_test(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

/// The drivers that tests/gpu_stand_in has, as the measurement finds them: one library, opened
/// twice.
class StandIn {
 public:
  explicit StandIn(int devices = 1)
      : path_(beside_this_test("libfastpath_gpu_stand_in.so")),
        handle_(dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_NE(handle_, nullptr) << dlerror();
    call<void(int)>("stand_in_reset")(devices);
  }
  ~StandIn() {
    call<void(int)>("stand_in_reset")(0);
    dlclose(handle_);
  }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  const std::string& path() const { return path_; }
  void fail(const std::string& name, int status, int skip = 0) const {
    call<void(const char*, int, int)>("stand_in_fail")(name.c_str(), status, skip);
  }
  void spoil(const std::string& how) const {
    call<void(const char*)>("stand_in_spoil")(how.c_str());
  }
  int taken() const { return call<int()>("stand_in_taken")(); }
  std::vector<std::string> calls() const {
    std::istringstream lines(call<const char*()>("stand_in_calls")());
    std::vector<std::string> names;
    for (std::string line; std::getline(lines, line);)
      names.push_back(line);
    return names;
  }

 private:
  template <class Function>
  Function* call(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(handle_, name));
  }

  std::string path_;
  void* handle_;
};

enum class Kind { cuda, hip };

CopyOptions options_of(Kind kind, const std::string& path) {
  CopyOptions options = copy_options(true);
  options.cuda.clear();
  options.hip.clear();
  (kind == Kind::cuda ? options.cuda : options.hip) = {path};
  options.sizes = {4096, 10'000};
  options.length = {};
  options.repeats.most_others = std::numeric_limits<double>::infinity();
  options.one_of_each_name = false;
  return options;
}

MeasuredCopies measure(const CopyOptions& options) {
  CopyRounds rounds(options, [](std::string_view) {});
  return rounds.finish();
}

MeasuredCopies measure(Kind kind, const StandIn& library) {
  return measure(options_of(kind, library.path()));
}

class DeviceCopies : public ::testing::TestWithParam<Kind> {};

INSTANTIATE_TEST_SUITE_P(Drivers, DeviceCopies, ::testing::Values(Kind::cuda, Kind::hip),
                         [](const auto& of) { return of.param == Kind::cuda ? "cuda" : "hip"; });

TEST_P(DeviceCopies, have_a_rate_for_each_memory_direction_and_size) {
  const StandIn library;
  const MeasuredCopies measured = measure(GetParam(), library);
  EXPECT_TRUE(measured.failures.empty());
  std::vector<std::string> kinds;
  for (const MeasuredCopy& one : measured.copies) {
    kinds.push_back(std::string(name_of(one.memory)) + ' ' + std::string(name_of(one.direction)));
    EXPECT_EQ(one.device, GetParam() == Kind::cuda ? "Stand-in C" : "Stand-in H");
    EXPECT_EQ(one.bus, "0000:01:00.0");
    EXPECT_GT(one.rate.median, 0);
    EXPECT_EQ(one.rate.kept, 6u);
  }
  ASSERT_EQ(kinds.size(), 10u);
  EXPECT_EQ(measured.copies.front().size, Bytes{4096});
  EXPECT_EQ(measured.copies.back().size, Bytes{10'000});
  kinds.resize(5);
  EXPECT_THAT(kinds, ElementsAre("pinned to device", "pinned to host", "pinned both",
                                 "pageable to device", "pageable to host"));
}

TEST_P(DeviceCopies, give_back_what_they_took) {
  const StandIn library(3);
  const MeasuredCopies measured = measure(GetParam(), library);
  EXPECT_TRUE(measured.failures.empty());
  EXPECT_EQ(measured.copies.size(), 30u);
  EXPECT_EQ(library.taken(), 0);
}

TEST_P(DeviceCopies, give_back_what_they_took_when_nobody_waits_for_the_end) {
  const StandIn library(2);
  {
    CopyRounds rounds(options_of(GetParam(), library.path()), [](std::string_view) {});
    EXPECT_TRUE(rounds.measure());
    EXPECT_GT(library.taken(), 0);
  }
  EXPECT_EQ(library.taken(), 0);
}

TEST_P(DeviceCopies, of_quick_measurements_are_of_one_device_of_each_name) {
  const StandIn library(4);
  CopyOptions options = options_of(GetParam(), library.path());
  options.one_of_each_name = true;
  const MeasuredCopies measured = measure(options);
  EXPECT_EQ(measured.copies.size(), 10u);
  EXPECT_EQ(measured.alike, 3u);
}

TEST_P(DeviceCopies, without_a_device_are_no_failure) {
  const StandIn library(0);
  const MeasuredCopies measured = measure(GetParam(), library);
  EXPECT_TRUE(measured.copies.empty());
  EXPECT_TRUE(measured.failures.empty());
}

TEST_P(DeviceCopies, without_a_library_are_no_failure) {
  const MeasuredCopies measured = measure(options_of(GetParam(), "libnowhere.so.1"));
  EXPECT_TRUE(measured.copies.empty());
  EXPECT_TRUE(measured.failures.empty());
}

TEST_P(DeviceCopies, need_functions_that_an_old_library_may_not_have) {
  const std::string path = beside_this_test("libfastpath_gpu_stand_in_old.so");
  const MeasuredCopies measured = measure(options_of(GetParam(), path));
  EXPECT_TRUE(measured.copies.empty());
  ASSERT_EQ(measured.failures.size(), 1u);
  EXPECT_EQ(measured.failures.front().place.file, path);
  EXPECT_EQ(measured.failures.front().what,
            GetParam() == Kind::cuda ? "the library has no cuStreamCreate, cuStreamDestroy_v2"
                                     : "the library has no hipMemcpyHtoDAsync");
}

TEST_P(DeviceCopies, are_not_measured_where_data_do_not_arrive) {
  for (const char* spoiled : {"flip to device", "flip to host", "drop to device", "drop to host"}) {
    const StandIn library;
    library.spoil(spoiled);
    const MeasuredCopies measured = measure(GetParam(), library);
    EXPECT_TRUE(measured.copies.empty()) << spoiled;
    ASSERT_EQ(measured.failures.size(), 1u) << spoiled;
    EXPECT_THAT(measured.failures.front().what, HasSubstr("other data from byte")) << spoiled;
    EXPECT_EQ(library.taken(), 0);
  }
}

TEST_P(DeviceCopies, that_go_wrong_in_a_later_round_are_noticed) {
  const StandIn library;
  CopyRounds rounds(options_of(GetParam(), library.path()), [](std::string_view) {});
  rounds.measure();
  library.spoil("drop to device");
  const MeasuredCopies measured = rounds.finish();
  EXPECT_TRUE(measured.copies.empty());
  ASSERT_EQ(measured.failures.size(), 1u);
  EXPECT_THAT(measured.failures.front().what, HasSubstr("from byte 0 on"));
}

TEST_P(DeviceCopies, of_a_device_without_memory_leave_the_others) {
  const StandIn library(2);
  const std::string call = GetParam() == Kind::cuda ? "cuMemAlloc_v2" : "hipMalloc";
  library.fail(call, 2, 3);  // the first device takes two blocks, the second has one
  const MeasuredCopies measured = measure(GetParam(), library);
  ASSERT_EQ(measured.copies.size(), 10u);
  EXPECT_EQ(measured.copies.front().bus, "0000:01:00.0");
  ASSERT_EQ(measured.failures.size(), 1u);
  const Diagnostic& wrong = measured.failures.front();
  EXPECT_THAT(wrong.place.file, HasSubstr("0000:02:00.0"));
  EXPECT_THAT(wrong.what, HasSubstr(call + " failed with status 2, "));
  EXPECT_THAT(wrong.what, HasSubstr(GetParam() == Kind::cuda ? "CUDA_ERROR_OUT_OF_MEMORY"
                                                             : "hipErrorOutOfMemory"));
  EXPECT_EQ(library.taken(), 0);
}

/// Functions whose failure leaves no figure of the device.
std::vector<std::string> needed(Kind kind) {
  if (kind == Kind::cuda) {
    return {"cuInit",
            "cuDeviceGetCount",
            "cuDeviceGet",
            "cuDeviceGetName",
            "cuDeviceGetPCIBusId",
            "cuDevicePrimaryCtxRetain",
            "cuCtxSetCurrent",
            "cuMemAlloc_v2",
            "cuMemHostAlloc",
            "cuStreamCreate",
            "cuMemcpyHtoDAsync_v2",
            "cuMemcpyDtoHAsync_v2",
            "cuStreamSynchronize"};
  }
  return {"hipInit",
          "hipGetDeviceCount",
          "hipDeviceGet",
          "hipDeviceGetName",
          "hipSetDevice",
          "hipDeviceGetPCIBusId",
          "hipMalloc",
          "hipHostMalloc",
          "hipMemcpyHtoDAsync",
          "hipStreamCreateWithFlags",
          "hipMemcpyDtoHAsync",
          "hipStreamSynchronize"};
}

TEST_P(DeviceCopies, name_the_call_that_failed_and_its_status) {
  for (const std::string& call : needed(GetParam())) {
    const StandIn library;
    library.fail(call, 719);
    const MeasuredCopies measured = measure(GetParam(), library);
    EXPECT_TRUE(measured.copies.empty()) << call;
    ASSERT_EQ(measured.failures.size(), 1u) << call;
    EXPECT_THAT(measured.failures.front().what, HasSubstr(call + " failed with status 719"));
    EXPECT_NE(measured.failures.front().place.file, "");
    EXPECT_EQ(library.taken(), 0) << call;
  }
}

TEST_P(DeviceCopies, that_fail_in_a_later_round_end_their_device) {
  const bool cuda = GetParam() == Kind::cuda;
  for (const std::string call : {cuda ? "cuMemcpyHtoDAsync_v2" : "hipMemcpyHtoDAsync",
                                 cuda ? "cuMemcpyDtoHAsync_v2" : "hipMemcpyDtoHAsync",
                                 cuda ? "cuStreamSynchronize" : "hipStreamSynchronize",
                                 cuda ? "cuCtxSetCurrent" : "hipSetDevice"}) {
    const StandIn library(2);
    CopyRounds rounds(options_of(GetParam(), library.path()), [](std::string_view) {});
    EXPECT_TRUE(rounds.measure());
    library.fail(call, 719, 1);
    const MeasuredCopies measured = rounds.finish();
    EXPECT_EQ(measured.copies.size(), 10u) << call;
    ASSERT_EQ(measured.failures.size(), 1u) << call;
    EXPECT_THAT(measured.failures.front().what, HasSubstr(call + " failed with status 719"));
  }
}

TEST_P(DeviceCopies, stand_where_memory_cannot_be_given_back) {
  const bool cuda = GetParam() == Kind::cuda;
  std::vector<std::string> calls{cuda ? "cuMemFree_v2" : "hipFree",
                                 cuda ? "cuMemFreeHost" : "hipHostFree",
                                 cuda ? "cuStreamDestroy_v2" : "hipStreamDestroy"};
  if (cuda) calls.emplace_back("cuDevicePrimaryCtxRelease_v2");
  for (const std::string& call : calls) {
    const StandIn library;
    library.fail(call, 719);
    const MeasuredCopies measured = measure(GetParam(), library);
    EXPECT_EQ(measured.copies.size(), 10u) << call;
    ASSERT_EQ(measured.failures.size(), 1u) << call;
    EXPECT_THAT(measured.failures.front().what, HasSubstr(call + " failed with status 719"));
    EXPECT_EQ(library.taken(), 1) << call;  // all but that
  }
}

TEST(HipCopies, without_a_device_are_no_failure_of_older_drivers) {
  for (const char* call : {"hipInit", "hipGetDeviceCount"}) {
    const StandIn library;
    library.fail(call, 101);  // hipErrorInvalidDevice
    EXPECT_TRUE(measure(Kind::hip, library).failures.empty()) << call;
  }
}

TEST(CudaCopies, call_the_driver_in_order) {
  const StandIn library;
  CopyOptions options = options_of(Kind::cuda, library.path());
  options.sizes = {4096};
  options.repeats.least = 1;
  options.repeats.most = 1;
  measure(options);
  const std::vector<std::string> calls = library.calls();
  const auto part = [&](std::size_t begin, std::size_t count) {
    return std::vector<std::string>(calls.begin() + static_cast<std::ptrdiff_t>(begin),
                                    calls.begin() + static_cast<std::ptrdiff_t>(begin + count));
  };
  EXPECT_THAT(part(0, 13),
              ElementsAre("cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName",
                          "cuDeviceGetPCIBusId", "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent",
                          "cuStreamCreate", "cuMemAlloc_v2", "cuMemHostAlloc", "cuStreamCreate",
                          "cuMemAlloc_v2", "cuMemHostAlloc"));
  // To the device: once before, once timed, and back to be compared.
  EXPECT_THAT(part(13, 7),
              ElementsAre("cuCtxSetCurrent", "cuMemcpyHtoDAsync_v2", "cuStreamSynchronize",
                          "cuMemcpyHtoDAsync_v2", "cuStreamSynchronize", "cuMemcpyDtoHAsync_v2",
                          "cuStreamSynchronize"));
  // To the host: once before, what is to be copied, and once timed.
  EXPECT_THAT(part(20, 7),
              ElementsAre("cuCtxSetCurrent", "cuMemcpyDtoHAsync_v2", "cuStreamSynchronize",
                          "cuMemcpyHtoDAsync_v2", "cuStreamSynchronize", "cuMemcpyDtoHAsync_v2",
                          "cuStreamSynchronize"));
  // Both: neither way waits for the other.
  EXPECT_THAT(part(27, 5),
              ElementsAre("cuCtxSetCurrent", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
                          "cuStreamSynchronize", "cuStreamSynchronize"));
  EXPECT_THAT(part(calls.size() - 10, 10),
              ElementsAre("cuCtxSetCurrent", "cuStreamSynchronize", "cuMemFreeHost", "cuMemFree_v2",
                          "cuStreamDestroy_v2", "cuStreamSynchronize", "cuMemFreeHost",
                          "cuMemFree_v2", "cuStreamDestroy_v2", "cuDevicePrimaryCtxRelease_v2"));
}

TEST(CudaCopies, of_an_unknown_status_have_its_number) {
  const StandIn library;
  library.fail("cuInit", 12345);
  const MeasuredCopies measured = measure(Kind::cuda, library);
  ASSERT_EQ(measured.failures.size(), 1u);
  EXPECT_EQ(measured.failures.front().what, "cuInit failed with status 12345");
  EXPECT_EQ(measured.failures.front().place.file, library.path());
}

TEST(CudaCopies, and_those_of_hip_are_measured_on_one_machine) {
  const StandIn library;
  CopyOptions options = options_of(Kind::cuda, library.path());
  options.hip = {"libnowhere.so", library.path()};
  const MeasuredCopies measured = measure(options);
  ASSERT_EQ(measured.copies.size(), 20u);
  EXPECT_EQ(measured.copies.front().device, "Stand-in C");
  EXPECT_EQ(measured.copies.back().device, "Stand-in H");
  EXPECT_EQ(library.taken(), 0);
}

TEST(Clock, a_thread_that_has_its_core_is_not_delayed_for_long) {
  const Seconds begin = wall_time();
  const Seconds delayed = thread_delay();
  while (wall_time() - begin < Seconds{0.002}) {
  }
  EXPECT_GE(thread_delay(), delayed);
  EXPECT_LE(thread_delay() - delayed, wall_time() - begin);
}

}  // namespace
}  // namespace fastpath
