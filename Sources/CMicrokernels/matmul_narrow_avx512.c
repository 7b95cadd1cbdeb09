// For panels that are two vectors wide, as quantized ones are.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,prfchw"))), apply_to = function)
#define HR_TILE_VECTORS 2
#include "vector_avx512.h"
#define HR_NAME(name) name##_narrow_avx512
#include "matmul.inc"
#pragma clang attribute pop
#endif
