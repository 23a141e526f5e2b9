#include <array>
#include <optional>

#include <fmt/format.h>

#include "analyze/feed_findings.h"
#include "base/units.h"
#include "cli/emit.h"
#include "cli/flag_reader.h"
#include "cli/input.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/catalog/store_rates.h"
#include "ir/input_names.h"
#include "model/input_pipeline.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 22> kFeedFlags{{
    {"input", FlagKind::file, "FILE.yaml",
     "an input pipeline (docs/guide/storage.md); flags replace what it says", "", false},
    {"storage", FlagKind::text, "NAME", "a store of the catalog (fastpath catalog storage)", "",
     false},
    {"read", FlagKind::text, "RATE", "large reads, such as 7GB/s: instead of the catalog's", "",
     false},
    {"iops", FlagKind::text, "N", "random reads of 4 KiB a second, such as 1000000", "", false},
    {"open", FlagKind::text, "TIME", "to open a file, such as 2.3ms", "", false},
    {"readers", FlagKind::whole, "N", "files opened at a time (default: the workers)", "", false},
    {"client", FlagKind::text, "RATE", "most that this client takes in, such as 12.5GB/s", "",
     false},
    {"samples", FlagKind::text, "N", "in the data set", "", false},
    {"sample", FlagKind::text, "SIZE", "of a sample as stored, such as 110kB", "", false},
    {"layout", FlagKind::choice, "HOW",
     "files: one sample a file (default); shards: many; packed: at random places of one file",
     "files|shards|packed", false},
    {"samples-per-file", FlagKind::whole, "N", "of shards (default 1000)", "", false},
    {"cache", FlagKind::text, "SIZE", "for samples, such as the memory that is free", "", false},
    {"pinned", FlagKind::yes, "", "what is cached stays (default: the least recently used goes)",
     "", false},
    {"workers", FlagKind::whole, "N", "that decode and augment (default 1)", "", false},
    {"decode", FlagKind::text, "TIME", "of a sample by a worker, augmentation included", "", false},
    {"collect", FlagKind::text, "TIME",
     "of a sample by the process that collects batches (default: 27 % of --decode)", "", false},
    {"batch", FlagKind::whole, "N", "samples an accelerator takes at a time", "", false},
    {"compute", FlagKind::text, "TIME", "of a batch on an accelerator, such as 224ms", "", false},
    {"accelerators", FlagKind::whole, "N", "to feed (default 1)", "", false},
    {"utilisation", FlagKind::text, "SHARE", "the least that counts as fed (default 0.9)", "",
     false},
    {"prefetch", FlagKind::whole, "N", "batches that wait for an accelerator (default 2)", "",
     false},
    {"variation", FlagKind::text, "SHARE",
     "standard deviation over mean of a batch's preparation (default 0)", "", false},
}};

/// Reads flags and collects all that is wrong with them.
class FeedReader {
 public:
  FeedReader(const Arguments& arguments, const Catalog& catalog)
      : flags_(arguments), catalog_(catalog) {}

  /// `given`: of a file; flags replace its values.
  Result<InputPipeline> read(const std::optional<InputPipeline>& given) {
    InputPipeline pipeline = given.value_or(InputPipeline{});
    read_dataset(pipeline, given.has_value());
    pipeline.workers = whole("workers", pipeline.workers);
    read_store(pipeline, given.has_value());
    replace("client", pipeline.client);
    replace("cache", pipeline.cache);
    if (flags_.arguments().has("pinned")) pipeline.cache_policy = CachePolicy::pinned;
    replace("decode", pipeline.decode);
    const bool decodes = flags_.arguments().has("decode") || !given;
    if (decodes) pipeline.collect = kUsualCollecting * (pipeline.decode + pipeline.augment);
    replace("collect", pipeline.collect);
    pipeline.batch = whole("batch", pipeline.batch);
    if (!flags_.arguments().has("compute") && !(pipeline.compute > Seconds{})) {
      flags_.missing("compute", "such as --compute 224ms");
    }
    replace("compute", pipeline.compute);
    pipeline.accelerators = whole("accelerators", pipeline.accelerators);
    pipeline.utilisation = flags_.number("utilisation").value_or(pipeline.utilisation);
    pipeline.prefetch = whole("prefetch", pipeline.prefetch);
    pipeline.variation = flags_.number("variation").value_or(pipeline.variation);
    if (!flags_.mistakes().empty()) return failure(flags_.mistakes());
    return pipeline;
  }

