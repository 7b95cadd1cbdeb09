// The vector vocabulary in AVX-512: sixteen floats a vector, tails by mask registers.
#include <immintrin.h>
#include <stdint.h>

#include "exp2.h"

#define HR_LANES 16
#define HR_VECTORS 32
// Vectors side by side in a tile of fp32 sums.
#ifndef HR_TILE_VECTORS
#define HR_TILE_VECTORS 3
#endif
// Rows of a tile of integer sums, and of fp32 ones beside.
#define HR_TILE 6

typedef __m512 hr_vec;
typedef __m512i hr_ints;
typedef __mmask16 hr_mask;

#define UNROLL _Pragma("clang loop unroll(full)")
#define HR_INLINE static inline __attribute__((always_inline))

HR_INLINE hr_mask hr_first(int64_t count) {
  return count >= 16 ? (hr_mask)0xFFFF : (hr_mask)((1u << count) - 1);
}
// `a` in the lanes of the mask, else `b`.
HR_INLINE hr_vec hr_blend(hr_mask m, hr_vec a, hr_vec b) { return _mm512_mask_mov_ps(b, m, a); }
HR_INLINE hr_vec hr_zero(void) { return _mm512_setzero_ps(); }
HR_INLINE hr_vec hr_fma(hr_vec a, hr_vec b, hr_vec c) { return _mm512_fmadd_ps(a, b, c); }
HR_INLINE hr_vec hr_broadcast(const float *p) { return _mm512_set1_ps(*p); }
HR_INLINE float hr_max_lane(hr_vec v) { return _mm512_reduce_max_ps(v); }
HR_INLINE float hr_sum(hr_vec v) { return _mm512_reduce_add_ps(v); }
HR_INLINE hr_vec hr_load(const float *p) { return _mm512_loadu_ps(p); }
HR_INLINE hr_vec hr_load_some(const float *p, hr_mask m) { return _mm512_maskz_loadu_ps(m, p); }
HR_INLINE void hr_store(float *p, hr_vec v) { _mm512_storeu_ps(p, v); }
// Past the caches, to whole vectors' addresses; `hr_fence` makes such stores seen.
HR_INLINE void hr_store_non_temporal(float *p, hr_vec v) { _mm512_stream_ps(p, v); }
HR_INLINE void hr_fence(void) { _mm_sfence(); }
HR_INLINE void hr_store_some(float *p, hr_vec v, hr_mask m) { _mm512_mask_storeu_ps(p, m, v); }
HR_INLINE hr_vec hr_add(hr_vec a, hr_vec b) { return _mm512_add_ps(a, b); }

HR_INLINE hr_vec hr_widen_f16(__m256i bits) { return _mm512_cvtph_ps(bits); }
HR_INLINE hr_vec hr_widen_b16(__m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
HR_INLINE __m256i hr_load_16(const uint16_t *p) { return _mm256_loadu_si256((const void *)p); }
HR_INLINE __m256i hr_load_16_none(void) { return _mm256_setzero_si256(); }
HR_INLINE __m256i hr_load_16_some(const uint16_t *p, hr_mask m) {
  return _mm256_maskz_loadu_epi16(m, p);
}

HR_INLINE hr_vec hr_abs(hr_vec v) { return _mm512_abs_ps(v); }
HR_INLINE hr_vec hr_min(hr_vec a, hr_vec b) { return _mm512_min_ps(a, b); }
HR_INLINE hr_ints hr_truncated(hr_vec v) { return _mm512_cvttps_epi32(v); }
// One more in the lanes where v is above.
HR_INLINE hr_ints hr_count_above(hr_ints count, hr_vec v, hr_vec than) {
  __mmask16 above = _mm512_cmp_ps_mask(v, than, _CMP_GT_OQ);
  return _mm512_mask_add_epi32(count, above, count, _mm512_set1_epi32(1));
}
// A magnitude with the sign of another number.
HR_INLINE hr_vec hr_with_sign(hr_vec magnitude, hr_vec of) {
  return _mm512_or_ps(magnitude, _mm512_and_ps(of, _mm512_set1_ps(-0.0f)));
}
HR_INLINE hr_vec hr_as_floats(hr_ints v) { return _mm512_castsi512_ps(v); }
HR_INLINE void hr_store_bytes(uint8_t *p, hr_ints v) {
  _mm_storeu_si128((void *)p, _mm512_cvtepi32_epi8(v));
}
HR_INLINE hr_vec hr_sqrt(hr_vec v) { return _mm512_sqrt_ps(v); }
// Rounded to 16 bits, to the nearest, ties to even, and back.
HR_INLINE hr_vec hr_round_f16(hr_vec v) {
  return _mm512_cvtph_ps(_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// A NaN stays one.
HR_INLINE hr_vec hr_round_b16(hr_vec v) {
  __m512i bits = _mm512_castps_si512(v);
  __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
  __m512i kept = _mm512_mask_mov_epi32(up, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q),
                                       _mm512_or_si512(bits, _mm512_set1_epi32(0x400000)));
  return _mm512_castsi512_ps(_mm512_and_si512(kept, _mm512_set1_epi32((int)0xFFFF0000)));
}
// The high halves of `odd` beside those of `even`, both bf16 in fp32: a pair in each lane.
HR_INLINE hr_vec hr_pair_b16(hr_vec even, hr_vec odd) {
  return _mm512_castsi512_ps(_mm512_or_si512(
      _mm512_srli_epi32(_mm512_castps_si512(even), 16), _mm512_castps_si512(odd)));
}
HR_INLINE void hr_store_f16_some(uint16_t *p, hr_vec v, hr_mask m) {
  __m256i bits = _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  _mm256_mask_storeu_epi16(p, m, bits);
}
HR_INLINE void hr_store_b16_some(uint16_t *p, hr_vec v, hr_mask m) {
  __m512i bits = _mm512_castps_si512(hr_round_b16(v));
  _mm256_mask_storeu_epi16(p, m, _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16)));
}

