// The inner loops in AVX2: vectors of 256 bits, with fused products and half precision.
#if defined(__x86_64__)
#include "loops.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,prfchw"))), apply_to = function)
#include "vector_avx2.h"
#include "elements.inc"

#include "matmul_steps.inc"
#define MATMUL(name) matmul_##name
#define MATMUL_VECTORS HR_TILE_VECTORS
#include "matmul.inc"
#include "attention.inc"
#include "rotary.inc"
#include "cache_keys.inc"
#include "cache_values.inc"
#include "decode.inc"
#include "layers.inc"
#include "quantized.inc"
#include "dequantize.inc"
#pragma clang attribute pop

hr_loops hr_loops_avx2(void) {
  return (hr_loops){
      .matmul = matmul_kernels,
      .panel_matmul = matmul_kernels,
      .attention = attention_kernels,
      .rope = rope_loop,
      .cache_keys = keys_loops,
      .cache_values = values_loops,
      .decode = decode_loops,
      .layers = layer_loops,
      .quantized = panel_kernels,
      .dequantize = blocks_dequantizer,
      .dequantize_others = dequantize_loops,
  };
}
#endif
