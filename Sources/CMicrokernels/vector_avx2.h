// The vector vocabulary in AVX2: eight floats a vector, tails by vectors of ones and zeros.
#include <immintrin.h>
#include <stdint.h>

#include "exp2.h"

#define HR_LANES 8
#define HR_VECTORS 16
// Vectors side by side in a tile of fp32 sums.
#define HR_TILE_VECTORS 2
// Rows of a tile of integer sums, and of fp32 ones beside.
#define HR_TILE 3

typedef __m256 hr_vec;
typedef __m256i hr_ints;
typedef __m256i hr_mask;

#define UNROLL _Pragma("clang loop unroll(full)")
#define HR_INLINE static inline __attribute__((always_inline))

HR_INLINE hr_mask hr_first(int64_t count) {
  int32_t lanes = count >= 8 ? 8 : (int32_t)count;
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
// `a` in the lanes of the mask, else `b`.
HR_INLINE hr_vec hr_blend(hr_mask m, hr_vec a, hr_vec b) {
  return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m));
}
HR_INLINE hr_vec hr_zero(void) { return _mm256_setzero_ps(); }
HR_INLINE hr_vec hr_fma(hr_vec a, hr_vec b, hr_vec c) { return _mm256_fmadd_ps(a, b, c); }
HR_INLINE hr_vec hr_broadcast(const float *p) { return _mm256_broadcast_ss(p); }
HR_INLINE float hr_sum(hr_vec v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
HR_INLINE float hr_max_lane(hr_vec v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
HR_INLINE hr_vec hr_load(const float *p) { return _mm256_loadu_ps(p); }
HR_INLINE hr_vec hr_load_some(const float *p, hr_mask m) { return _mm256_maskload_ps(p, m); }
HR_INLINE void hr_store(float *p, hr_vec v) { _mm256_storeu_ps(p, v); }
// Past the caches, to whole vectors' addresses; `hr_fence` makes such stores seen.
HR_INLINE void hr_store_non_temporal(float *p, hr_vec v) { _mm256_stream_ps(p, v); }
HR_INLINE void hr_fence(void) { _mm_sfence(); }
// A masked store takes tens of cycles on AMD's processors, whatever its mask: a whole vector goes without.
HR_INLINE void hr_store_some(float *p, hr_vec v, hr_mask m) {
  if (_mm256_movemask_ps(_mm256_castsi256_ps(m)) == 255) {
    _mm256_storeu_ps(p, v);
  } else {
    _mm256_maskstore_ps(p, m, v);
  }
}
HR_INLINE hr_vec hr_add(hr_vec a, hr_vec b) { return _mm256_add_ps(a, b); }

HR_INLINE hr_vec hr_widen_f16(__m128i bits) { return _mm256_cvtph_ps(bits); }
HR_INLINE hr_vec hr_widen_b16(__m128i bits) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
HR_INLINE __m128i hr_load_16(const uint16_t *p) { return _mm_loadu_si128((const void *)p); }
HR_INLINE __m128i hr_load_16_none(void) { return _mm_setzero_si128(); }
HR_INLINE __m128i hr_load_16_some(const uint16_t *p, hr_mask m) {
  // AVX2 has no masked load of 16-bit lanes: go by elements, at the end of a row only.
  uint16_t lanes[8] = {0};
  int32_t count = __builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(m)));
  if (count == 8) return _mm_loadu_si128((const void *)p);
  for (int32_t lane = 0; lane < count; lane++) lanes[lane] = p[lane];
  return _mm_loadu_si128((const void *)lanes);
}