// The first of eight numbers, as floats: half a vector, which a line of the cache holds whole where a
// vector would lie in two.
HR_INLINE void hr_copy_eight_fp32(const void *from, float *to, hr_mask m) {
  _mm256_mask_storeu_ps(to, (__mmask8)m, _mm256_maskz_loadu_ps((__mmask8)m, from));
}
HR_INLINE void hr_copy_eight_fp16(const void *from, float *to, hr_mask m) {
  __m128i bits = _mm_maskz_loadu_epi16((__mmask8)m, from);
  _mm256_mask_storeu_ps(to, (__mmask8)m, _mm256_cvtph_ps(bits));
}
HR_INLINE void hr_copy_eight_bf16(const void *from, float *to, hr_mask m) {
  __m256i wide = _mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16((__mmask8)m, from));
  _mm256_mask_storeu_ps(to, (__mmask8)m, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
}

// 16 bits in pairs, two in each 32-bit lane.
HR_INLINE hr_vec hr_even_b16(hr_vec v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 16));
}
HR_INLINE hr_vec hr_odd_b16(hr_vec v) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32((int)0xFFFF0000)));
}
HR_INLINE hr_vec hr_load_pairs(const uint16_t *p, int64_t count) {
  __mmask32 m = count >= 32 ? 0xFFFFFFFF : (1u << count) - 1;
  return _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(m, p));
}
HR_INLINE void hr_store_low_16(uint16_t *p, hr_vec v) {
  _mm256_storeu_si256((void *)p, _mm512_cvtepi32_epi16(_mm512_castps_si512(v)));
}
HR_INLINE void hr_store_high_16(uint16_t *p, hr_vec v) {
  _mm256_storeu_si256((void *)p,
                      _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(v), 16)));
}
#ifdef HR_BF16_PAIRS
// Adds both products of a pair of bf16 to each lane.
HR_INLINE hr_vec hr_dot_b16(hr_vec x, hr_vec y, hr_vec sum) {
  return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)y);
}
#endif
// Rows become columns: in 2 × 2, then 4 × 4 in each quarter of a vector, then quarters.
HR_INLINE void hr_transpose(hr_vec v[16]) {
  hr_vec t[16];
  UNROLL for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
  }
  hr_vec u[16];
  UNROLL for (int i = 0; i < 16; i += 4) {
    UNROLL for (int h = 0; h < 2; h++) {
      __m512d x = _mm512_castps_pd(t[i + h]), y = _mm512_castps_pd(t[i + 2 + h]);
      u[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
      u[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
    }
  }
  UNROLL for (int c = 0; c < 4; c++) {
    hr_vec x0 = _mm512_shuffle_f32x4(u[c], u[4 + c], 0x44);
    hr_vec x1 = _mm512_shuffle_f32x4(u[c], u[4 + c], 0xEE);
    hr_vec y0 = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0x44);
    hr_vec y1 = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0xEE);
    v[c] = _mm512_shuffle_f32x4(x0, y0, 0x88);
    v[4 + c] = _mm512_shuffle_f32x4(x0, y0, 0xDD);
    v[8 + c] = _mm512_shuffle_f32x4(x1, y1, 0x88);
    v[12 + c] = _mm512_shuffle_f32x4(x1, y1, 0xDD);
  }
}

