/// Names of an input pipeline's kinds: for parsing, printing and "did you mean".
#pragma once

#include "ir/input_pipeline.h"
#include "ir/names.h"

namespace fastpath {

NameTable<SampleLayout> names_of(SampleLayout);
NameTable<SampleEncoding> names_of(SampleEncoding);
NameTable<ShuffleOrder> names_of(ShuffleOrder);
NameTable<CachePolicy> names_of(CachePolicy);
NameTable<InputStage> names_of(InputStage);

}  // namespace fastpath