 private:
  std::int64_t whole(std::string_view flag, std::int64_t otherwise) {
    return flags_.arguments().whole_or(flag, otherwise);
  }

  template <class Q>
  void replace(std::string_view flag, Q& value) {
    if (const auto given = flags_.quantity<Q>(flag)) value = *given;
  }

  void read_dataset(InputPipeline& pipeline, bool from_file) {
    Dataset& data = pipeline.dataset;
    if (!from_file && !flags_.arguments().has("samples")) {
      flags_.missing("samples", "how many the data set has: --samples 1281167");
    }
    data.samples = flags_.number("samples").value_or(from_file ? data.samples : 1);
    if (!from_file) data.sample = flags_.needed<Bytes>("sample", "such as --sample 110kB");
    if (from_file) replace("sample", data.sample);
    if (const auto layout = flags_.arguments().text("layout")) {
      data.layout = parse_name<SampleLayout>(*layout).value_or(SampleLayout::files);
    }
    constexpr std::int64_t kUsualShard = 1000;
    const bool known = from_file && data.layout == SampleLayout::shards;
    data.samples_per_file = static_cast<double>(
        whole("samples-per-file",
              known ? static_cast<std::int64_t>(data.samples_per_file) : kUsualShard));
  }

  void read_store(InputPipeline& pipeline, bool from_file) {
    StoreRates& store = pipeline.store;
    if (!from_file || flags_.arguments().has("readers")) {
      store.readers = static_cast<double>(whole("readers", pipeline.workers));
    }
    if (const auto name = flags_.arguments().text("storage")) {
      const Result<StoreRates> found = store_rates(catalog_, *name, command_line());
      if (!found) {
        flags_.add(found.error());
      } else {
        store.sequential = found->sequential;
        store.random_4k = found->random_4k;
      }
    }
    replace("read", store.sequential);
    if (flags_.arguments().has("iops")) store.random_4k = Hertz{flags_.number("iops").value_or(1)};
    replace("open", store.open);
    if (store.sequential <= BytesPerSecond{} && flags_.mistakes().empty()) {
      flags_.missing("read",
                     "name a store with a read rate (--storage), or give one: --read 7GB/s");
    }
  }

  FlagReader flags_;
  const Catalog& catalog_;
};

}  // namespace

std::span<const Flag> feed_flags() { return kFeedFlags; }

int run_feed(Session& session, const Arguments& arguments) {
  const Result<Sources> sources = Sources::open(session, arguments);
  if (!sources) return session.fail(sources.error());
  std::optional<InputPipeline> given;
  if (const auto file = arguments.text("input")) {
    const Result<InputPipeline> read = input_pipeline_from(*file, *sources);
    if (!read) return session.fail(read.error());
    given = *read;
  }
  const Result<InputPipeline> pipeline = FeedReader(arguments, sources->entries()).read(given);
  if (!pipeline) return session.fail(pipeline.error());
  const Result<Feed> answer = feed(*pipeline);
  if (!answer) return session.fail(answer.error());
  const Findings findings =
      explain_feed(*pipeline, *answer,
                   fmt::format("An input pipeline for {} accelerators", pipeline->accelerators));
  const bool enough = answer->most_accelerators >= static_cast<double>(pipeline->accelerators);
  return emit(session, arguments, findings, enough ? kAnswered : kInfeasible);
}

}  // namespace fastpath::cli
