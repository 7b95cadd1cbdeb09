// The vector vocabulary in AVX-512: sixteen floats a vector, tails by mask registers.
#include <immintrin.h>
#include <stdint.h>

#define HR_LANES 16
#define HR_VECTORS 32

typedef __m512 hr_vec;
typedef __mmask16 hr_mask;

#define HR_INLINE static inline __attribute__((always_inline))

HR_INLINE hr_mask hr_first(int64_t count) {
  return count >= 16 ? (hr_mask)0xFFFF : (hr_mask)((1u << count) - 1);
}
HR_INLINE hr_vec hr_zero(void) { return _mm512_setzero_ps(); }
HR_INLINE hr_vec hr_fma(hr_vec a, hr_vec b, hr_vec c) { return _mm512_fmadd_ps(a, b, c); }
HR_INLINE hr_vec hr_broadcast(const float *p) { return _mm512_set1_ps(*p); }
HR_INLINE float hr_sum(hr_vec v) { return _mm512_reduce_add_ps(v); }
HR_INLINE hr_vec hr_load(const float *p) { return _mm512_loadu_ps(p); }
HR_INLINE hr_vec hr_load_some(const float *p, hr_mask m) { return _mm512_maskz_loadu_ps(m, p); }
HR_INLINE void hr_store(float *p, hr_vec v) { _mm512_storeu_ps(p, v); }
HR_INLINE void hr_store_some(float *p, hr_vec v, hr_mask m) { _mm512_mask_storeu_ps(p, m, v); }
HR_INLINE hr_vec hr_add(hr_vec a, hr_vec b) { return _mm512_add_ps(a, b); }

HR_INLINE hr_vec hr_widen_f16(__m256i bits) { return _mm512_cvtph_ps(bits); }
HR_INLINE hr_vec hr_widen_b16(__m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
HR_INLINE __m256i hr_load_16(const uint16_t *p) { return _mm256_loadu_si256((const void *)p); }
HR_INLINE __m256i hr_load_16_some(const uint16_t *p, hr_mask m) {
  return _mm256_maskz_loadu_epi16(m, p);
}
