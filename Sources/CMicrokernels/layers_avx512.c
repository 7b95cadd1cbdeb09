#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#include "vector_avx512.h"
#define HR_NAME(name) name##_avx512
#include "layers.inc"
#pragma clang attribute pop
#endif
