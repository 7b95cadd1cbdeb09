#if defined(__x86_64__)
#include "cache_codes.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector_avx2.h"
#define HR_NAME(name) name##_avx2
#include "cache_keys.inc"
#include "cache_values.inc"
#pragma clang attribute pop
#endif