HR_INLINE hr_vec hr_abs(hr_vec v) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}
HR_INLINE hr_vec hr_min(hr_vec a, hr_vec b) { return _mm256_min_ps(a, b); }
HR_INLINE hr_ints hr_truncated(hr_vec v) { return _mm256_cvttps_epi32(v); }
// One more in the lanes where v is above.
HR_INLINE hr_ints hr_count_above(hr_ints count, hr_vec v, hr_vec than) {
  return _mm256_sub_epi32(count, _mm256_castps_si256(_mm256_cmp_ps(v, than, _CMP_GT_OQ)));
}
// A magnitude with the sign of another number.
HR_INLINE hr_vec hr_with_sign(hr_vec magnitude, hr_vec of) {
  return _mm256_or_ps(magnitude, _mm256_and_ps(of, _mm256_set1_ps(-0.0f)));
}
HR_INLINE hr_vec hr_as_floats(hr_ints v) { return _mm256_castsi256_ps(v); }
HR_INLINE void hr_store_bytes(uint8_t *p, hr_ints v) {
  __m128i shorts = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  _mm_storel_epi64((void *)p, _mm_packus_epi16(shorts, shorts));
}
HR_INLINE hr_vec hr_sqrt(hr_vec v) { return _mm256_sqrt_ps(v); }
// Rounded to 16 bits, to the nearest, ties to even, and back.
HR_INLINE hr_vec hr_round_f16(hr_vec v) {
  return _mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// A NaN stays one.
HR_INLINE hr_vec hr_round_b16(hr_vec v) {
  __m256i bits = _mm256_castps_si256(v);
  __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
  __m256i nan = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  __m256i kept =
      _mm256_blendv_epi8(up, nan, _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
  return _mm256_castsi256_ps(_mm256_and_si256(kept, _mm256_set1_epi32((int)0xFFFF0000)));
}
// At the end of a row, by elements: AVX2 has no masked store of 16-bit lanes.
HR_INLINE void hr_store_16_some(uint16_t *p, __m128i bits, hr_mask m) {
  int32_t count = __builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(m)));
  if (count == 8) {
    _mm_storeu_si128((void *)p, bits);
    return;
  }
  uint16_t lanes[8];
  _mm_storeu_si128((void *)lanes, bits);
  for (int32_t lane = 0; lane < count; lane++) p[lane] = lanes[lane];
}
HR_INLINE void hr_store_f16_some(uint16_t *p, hr_vec v, hr_mask m) {
  hr_store_16_some(p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), m);
}
HR_INLINE void hr_store_b16_some(uint16_t *p, hr_vec v, hr_mask m) {
  __m256i kept = _mm256_srli_epi32(_mm256_castps_si256(hr_round_b16(v)), 16);
  hr_store_16_some(
      p, _mm_packus_epi32(_mm256_castsi256_si128(kept), _mm256_extracti128_si256(kept, 1)), m);
}

// The first of eight numbers, as floats: here a whole vector.
HR_INLINE void hr_copy_eight_fp32(const void *from, float *to, hr_mask m) {
  hr_store_some(to, hr_load_some(from, m), m);
}
HR_INLINE void hr_copy_eight_fp16(const void *from, float *to, hr_mask m) {
  hr_store_some(to, hr_widen_f16(hr_load_16_some(from, m)), m);
}
HR_INLINE void hr_copy_eight_bf16(const void *from, float *to, hr_mask m) {
  hr_store_some(to, hr_widen_b16(hr_load_16_some(from, m)), m);
}

// 16 bits in pairs, two in each 32-bit lane.
HR_INLINE hr_vec hr_even_b16(hr_vec v) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 16));
}
HR_INLINE hr_vec hr_odd_b16(hr_vec v) {
  return _mm256_castsi256_ps(
      _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32((int)0xFFFF0000)));
}
HR_INLINE hr_vec hr_load_pairs(const uint16_t *p, int64_t count) {
  if (count >= 16) return _mm256_loadu_ps((const float *)(const void *)p);
  uint16_t lanes[16] = {0};
  for (int64_t i = 0; i < count; i++) lanes[i] = p[i];
  return _mm256_loadu_ps((const float *)(const void *)lanes);
}
HR_INLINE void hr_store_low_16(uint16_t *p, hr_vec v) {
  __m256i low = _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0xFFFF));
  __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x88);
  _mm_storeu_si128((void *)p, _mm256_castsi256_si128(packed));
}
HR_INLINE void hr_store_high_16(uint16_t *p, hr_vec v) {
  hr_store_low_16(p, _mm256_castsi256_ps(_mm256_srli_epi32(_mm256_castps_si256(v), 16)));
}
// Rows become columns: in 2 × 2, then 4 × 4 in each half of a vector, then halves.
HR_INLINE void hr_transpose(hr_vec v[8]) {
  hr_vec t[8], u[8];
  UNROLL for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
  }
  UNROLL for (int i = 0; i < 8; i += 4) {
    UNROLL for (int h = 0; h < 2; h++) {
      __m256d x = _mm256_castps_pd(t[i + h]), y = _mm256_castps_pd(t[i + 2 + h]);
      u[i + 2 * h] = _mm256_castpd_ps(_mm256_unpacklo_pd(x, y));
      u[i + 2 * h + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(x, y));
    }
  }
  UNROLL for (int c = 0; c < 4; c++) {
    v[c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x20);
    v[4 + c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x31);
  }
}

