#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,prfchw"))), apply_to = function)
#define HR_BF16_PAIRS
#include "vector_avx512.h"
#define HR_NAME(name) name##_avx512bf16
#include "matmul.inc"
#pragma clang attribute pop
#endif
