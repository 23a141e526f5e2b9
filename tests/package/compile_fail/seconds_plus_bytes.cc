// error: no match for 'operator\+'|invalid operands
#include "fastpath/quantity.h"

#ifdef VALID
constexpr auto kSum = fastpath::Seconds{1} + fastpath::Seconds{2};
#else
constexpr auto kSum = fastpath::Seconds{1} + fastpath::Bytes{2};
#endif
