#include "import/yaml/input_pipeline.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/units.h"
#include "import/yaml/located.h"
#include "ir/input_names.h"

namespace fastpath {
namespace {

constexpr double kMostSamples = 1e15;
constexpr double kMostRate = 1e12;
constexpr std::int64_t kMostProcesses = 100'000;
constexpr std::int64_t kMostBatch = 1'000'000'000;
constexpr std::int64_t kMostPrefetch = 1'000'000;
constexpr double kMostVariation = 100;
constexpr double kLeast = 1e-12;  ///< of what must be above 0
constexpr double kUsualShard = 1000;

class PipelineReader {
 public:
  PipelineReader(YamlReader& reader, const FindStore& find_store)
      : reader_(reader), find_store_(find_store) {}

  InputPipeline read(const YamlNode& root) {
    InputPipeline pipeline;
    YamlMap map(reader_, root, "an input pipeline");
    if (const YamlNode* node = map.get("dataset", Need::required)) read_dataset(*node, pipeline);
    if (const YamlNode* node = map.get("shuffle")) read_shuffle(*node, pipeline);
    pipeline.loaders = map.integer("loaders", 1, kMostProcesses).value_or(1);
    pipeline.workers = map.integer("workers", 0, kMostProcesses).value_or(1);
    pipeline.store.readers =
        static_cast<double>(std::max<std::int64_t>(1, pipeline.loaders * pipeline.workers));
    if (const YamlNode* node = map.get("store")) pipeline.store = read_store(*node, pipeline.store);
    if (const YamlNode* node = map.get("reads")) pipeline.load = read_load(*node);
    pipeline.client = map.quantity<BytesPerSecond>("client").value_or(BytesPerSecond{});
    if (const YamlNode* node = map.get("cache")) read_cache(*node, pipeline);
    pipeline.decode = map.quantity<Seconds>("decode").value_or(Seconds{});
    pipeline.augment = map.quantity<Seconds>("augment").value_or(Seconds{});
    pipeline.collect = map.quantity<Seconds>("collect").value_or(
        kUsualCollecting * (pipeline.decode + pipeline.augment));
    if (const YamlNode* node = map.get("host")) read_host(*node, pipeline);
    if (const YamlNode* node = map.get("copy")) read_copy(*node, pipeline);
    read_accelerators(map, pipeline);
    map.finish();
    return pipeline;
  }

 private:
  /// A quantity that must not be 0.
  template <class Q>
  Q positive(YamlMap& map, std::string_view key, Need need) {
    const YamlNode* node = map.get(key, need);
    const auto value = node == nullptr ? std::nullopt : reader_.quantity<Q>(*node);
    if (value && *value <= Q{}) reader_.error(*node, fmt::format("{} must be above 0", key));
    return value.value_or(Q{});
  }

  void read_dataset(const YamlNode& node, InputPipeline& pipeline) {
    Dataset& data = pipeline.dataset;
    YamlMap map(reader_, node, "a data set");
    data.samples = map.number("samples", 1, kMostSamples, Need::required).value_or(1);
    data.sample = positive<Bytes>(map, "sample", Need::required);
    const auto layout = map.name<SampleLayout>("layout", "a layout");
    layout_known_ = layout || map.get("layout") == nullptr;
    data.layout = layout.value_or(SampleLayout::files);
    const bool shards = data.layout == SampleLayout::shards;
    const YamlNode* a_file = map.get("samples_per_file");
    if (a_file != nullptr && !shards && layout_known_) {
      reader_.error(*a_file, "only shards hold several samples a file", "write layout: shards");
    }
    data.samples_per_file = shards ? kUsualShard : 1;
    if (a_file != nullptr && shards) {
      data.samples_per_file = reader_.number(*a_file, 1, kMostSamples).value_or(kUsualShard);
    }
    data.encoding =
        map.name<SampleEncoding>("encoding", "an encoding").value_or(SampleEncoding::raw);
    map.finish();
  }

  void read_shuffle(const YamlNode& node, InputPipeline& pipeline) {
    Shuffle& shuffle = pipeline.shuffle;
    if (node.is_map()) {
      YamlMap map(reader_, node, "a shuffle");
      shuffle.order = ShuffleOrder::buffer;
      shuffle.buffer = map.integer("buffer", 1, std::int64_t{1} << 50, Need::required).value_or(1);
      map.finish();
      return;
    }
    shuffle.order = reader_.name<ShuffleOrder>(node, "a shuffle").value_or(ShuffleOrder::full);
    if (shuffle.order == ShuffleOrder::buffer) {
      reader_.error(node, "a buffer has a size", "write shuffle: {buffer: 10000}");
    }
    const bool shards = pipeline.dataset.layout == SampleLayout::shards;
    if (shuffle.order == ShuffleOrder::shard && !shards && layout_known_) {
      reader_.error(node, "only shards can be shuffled by shard",
                    "write layout: shards, or shuffle: full");
    }
  }

