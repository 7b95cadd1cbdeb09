// SIMD inner loops. No allocation, no globals, no I/O; which instruction set is an argument.
#ifndef HR_CMICROKERNELS_H
#define HR_CMICROKERNELS_H

#include <stdint.h>

/// Sets of instructions that kernels here are written for, as the processor and the system offer them.
typedef enum : uint32_t {
  /// AVX2, FMA and F16C
  HR_CPU_AVX2 = 1u << 0,
  /// AVX-512 F, BW, DQ and VL
  HR_CPU_AVX512 = 1u << 1,
  HR_CPU_AVX512_VNNI = 1u << 2,
  HR_CPU_AVX512_BF16 = 1u << 3,
  HR_CPU_AVX512_FP16 = 1u << 4,
  HR_CPU_AVX_VNNI = 1u << 5,
} hr_cpu_feature;

/// The union of the `hr_cpu_feature`s that are usable here; 0 on other processors.
uint32_t hr_cpu_features(void);

#endif
