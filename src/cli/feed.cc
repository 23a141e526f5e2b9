#include <array>
#include <optional>

#include <fmt/format.h>

#include "analyze/feed_findings.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/emit.h"
#include "cli/flag_reader.h"
#include "cli/sources.h"
#include "cli/verbs.h"
#include "import/catalog/catalog.h"
#include "model/input_pipeline.h"

namespace fastpath::cli {
namespace {

constexpr std::array<Flag, 21> kFeedFlags{{
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

/// Of decoding, from published loaders: `fastpath validate --of storage`, table collecting.
constexpr double kCollecting = 0.27;

/// Reads flags and collects all that is wrong with them.
class FeedReader {
 public:
  FeedReader(const Arguments& arguments, const Catalog& catalog)
      : flags_(arguments), catalog_(catalog) {}

  Result<InputPipeline> read() {
    InputPipeline pipeline;
    if (!flags_.arguments().has("samples")) {
      flags_.missing("samples", "how many the data set has: --samples 1281167");
    }
    pipeline.dataset.samples = flags_.number("samples").value_or(1);
    pipeline.dataset.sample = flags_.needed<Bytes>("sample", "such as --sample 110kB");
    const std::string layout = flags_.arguments().text_or("layout", "files");
    pipeline.dataset.layout = layout == "shards"   ? SampleLayout::shards
                              : layout == "packed" ? SampleLayout::packed
                                                   : SampleLayout::files;
    constexpr std::int64_t kUsualShard = 1000;
    pipeline.dataset.samples_per_file =
        static_cast<double>(flags_.arguments().whole_or("samples-per-file", kUsualShard));
    pipeline.workers = flags_.arguments().whole_or("workers", 1);
    read_store(pipeline);
    pipeline.client = flags_.quantity<BytesPerSecond>("client").value_or(BytesPerSecond{});
    pipeline.cache = flags_.quantity<Bytes>("cache").value_or(Bytes{});
    if (flags_.arguments().has("pinned")) pipeline.cache_policy = CachePolicy::pinned;
    pipeline.decode = flags_.quantity<Seconds>("decode").value_or(Seconds{});
    pipeline.collect = flags_.quantity<Seconds>("collect").value_or(kCollecting * pipeline.decode);
    pipeline.batch = flags_.arguments().whole_or("batch", 1);
    pipeline.compute = flags_.needed<Seconds>("compute", "such as --compute 224ms");
    pipeline.accelerators = flags_.arguments().whole_or("accelerators", 1);
    pipeline.utilisation = flags_.number("utilisation").value_or(0.9);
    pipeline.prefetch = flags_.arguments().whole_or("prefetch", 2);
    pipeline.variation = flags_.number("variation").value_or(0);
    if (!flags_.mistakes().empty()) return failure(flags_.mistakes());
    return pipeline;
  }

 private:
  void read_store(InputPipeline& pipeline) {
    StoreRates& store = pipeline.store;
    store.readers = static_cast<double>(flags_.arguments().whole_or("readers", pipeline.workers));
    if (const auto name = flags_.arguments().text("storage")) {
      const Result<Storage> found = catalog_.storage(*name);
      if (!found) {
        flags_.add(found.error());
      } else if (found->read) {
        store.sequential = found->read->value;
        store.random_4k = catalog_.random_reads(*name);
      }
    }
    if (const auto read = flags_.quantity<BytesPerSecond>("read")) store.sequential = *read;
    if (flags_.arguments().has("iops")) store.random_4k = Hertz{flags_.number("iops").value_or(1)};
    store.open = flags_.quantity<Seconds>("open").value_or(Seconds{});
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
  const Result<InputPipeline> pipeline = FeedReader(arguments, sources->entries()).read();
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