// Integers: vectors of bytes or of 32-bit lanes.
HR_INLINE hr_ints hr_load_ints(const void *p) { return _mm512_loadu_si512(p); }
HR_INLINE void hr_store_ints(void *p, hr_ints v) { _mm512_storeu_si512(p, v); }
HR_INLINE hr_ints hr_and(hr_ints a, hr_ints b) { return _mm512_and_si512(a, b); }
HR_INLINE hr_ints hr_or(hr_ints a, hr_ints b) { return _mm512_or_si512(a, b); }
HR_INLINE hr_ints hr_bytes(int8_t value) { return _mm512_set1_epi8(value); }
HR_INLINE hr_ints hr_ints_of(int32_t value) { return _mm512_set1_epi32(value); }
HR_INLINE hr_ints hr_add_ints(hr_ints a, hr_ints b) { return _mm512_add_epi32(a, b); }
HR_INLINE hr_ints hr_sub_ints(hr_ints a, hr_ints b) { return _mm512_sub_epi32(a, b); }
HR_INLINE hr_ints hr_spread(const int8_t *p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}
// Shifts within 16 bits, counts constant.
#define hr_left(v, count) _mm512_slli_epi16(v, count)
#define hr_right(v, count) _mm512_srli_epi16(v, count)
HR_INLINE hr_ints hr_right_ints(hr_ints v, int count) { return _mm512_srli_epi32(v, count); }
// The low halves of products of 16-bit numbers.
HR_INLINE hr_ints hr_mul_16(hr_ints a, hr_ints b) { return _mm512_mullo_epi16(a, b); }
HR_INLINE hr_ints hr_right_each(hr_ints v, hr_ints by) { return _mm512_srlv_epi32(v, by); }
// Word i in the lanes from 8 i on.
HR_INLINE hr_ints hr_spread_words(const uint32_t *p) {
  return _mm512_inserti64x4(_mm512_set1_epi32((int32_t)p[0]), _mm256_set1_epi32((int32_t)p[1]), 1);
}
HR_INLINE hr_ints hr_byte(hr_ints v, int i) {
  return _mm512_and_si512(_mm512_srli_epi32(v, 8 * i), _mm512_set1_epi32(255));
}
HR_INLINE hr_ints hr_as_ints(hr_vec v) { return _mm512_castps_si512(v); }
// Sixteen halves of bytes, high ones first.
HR_INLINE hr_ints hr_widen_nibbles(const uint8_t *p) {
  __m128i both = _mm_loadl_epi64((const void *)p), low = _mm_set1_epi8(15);
  __m128i high = _mm_and_si128(_mm_srli_epi16(both, 4), low);
  return _mm512_cvtepu8_epi32(_mm_unpacklo_epi8(high, _mm_and_si128(both, low)));
}
HR_INLINE hr_ints hr_left_ints(hr_ints v, int count) { return _mm512_slli_epi32(v, count); }
// Bits `at`, `at` + 1, … of a word, one a lane, moved to a place.
HR_INLINE hr_ints hr_bit_of(uint32_t word, int at, int place) {
  hr_ints lane = _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(at));
  hr_ints bit = _mm512_srlv_epi32(_mm512_set1_epi32((int32_t)word), lane);
  return _mm512_slli_epi32(_mm512_and_si512(bit, _mm512_set1_epi32(1)), place);
}
HR_INLINE hr_vec hr_to_float(hr_ints v) { return _mm512_cvtepi32_ps(v); }
HR_INLINE hr_ints hr_widen_u8(const void *p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(p));
}
HR_INLINE hr_ints hr_widen_s8(const void *p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128(p));
}
// Each byte of `index`, 0 to 15, becomes that entry of a table of 16 bytes.
HR_INLINE hr_ints hr_lookup(const uint8_t *table, hr_ints index) {
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)table)), index);
}
// Each lane of `index`, 0 to 15, becomes that entry of a table of 16 floats.
HR_INLINE hr_vec hr_lookup_16(const float *table, hr_ints index) {
  return _mm512_permutexvar_ps(index, _mm512_loadu_ps(table));
}
HR_INLINE hr_vec hr_set(float value) { return _mm512_set1_ps(value); }
HR_INLINE hr_vec hr_sub(hr_vec a, hr_vec b) { return _mm512_sub_ps(a, b); }
HR_INLINE hr_vec hr_mul(hr_vec a, hr_vec b) { return _mm512_mul_ps(a, b); }
// Adds the products of four bytes of w, unsigned, with four of x, signed, to each 32-bit lane.
HR_INLINE hr_ints hr_dot(hr_ints sum, hr_ints w, hr_ints x) {
#ifdef HR_VNNI
  return _mm512_dpbusd_epi32(sum, w, x);
#else
  hr_ints low = _mm512_madd_epi16(_mm512_and_si512(w, _mm512_set1_epi16(255)),
                                  _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8));
  hr_ints high = _mm512_madd_epi16(_mm512_srli_epi16(w, 8), _mm512_srai_epi16(x, 8));
  return _mm512_add_epi32(sum, _mm512_add_epi32(low, high));
