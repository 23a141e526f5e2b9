#include "cli/io_setting.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "ir/input_names.h"

namespace fastpath::cli {

ReadLimits read_limits(const Arguments& arguments) {
  ReadLimits limits;
  if (arguments.has("quick")) {
    limits.repeat = Seconds{0.1};
    limits.repeats.most = 5;
  }
  return limits;
}

Result<FetchSetting> fetch_setting(Session& session, const Arguments& arguments) {
  FetchSetting setting;
  const std::string engine = arguments.text_or("engine", "");
  if (engine == "mmap") {
    return failure(command_line(), "--engine mmap reads no samples", "use pread or io_uring");
  }
  if (engine == "pread") setting.engine = ReadEngine::pread;
  if (engine.empty() && !has_io_uring()) {
    setting.engine = ReadEngine::pread;
    session.say("io_uring cannot be used here: reading by pread");
  }
  const std::vector<std::string> depths = arguments.all("depth");
  if (depths.size() > 1) {
    return failure(command_line(), "samples are fetched at one depth", "give --depth once");
  }
  constexpr long long kMost = 1024;
  if (!depths.empty()) {
    setting.depth = static_cast<int>(std::min(parse_integer(depths.front()).value_or(1), kMost));
  }
  return setting;
}

Result<ReadCache> loader_cache(const Arguments& arguments) {
  const std::string cache = arguments.text_or("cache", "cold");
  if (cache == "direct") {
    return failure(command_line(), "samples are read through the page cache: --cache direct",
                   "use cold or warm");
  }
  return cache == "warm" ? ReadCache::warm : ReadCache::cold;
}

std::uint64_t seed_of(const Arguments& arguments) {
  return static_cast<std::uint64_t>(arguments.whole_or("seed", 1));
}

Result<SampleSet> samples_from(const Arguments& arguments, const InputPipeline* pipeline) {
  if (arguments.operands().empty()) {
    return failure(command_line(), "no data set is named",
                   "fastpath io FOLDER: one of files, of tar archives, or written by --make");
  }
  const auto packed =
      pipeline == nullptr ? 0 : static_cast<std::int64_t>(pipeline->dataset.sample.base());
  return find_samples(arguments.operands().front(), packed);
}

Table sample_table(const SampleSet& set) {
  return {"data_set",
          "Data set",
          {{"layout"},
           {"encoding"},
           {"samples", Unit::count},
           {"files", Unit::count},
           {"bytes", Unit::bytes},
           {"sample", Unit::bytes},
           {"skipped", Unit::count}},
          {{std::string(name_of(set.layout)), std::string(name_of(set.encoding)),
            static_cast<double>(set.samples.size()), static_cast<double>(set.files.size()),
            set.bytes().base(), set.sample().base(), static_cast<double>(set.skipped)}}};
}

}  // namespace fastpath::cli
