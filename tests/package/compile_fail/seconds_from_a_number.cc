// error: cannot convert|could not convert|conversion from|no viable conversion
#include "fastpath/quantity.h"

#ifdef VALID
constexpr fastpath::Seconds kTime{1.0};
#else
constexpr fastpath::Seconds kTime = 1.0;
#endif
