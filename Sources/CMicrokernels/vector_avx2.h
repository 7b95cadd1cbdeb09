// The vector vocabulary in AVX2: eight floats a vector, tails by vectors of ones and zeros.
#include <immintrin.h>
#include <stdint.h>

#define HR_LANES 8
#define HR_VECTORS 16

typedef __m256 hr_vec;
typedef __m256i hr_mask;

#define HR_INLINE static inline __attribute__((always_inline))

HR_INLINE hr_mask hr_first(int64_t count) {
  int32_t lanes = count >= 8 ? 8 : (int32_t)count;
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
HR_INLINE hr_vec hr_zero(void) { return _mm256_setzero_ps(); }
HR_INLINE hr_vec hr_fma(hr_vec a, hr_vec b, hr_vec c) { return _mm256_fmadd_ps(a, b, c); }
HR_INLINE hr_vec hr_broadcast(const float *p) { return _mm256_broadcast_ss(p); }
HR_INLINE float hr_sum(hr_vec v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
HR_INLINE hr_vec hr_load(const float *p) { return _mm256_loadu_ps(p); }
HR_INLINE hr_vec hr_load_some(const float *p, hr_mask m) { return _mm256_maskload_ps(p, m); }
HR_INLINE void hr_store(float *p, hr_vec v) { _mm256_storeu_ps(p, v); }
HR_INLINE void hr_store_some(float *p, hr_vec v, hr_mask m) { _mm256_maskstore_ps(p, m, v); }
HR_INLINE hr_vec hr_add(hr_vec a, hr_vec b) { return _mm256_add_ps(a, b); }

HR_INLINE hr_vec hr_widen_f16(__m128i bits) { return _mm256_cvtph_ps(bits); }
HR_INLINE hr_vec hr_widen_b16(__m128i bits) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
HR_INLINE __m128i hr_load_16(const uint16_t *p) { return _mm_loadu_si128((const void *)p); }
HR_INLINE __m128i hr_load_16_some(const uint16_t *p, hr_mask m) {
  // AVX2 has no masked load of 16-bit lanes: go by elements, at the end of a row only.
  uint16_t lanes[8] = {0};
  int32_t count = __builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(m)));
  for (int32_t lane = 0; lane < count; lane++) lanes[lane] = p[lane];
  return _mm_loadu_si128((const void *)lanes);
}
