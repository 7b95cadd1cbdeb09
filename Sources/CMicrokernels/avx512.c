// The inner loops in AVX-512: vectors of 512 bits, with masks.
#if defined(__x86_64__)
#include "loops.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,prfchw"))), apply_to = function)
#include "vector_avx512.h"
#include "elements.inc"

#include "matmul_steps.inc"
// For panels that are two vectors wide, as quantized ones are, …
#define MATMUL(name) panel_matmul_##name
#define MATMUL_VECTORS 2
#include "matmul.inc"
// … and for all others.
#define MATMUL(name) matmul_##name
#define MATMUL_GEMM
#define MATMUL_VECTORS HR_TILE_VECTORS
#define MATMUL_FALLBACK panel_matmul_kernels
#include "matmul.inc"
#define PANEL_MATMUL panel_matmul_kernels
#include "every_loop.inc"
#pragma clang attribute pop

hr_loops hr_loops_avx512(void) { return every_loop; }
#endif
