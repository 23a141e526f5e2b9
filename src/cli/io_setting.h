/// Flags that several forms of `fastpath io` read.
#pragma once

#include <cstdint>

#include "fastpath/findings.h"
#include "fastpath/result.h"

#include "cli/arguments.h"
#include "cli/session.h"
#include "ir/input_pipeline.h"
#include "measure/io.h"
#include "measure/loader/fetch.h"
#include "measure/loader/sample_set.h"

namespace fastpath::cli {

/// Shorter and fewer repeats with --quick.
ReadLimits read_limits(const Arguments& arguments);

/// --engine and --depth of a loader: io_uring where it can be used, and told where it cannot.
Result<FetchSetting> fetch_setting(Session& session, const Arguments& arguments);

/// --cache of a loader: cold unless it is said to be warm.
Result<ReadCache> loader_cache(const Arguments& arguments);

/// --seed.
std::uint64_t seed_of(const Arguments& arguments);

/// The data set that the command line names. `pipeline`: whose samples have a size; may be null.
Result<SampleSet> samples_from(const Arguments& arguments, const InputPipeline* pipeline);

/// What a data set is: layout, encoding, samples, bytes, files.
Table sample_table(const SampleSet& set);

}  // namespace fastpath::cli
