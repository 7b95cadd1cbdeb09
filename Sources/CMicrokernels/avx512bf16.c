// What BF16 adds to AVX-512: products of pairs of bf16 in one instruction.
#if defined(__x86_64__)
#include "loops.h"

#define HR_BF16_PAIRS
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,prfchw"))), apply_to = function)
#include "vector_avx512.h"
#include "elements.inc"

#include "matmul_steps.inc"
#define MATMUL(name) matmul_##name
#define MATMUL_GEMM
#define MATMUL_VECTORS HR_TILE_VECTORS
#define MATMUL_FALLBACK hr_loops_avx512().panel_matmul
#include "matmul.inc"
#pragma clang attribute pop

hr_loops hr_loops_avx512bf16(void) { return (hr_loops){.matmul = matmul_kernels, .gemm = matmul_gemm_kernels}; }
#endif
