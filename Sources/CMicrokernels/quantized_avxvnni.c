#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#define HR_VNNI
#include "vector_avx2.h"
#define HR_NAME(name) name##_avxvnni
#include "quantized.inc"
#pragma clang attribute pop
#endif