  /// `store` has what is not written.
  StoreRates read_store(const YamlNode& node, StoreRates store) {
    if (!node.is_map()) {
      take_named(node, store);
      need_rate(node, store);
      return store;
    }
    YamlMap map(reader_, node, "a store");
    const std::size_t before = reader_.error_count();
    if (const YamlNode* kind = map.get("kind")) take_named(*kind, store);
    if (const auto read = map.quantity<BytesPerSecond>("read")) store.sequential = *read;
    if (const auto iops = map.number("iops", kLeast, kMostRate)) store.random_4k = Hertz{*iops};
    if (const auto open = map.quantity<Seconds>("open")) store.open = *open;
    if (const auto readers = map.number("readers", 1, kMostRate)) store.readers = *readers;
    map.finish();
    if (reader_.error_count() == before) need_rate(node, store);
    return store;
  }

  void take_named(const YamlNode& node, StoreRates& store) {
    const auto name = reader_.string(node);
    if (!name) return;
    Result<StoreRates> found = find_store_(*name, reader_.place(node));
    if (!found) {
      reader_.errors(found.error());
      unknown_ = true;
      return;
    }
    found->readers = store.readers;
    store = *found;
  }

  /// A store that is not found has been complained of.
  void need_rate(const YamlNode& node, const StoreRates& store) {
    if (store.sequential > BytesPerSecond{} || unknown_) return;
    reader_.error(node, "the store has no read rate", "write store: {read: 7 GB/s}");
  }

  ReadLoad read_load(const YamlNode& node) {
    YamlMap map(reader_, node, "the load of reads");
    ReadLoad load;
    load.random_share = map.number("random", 0, 1, Need::required).value_or(0);
    load.per_file = map.quantity<Seconds>("per_file").value_or(Seconds{});
    map.finish();
    return load;
  }

  void read_cache(const YamlNode& node, InputPipeline& pipeline) {
    YamlMap map(reader_, node, "a cache");
    pipeline.cache = map.quantity<Bytes>("size", Need::required).value_or(Bytes{});
    const YamlNode* disk = map.get("disk");
    if (disk != nullptr) pipeline.cache_disk = read_store(*disk, StoreRates{});
    // What is copied to a disk stays there; the page cache drops what was longest unused.
    const CachePolicy usual = disk != nullptr ? CachePolicy::pinned : CachePolicy::lru;
    pipeline.cache_policy = map.name<CachePolicy>("policy", "a cache's policy").value_or(usual);
    map.finish();
  }

  void read_host(const YamlNode& node, InputPipeline& pipeline) {
    YamlMap map(reader_, node, "a host");
    pipeline.cores =
        map.number("cores", kLeast, static_cast<double>(kMostProcesses), Need::required)
            .value_or(0);
    pipeline.read = map.quantity<Seconds>("read").value_or(Seconds{});
    map.finish();
  }

  void read_copy(const YamlNode& node, InputPipeline& pipeline) {
    if (!node.is_map()) {
      const auto rate = reader_.quantity<BytesPerSecond>(node);
      pipeline.copy = rate.value_or(BytesPerSecond{});
      return;
    }
    YamlMap map(reader_, node, "a copy");
    pipeline.copy = map.quantity<BytesPerSecond>("rate").value_or(BytesPerSecond{});
    pipeline.prepared = map.quantity<Bytes>("sample").value_or(Bytes{});
    map.finish();
  }

  void read_accelerators(YamlMap& map, InputPipeline& pipeline) {
    pipeline.prefetch = map.integer("prefetch", 0, kMostPrefetch).value_or(pipeline.prefetch);
    pipeline.batch = map.integer("batch", 1, kMostBatch).value_or(pipeline.batch);
    pipeline.compute = map.quantity<Seconds>("compute").value_or(Seconds{});
    pipeline.accelerators =
        map.integer("accelerators", 1, kMostBatch).value_or(pipeline.accelerators);
    pipeline.utilisation = map.number("utilisation", kLeast, 1).value_or(pipeline.utilisation);
    pipeline.variation = map.number("variation", 0, kMostVariation).value_or(0);
  }

