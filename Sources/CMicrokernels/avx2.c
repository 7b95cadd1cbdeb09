// The inner loops in AVX2: vectors of 256 bits, with fused products and half precision.
#if defined(__x86_64__)
#include "loops.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,prfchw"))), apply_to = function)
#include "vector_avx2.h"
#include "elements.inc"

#include "matmul_steps.inc"
#define MATMUL(name) matmul_##name
#define MATMUL_GEMM
#define MATMUL_VECTORS HR_TILE_VECTORS
#include "matmul.inc"
#define PANEL_MATMUL matmul_kernels
#include "every_loop.inc"
#pragma clang attribute pop

hr_loops hr_loops_avx2(void) { return every_loop; }
#endif
