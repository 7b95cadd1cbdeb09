#if defined(__x86_64__)
#include "halves.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define HR_NAME(name) name##_avx2
#include "rotary.inc"
#pragma clang attribute pop
#endif
