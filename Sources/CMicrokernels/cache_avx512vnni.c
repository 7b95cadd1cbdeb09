#if defined(__x86_64__)
#include "cache_codes.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#define HR_VNNI
#include "vector_avx512.h"
#define HR_NAME(name) name##_avx512vnni
#include "cache_keys.inc"
#include "cache_values.inc"
#pragma clang attribute pop
#endif
