// error: cannot convert|could not convert|conversion from|no viable conversion
#include "fastpath/quantity.h"

#ifdef VALID
constexpr fastpath::Flops kWork = fastpath::FlopsPerSecond{1e12} * fastpath::Seconds{2};
#else
constexpr fastpath::Flops kWork = fastpath::FlopsPerSecond{1e12};
#endif