// Integers: vectors of bytes or of 32-bit lanes.
HR_INLINE hr_ints hr_load_ints(const void *p) { return _mm256_loadu_si256(p); }
HR_INLINE void hr_store_ints(void *p, hr_ints v) { _mm256_storeu_si256(p, v); }
HR_INLINE hr_ints hr_and(hr_ints a, hr_ints b) { return _mm256_and_si256(a, b); }
HR_INLINE hr_ints hr_or(hr_ints a, hr_ints b) { return _mm256_or_si256(a, b); }
HR_INLINE hr_ints hr_bytes(int8_t value) { return _mm256_set1_epi8(value); }
HR_INLINE hr_ints hr_ints_of(int32_t value) { return _mm256_set1_epi32(value); }
HR_INLINE hr_ints hr_add_ints(hr_ints a, hr_ints b) { return _mm256_add_epi32(a, b); }
HR_INLINE hr_ints hr_sub_ints(hr_ints a, hr_ints b) { return _mm256_sub_epi32(a, b); }
HR_INLINE hr_ints hr_spread(const int8_t *p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}
// Shifts within 16 bits, counts constant.
#define hr_left(v, count) _mm256_slli_epi16(v, count)
#define hr_right(v, count) _mm256_srli_epi16(v, count)
HR_INLINE hr_ints hr_right_ints(hr_ints v, int count) { return _mm256_srli_epi32(v, count); }
// The low halves of products of 16-bit numbers.
HR_INLINE hr_ints hr_mul_16(hr_ints a, hr_ints b) { return _mm256_mullo_epi16(a, b); }
HR_INLINE hr_ints hr_right_each(hr_ints v, hr_ints by) { return _mm256_srlv_epi32(v, by); }
// Word i in the lanes from 8 i on.
HR_INLINE hr_ints hr_spread_words(const uint32_t *p) { return _mm256_set1_epi32((int32_t)*p); }
HR_INLINE hr_ints hr_byte(hr_ints v, int i) {
  return _mm256_and_si256(_mm256_srli_epi32(v, 8 * i), _mm256_set1_epi32(255));
}
HR_INLINE hr_ints hr_as_ints(hr_vec v) { return _mm256_castps_si256(v); }
// Eight halves of bytes, high ones first.
HR_INLINE hr_ints hr_widen_nibbles(const uint8_t *p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  __m128i both = _mm_cvtsi32_si128(four), low = _mm_set1_epi8(15);
  __m128i high = _mm_and_si128(_mm_srli_epi16(both, 4), low);
  return _mm256_cvtepu8_epi32(_mm_unpacklo_epi8(high, _mm_and_si128(both, low)));
}
HR_INLINE hr_ints hr_left_ints(hr_ints v, int count) { return _mm256_slli_epi32(v, count); }
// Bits `at`, `at` + 1, … of a word, one a lane, moved to a place.
HR_INLINE hr_ints hr_bit_of(uint32_t word, int at, int place) {
  hr_ints lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(at));
  hr_ints bit = _mm256_srlv_epi32(_mm256_set1_epi32((int32_t)word), lane);
  return _mm256_slli_epi32(_mm256_and_si256(bit, _mm256_set1_epi32(1)), place);
}
HR_INLINE hr_vec hr_to_float(hr_ints v) { return _mm256_cvtepi32_ps(v); }
HR_INLINE hr_ints hr_widen_u8(const void *p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(p));
}
HR_INLINE hr_ints hr_widen_s8(const void *p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(p));
}
// Each byte of `index`, 0 to 15, becomes that entry of a table of 16 bytes.
HR_INLINE hr_ints hr_lookup(const uint8_t *table, hr_ints index) {
  return _mm256_shuffle_epi8(
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table)), index);
}
// Each lane of `index`, 0 to 15, becomes that entry of a table of 16 floats.
HR_INLINE hr_vec hr_lookup_16(const float *table, hr_ints index) {
  hr_vec low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index);
  hr_vec high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index);
  return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
}
HR_INLINE hr_vec hr_set(float value) { return _mm256_set1_ps(value); }
HR_INLINE hr_vec hr_sub(hr_vec a, hr_vec b) { return _mm256_sub_ps(a, b); }
HR_INLINE hr_vec hr_mul(hr_vec a, hr_vec b) { return _mm256_mul_ps(a, b); }
// Adds the products of four bytes of w, unsigned, with four of x, signed, to each 32-bit lane.
HR_INLINE hr_ints hr_dot(hr_ints sum, hr_ints w, hr_ints x) {
#ifdef HR_VNNI
  return _mm256_dpbusd_avx_epi32(sum, w, x);
#else
  // Pairs of 16 bits: `vpmaddubsw` would saturate on 8-bit weights.
  hr_ints low = _mm256_madd_epi16(_mm256_and_si256(w, _mm256_set1_epi16(255)),
                                  _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8));
  hr_ints high = _mm256_madd_epi16(_mm256_srli_epi16(w, 8), _mm256_srai_epi16(x, 8));
  return _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
