#include "ir/input_names.h"

namespace fastpath {
namespace {

template <class E, std::size_t N>
using Names = std::array<std::pair<std::string_view, E>, N>;

constexpr Names<SampleLayout, 3> kLayouts{{{"files", SampleLayout::files},
                                           {"shards", SampleLayout::shards},
                                           {"packed", SampleLayout::packed}}};

constexpr Names<SampleEncoding, 5> kEncodings{{{"raw", SampleEncoding::raw},
                                               {"jpeg", SampleEncoding::jpeg},
                                               {"png", SampleEncoding::png},
                                               {"gzip", SampleEncoding::gzip},
                                               {"zstd", SampleEncoding::zstd}}};

constexpr Names<ShuffleOrder, 4> kOrders{{{"full", ShuffleOrder::full},
                                          {"none", ShuffleOrder::none},
                                          {"buffer", ShuffleOrder::buffer},
                                          {"shard", ShuffleOrder::shard}}};

constexpr Names<CachePolicy, 2> kPolicies{
    {{"lru", CachePolicy::lru}, {"pinned", CachePolicy::pinned}}};

constexpr Names<InputStage, 6> kStages{{{"fetch", InputStage::fetch},
                                        {"decode and augment", InputStage::prepare},
                                        {"collect", InputStage::collect},
                                        {"copy", InputStage::copy},
                                        {"host cores", InputStage::host},
                                        {"accelerators", InputStage::accelerator}}};

}  // namespace

NameTable<SampleLayout> names_of(SampleLayout) { return kLayouts; }
NameTable<SampleEncoding> names_of(SampleEncoding) { return kEncodings; }
NameTable<ShuffleOrder> names_of(ShuffleOrder) { return kOrders; }
NameTable<CachePolicy> names_of(CachePolicy) { return kPolicies; }
NameTable<InputStage> names_of(InputStage) { return kStages; }

}  // namespace fastpath