  YamlReader& reader_;
  const FindStore& find_store_;
  bool unknown_ = false;      ///< a store's name was not found
  bool layout_known_ = true;  ///< or it has been complained of
};

/// Collects "key: value" in the order of the calls.
class Lines {
 public:
  void add(std::string_view key, const std::string& value) {
    parts_.push_back(fmt::format("{}: {}", key, value));
  }
  template <class Q>
  void add_quantity(std::string_view key, Q value) {
    add(key, write_quantity(value));
  }
  template <class Q>
  void add_unless_zero(std::string_view key, Q value) {
    if (value > Q{}) add_quantity(key, value);
  }

  std::string map() const { return fmt::format("{{{}}}", fmt::join(parts_, ", ")); }
  std::string lines() const { return fmt::format("{}\n", fmt::join(parts_, "\n")); }

 private:
  std::vector<std::string> parts_;
};

std::string store_map(const StoreRates& store) {
  Lines map;
  map.add_quantity("read", store.sequential);
  if (store.random_4k) map.add("iops", fmt::format("{}", store.random_4k->base()));
  map.add_unless_zero("open", store.open);
  map.add("readers", fmt::format("{}", store.readers));
  return map.map();
}

std::string dataset_map(const Dataset& data) {
  Lines map;
  map.add("samples", fmt::format("{}", data.samples));
  map.add_quantity("sample", data.sample);
  map.add("layout", std::string(name_of(data.layout)));
  if (data.layout == SampleLayout::shards)
    map.add("samples_per_file", fmt::format("{}", data.samples_per_file));
  map.add("encoding", std::string(name_of(data.encoding)));
  return map.map();
}

void add_store(const InputPipeline& pipeline, Lines& lines) {
  if (pipeline.store.sequential > BytesPerSecond{}) lines.add("store", store_map(pipeline.store));
  if (pipeline.load) {
    Lines load;
    load.add("random", fmt::format("{}", pipeline.load->random_share));
    load.add_unless_zero("per_file", pipeline.load->per_file);
    lines.add("reads", load.map());
  }
  lines.add_unless_zero("client", pipeline.client);
  const bool usual = !pipeline.cache_disk && pipeline.cache_policy == CachePolicy::lru;
  if (!(pipeline.cache > Bytes{}) && usual) return;
  Lines cache;
  cache.add_quantity("size", pipeline.cache);
  cache.add("policy", std::string(name_of(pipeline.cache_policy)));
  if (pipeline.cache_disk) cache.add("disk", store_map(*pipeline.cache_disk));
  lines.add("cache", cache.map());
}

}  // namespace

Result<InputPipeline> read_input_pipeline(std::string_view text, const std::string& file,
                                          const FindStore& find_store) {
  const auto root = parse_yaml(text, file);
  if (!root) return failure(root.error());
  YamlReader reader(file);
  const InputPipeline pipeline = PipelineReader(reader, find_store).read(*root);
  if (reader.failed()) return failure(reader.take_errors());
  return pipeline;
}

std::string write_input_pipeline(const InputPipeline& pipeline) {
  Lines lines;
  lines.add("dataset", dataset_map(pipeline.dataset));
  lines.add("shuffle", pipeline.shuffle.order == ShuffleOrder::buffer
                           ? fmt::format("{{buffer: {}}}", pipeline.shuffle.buffer)
                           : std::string(name_of(pipeline.shuffle.order)));
  add_store(pipeline, lines);
  lines.add("loaders", fmt::format("{}", pipeline.loaders));
  lines.add("workers", fmt::format("{}", pipeline.workers));
  lines.add_unless_zero("decode", pipeline.decode);
  lines.add_unless_zero("augment", pipeline.augment);
  lines.add_quantity("collect", pipeline.collect);
  if (pipeline.cores > 0) {
    Lines host;
    host.add("cores", fmt::format("{}", pipeline.cores));
    host.add_unless_zero("read", pipeline.read);
    lines.add("host", host.map());
  }
  if (pipeline.copy > BytesPerSecond{} || pipeline.prepared > Bytes{}) {
    Lines copy;
    copy.add_unless_zero("rate", pipeline.copy);
    copy.add_unless_zero("sample", pipeline.prepared);
    lines.add("copy", copy.map());
  }
  lines.add("prefetch", fmt::format("{}", pipeline.prefetch));
  lines.add("batch", fmt::format("{}", pipeline.batch));
  lines.add_unless_zero("compute", pipeline.compute);
  lines.add("accelerators", fmt::format("{}", pipeline.accelerators));
  lines.add("utilisation", fmt::format("{}", pipeline.utilisation));
  if (pipeline.variation > 0) lines.add("variation", fmt::format("{}", pipeline.variation));
  return lines.lines();
}

}  // namespace fastpath