#endif
}
// Adds the products of two pairs of 16 bits to each 32-bit lane.
HR_INLINE hr_ints hr_dot_16(hr_ints sum, hr_ints w, hr_ints x) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(w, x));
}
// 16 bits a lane.
HR_INLINE hr_ints hr_shorts(int16_t value) { return _mm256_set1_epi16(value); }
HR_INLINE hr_ints hr_sub_16(hr_ints a, hr_ints b) { return _mm256_sub_epi16(a, b); }
HR_INLINE hr_ints hr_widen_u8_16(const void *p) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(p));
}
HR_INLINE hr_ints hr_widen_s8_16(const void *p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
}
HR_INLINE hr_ints hr_to_ints(hr_vec v) { return _mm256_cvtps_epi32(v); }
// Two vectors of 32-bit lanes, up to 16 bits each, as one of 16-bit lanes.
HR_INLINE hr_ints hr_pack_16(hr_ints low, hr_ints high) {
  // Packing goes by halves of vectors: the 64-bit pieces are put back in order.
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
}
// Products of 16-bit numbers over 2¹⁵, rounded.
HR_INLINE hr_ints hr_mul_high_16(hr_ints a, hr_ints b) { return _mm256_mulhrs_epi16(a, b); }
HR_INLINE float hr_max_magnitude_32(const float *x) {
  hr_vec sign = _mm256_set1_ps(-0.0f), max = _mm256_setzero_ps();
  for (int i = 0; i < 32; i += 8)
    max = _mm256_max_ps(max, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)));
  return hr_max_lane(max);
}
// 32 floats times `by`, rounded to bytes, and the sums of both halves.
HR_INLINE void hr_round_32(const float *x, float by, int8_t *to, int32_t sums[2]) {
  hr_ints v[4];
  for (int i = 0; i < 4; i++)
    v[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), _mm256_set1_ps(by)));
  for (int i = 0; i < 2; i++) {
    hr_ints both = _mm256_add_epi32(v[2 * i], v[2 * i + 1]);
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    sums[i] = _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1)));
  }
  hr_ints low = _mm256_packs_epi32(v[0], v[1]), high = _mm256_packs_epi32(v[2], v[3]);
  // Packing goes by halves of vectors: the 32-bit pieces are put back in order.
  hr_ints order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256((void *)to,
                      _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order));
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
HR_INLINE hr_vec hr_max(hr_vec a, hr_vec b) { return _mm256_max_ps(a, b); }
HR_INLINE hr_vec hr_div(hr_vec a, hr_vec b) { return _mm256_div_ps(a, b); }
// 2^x for x up to 0; a NaN stays one, and what is tiny becomes 0.
HR_INLINE hr_vec hr_exp2(hr_vec x) {
  // The second operand comes back where one is a NaN; an exponent of −127 is stored as 0.
  x = _mm256_max_ps(_mm256_set1_ps(-127), x);
  hr_vec n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256i power = _mm256_slli_epi32(
      _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(hr_exp2_part(_mm256_sub_ps(x, n)), _mm256_castsi256_ps(power));
}
// Lanes whose `first` ≤ at ≤ `last`; the others become `other`.
HR_INLINE hr_vec hr_keep_between(hr_vec v, const int32_t *first, const int32_t *last, int32_t at,
                                 float other) {
  __m256i x = _mm256_set1_epi32(at);
  __m256i outside =
      _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_loadu_si256((const void *)first), x),
                      _mm256_cmpgt_epi32(x, _mm256_loadu_si256((const void *)last)));
  return _mm256_blendv_ps(v, _mm256_set1_ps(other), _mm256_castsi256_ps(outside));
}
// `positive` where `by` is positive or 0, else `negative`.
HR_INLINE hr_vec hr_pick(hr_vec by, hr_vec negative, hr_vec positive) {
  return _mm256_blendv_ps(positive, negative, by);
}
