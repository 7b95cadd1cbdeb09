#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector_avx2.h"
#define HR_NAME(name) name##_avx2
#include "layers.inc"
#pragma clang attribute pop
#endif
