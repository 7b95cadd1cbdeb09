// What VNNI adds to AVX-512: products of bytes, summed by fours in one instruction.
#if defined(__x86_64__)
#include "loops.h"

#define HR_VNNI
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#include "vector_avx512.h"
#include "elements.inc"

#include "cache_keys.inc"
#include "cache_values.inc"
#include "quantized.inc"
#pragma clang attribute pop

hr_loops hr_loops_avx512vnni(void) {
  return (hr_loops){
      .cache_keys = keys_loops,
      .cache_values = values_loops,
      .quantized = panel_kernels,
  };
}
#endif
