#include "CMicrokernels.h"

uint32_t hr_cpu_features(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  uint32_t found = 0;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    found |= HR_CPU_AVX2;
    if (__builtin_cpu_supports("avxvnni")) found |= HR_CPU_AVX_VNNI;
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    found |= HR_CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni")) found |= HR_CPU_AVX512_VNNI;
    if (__builtin_cpu_supports("avx512bf16")) found |= HR_CPU_AVX512_BF16;
    if (__builtin_cpu_supports("avx512fp16")) found |= HR_CPU_AVX512_FP16;
  }
  return found;
#else
  return 0;
#endif
}
