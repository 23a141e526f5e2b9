/// Which device and stream a lane of FastPath's own timelines stands for, in a trace.
#pragma once

#include <cstdint>
#include <string_view>

namespace fastpath {

/// "pipeline rank 3" is device 3; 0 where there is no number.
inline std::int64_t device_of_process(std::string_view process) {
  const std::size_t before = process.find_last_not_of("0123456789");
  std::int64_t number = 0;
  for (const char digit : process.substr(before == std::string_view::npos ? 0 : before + 1)) {
    if (number < 1'000'000'000) number = 10 * number + (digit - '0');
  }
  return number;
}

/// "operators" is stream 0, "network" and "network (2)" are stream 1, any other is 2.
inline std::int64_t stream_of_lane(std::string_view lane) {
  if (lane.starts_with("operators")) return 0;
  return lane.starts_with("network") ? 1 : 2;
}

}  // namespace fastpath
