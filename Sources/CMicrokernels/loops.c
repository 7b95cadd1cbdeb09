#include "CMicrokernels.h"

#if defined(__x86_64__)
hr_matmul_kernels hr_matmul_kernels_avx2(hr_element a, hr_element b);
hr_matmul_kernels hr_matmul_kernels_avx512(hr_element a, hr_element b);
hr_matmul_kernels hr_matmul_kernels_narrow_avx512(hr_element a, hr_element b);
hr_matmul_kernels hr_matmul_kernels_avx512bf16(hr_element a, hr_element b);
hr_attention_kernels hr_attention_kernels_avx2(hr_element element);
hr_attention_kernels hr_attention_kernels_avx512(hr_element element);
hr_layer_loops hr_layer_loops_avx2(void);
hr_layer_loops hr_layer_loops_avx512(void);
hr_rope hr_rope_avx2(hr_element element);
hr_rope hr_rope_avx512(hr_element element);
hr_decode_loops hr_decode_loops_avx2(void);
hr_decode_loops hr_decode_loops_avx512(void);
hr_cache_keys hr_cache_keys_avx2(hr_cache_type type);
hr_cache_keys hr_cache_keys_avx512(hr_cache_type type);
hr_cache_keys hr_cache_keys_avx512vnni(hr_cache_type type);
hr_cache_values hr_cache_values_avx2(hr_cache_type type);
hr_cache_values hr_cache_values_avx512(hr_cache_type type);
hr_cache_values hr_cache_values_avx512vnni(hr_cache_type type);
hr_dequantize hr_dequantize_avx2(hr_quantization format);
hr_dequantize hr_dequantize_avx512(hr_quantization format);
hr_dequantize_loops hr_dequantize_loops_avx2(void);
hr_dequantize_loops hr_dequantize_loops_avx512(void);
hr_quantized_kernels hr_quantized_kernels_avx2(hr_quantization format);
hr_quantized_kernels hr_quantized_kernels_avxvnni(hr_quantization format);
hr_quantized_kernels hr_quantized_kernels_avx512(hr_quantization format);
hr_quantized_kernels hr_quantized_kernels_avx512vnni(hr_quantization format);

hr_loops hr_loops_for(hr_instruction_set set) {
  switch (set) {
    case HR_AVX2:
      return (hr_loops){
          .matmul = hr_matmul_kernels_avx2,
          .panel_matmul = hr_matmul_kernels_avx2,
          .attention = hr_attention_kernels_avx2,
          .rope = hr_rope_avx2,
          .cache_keys = hr_cache_keys_avx2,
          .cache_values = hr_cache_values_avx2,
          .decode = hr_decode_loops_avx2,
          .layers = hr_layer_loops_avx2,
          .quantized = hr_quantized_kernels_avx2,
          .dequantize = hr_dequantize_avx2,
          .dequantize_others = hr_dequantize_loops_avx2,
      };
    case HR_AVX_VNNI: return (hr_loops){.quantized = hr_quantized_kernels_avxvnni};
    case HR_AVX512:
      return (hr_loops){
          .matmul = hr_matmul_kernels_avx512,
          .panel_matmul = hr_matmul_kernels_narrow_avx512,
          .attention = hr_attention_kernels_avx512,
          .rope = hr_rope_avx512,
          .cache_keys = hr_cache_keys_avx512,
          .cache_values = hr_cache_values_avx512,
          .decode = hr_decode_loops_avx512,
          .layers = hr_layer_loops_avx512,
          .quantized = hr_quantized_kernels_avx512,
          .dequantize = hr_dequantize_avx512,
          .dequantize_others = hr_dequantize_loops_avx512,
      };
    case HR_AVX512_VNNI:
      return (hr_loops){
          .cache_keys = hr_cache_keys_avx512vnni,
          .cache_values = hr_cache_values_avx512vnni,
          .quantized = hr_quantized_kernels_avx512vnni,
      };
    case HR_AVX512_BF16: return (hr_loops){.matmul = hr_matmul_kernels_avx512bf16};
  }
  return (hr_loops){0};
}
#else
hr_loops hr_loops_for(hr_instruction_set set) { return (void)set, (hr_loops){0}; }
#endif