#endif
}
// Adds the products of two pairs of 16 bits to each 32-bit lane.
HR_INLINE hr_ints hr_dot_16(hr_ints sum, hr_ints w, hr_ints x) {
#ifdef HR_VNNI
  return _mm512_dpwssd_epi32(sum, w, x);
#else
  return _mm512_add_epi32(sum, _mm512_madd_epi16(w, x));
#endif
}
// 16 bits a lane.
HR_INLINE hr_ints hr_shorts(int16_t value) { return _mm512_set1_epi16(value); }
HR_INLINE hr_ints hr_sub_16(hr_ints a, hr_ints b) { return _mm512_sub_epi16(a, b); }
HR_INLINE hr_ints hr_widen_u8_16(const void *p) {
  return _mm512_cvtepu8_epi16(_mm256_loadu_si256(p));
}
HR_INLINE hr_ints hr_widen_s8_16(const void *p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(p));
}
HR_INLINE hr_ints hr_to_ints(hr_vec v) { return _mm512_cvtps_epi32(v); }
// Two vectors of 32-bit lanes, up to 16 bits each, as one of 16-bit lanes.
HR_INLINE hr_ints hr_pack_16(hr_ints low, hr_ints high) {
  // Packing goes by quarters of vectors: the 64-bit pieces are put back in order.
  hr_ints order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  return _mm512_permutexvar_epi64(order, _mm512_packs_epi32(low, high));
}
// Products of 16-bit numbers over 2¹⁵, rounded.
HR_INLINE hr_ints hr_mul_high_16(hr_ints a, hr_ints b) { return _mm512_mulhrs_epi16(a, b); }
HR_INLINE float hr_max_magnitude_32(const float *x) {
  return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(_mm512_loadu_ps(x)),
                                            _mm512_abs_ps(_mm512_loadu_ps(x + 16))));
}
// 32 floats times `by`, rounded to bytes, and the sums of both halves.
HR_INLINE void hr_round_32(const float *x, float by, int8_t *to, int32_t sums[2]) {
  UNROLL for (int i = 0; i < 2; i++) {
    hr_ints v = _mm512_cvtps_epi32(
        _mm512_mul_ps(_mm512_loadu_ps(x + 16 * i), _mm512_set1_ps(by)));
    sums[i] = _mm512_reduce_add_epi32(v);
    _mm_storeu_si128((void *)(to + 16 * i), _mm512_cvtepi32_epi8(v));
  }
}

// The polynomial of exp2.h.
HR_INLINE hr_vec hr_exp2_part(hr_vec f) {
  hr_vec p = hr_set(HR_EXP2_C6);
  p = hr_fma(p, f, hr_set(HR_EXP2_C5));
  p = hr_fma(p, f, hr_set(HR_EXP2_C4));
  p = hr_fma(p, f, hr_set(HR_EXP2_C3));
  p = hr_fma(p, f, hr_set(HR_EXP2_C2));
  p = hr_fma(p, f, hr_set(HR_EXP2_C1));
  return hr_fma(p, f, hr_set(1));
}
HR_INLINE hr_vec hr_max(hr_vec a, hr_vec b) { return _mm512_max_ps(a, b); }
HR_INLINE hr_vec hr_div(hr_vec a, hr_vec b) { return _mm512_div_ps(a, b); }
// 2^x for x up to 0; a NaN stays one, and what is less than the least normal number becomes 0: it would
// cost `scalef` a detour of 90 ns through microcode (Ice Lake), and a masked score is -inf.
HR_INLINE hr_vec hr_exp2(hr_vec x) {
  hr_mask m = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-126), _CMP_NLT_UQ);
  hr_vec n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  return _mm512_maskz_scalef_ps(m, hr_exp2_part(_mm512_sub_ps(x, n)), n);
}
// Lanes whose `first` ≤ at ≤ `last`; the others become `other`.
HR_INLINE hr_vec hr_keep_between(hr_vec v, const int32_t *first, const int32_t *last, int32_t at,
                                 float other) {
  __m512i x = _mm512_set1_epi32(at);
  hr_mask m = _mm512_cmple_epi32_mask(_mm512_loadu_si512(first), x) &
              _mm512_cmpge_epi32_mask(_mm512_loadu_si512(last), x);
  return _mm512_mask_mov_ps(_mm512_set1_ps(other), m, v);
}
// `positive` where `by` is positive or 0, else `negative`.
HR_INLINE hr_vec hr_pick(hr_vec by, hr_vec negative, hr_vec positive) {
  return _mm512_mask_mov_ps(positive, _mm512_movepi32_mask(_mm512_castps_si512(by)), negative);
}
