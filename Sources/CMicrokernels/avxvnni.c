// What VNNI adds to AVX2: products of bytes, summed by fours in one instruction.
#if defined(__x86_64__)
#include "loops.h"

#define HR_VNNI
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "vector_avx2.h"
#include "quantized.inc"
#pragma clang attribute pop

hr_loops hr_loops_avxvnni(void) { return (hr_loops){.quantized = panel_kernels}; }
#endif
