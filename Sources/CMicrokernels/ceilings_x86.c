// Loops that show a ceiling: one instruction in independent chains, or one pass over memory.
#if defined(__x86_64__)
#include "CMicrokernels.h"

#include <immintrin.h>
#include <stddef.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define AVX2 __attribute__((target("avx2,fma,f16c")))

#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define TWENTY_FOUR(X) \
  TWELVE(X) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)

// Two units of a latency of 4 or 5 need ten chains; twelve and twenty-four leave room for both.
// The instructions are spelled out, so that no compiler folds a chain; the sums are handed to an
// empty statement, so that none drops one. They stay macros: an operand of a spelled-out instruction
// has to be a variable of its own, or it would lie in memory wherever nothing is optimized.
#define CHAINS(NAME, TARGET, VECTOR, ZERO, LIST, INSTRUCTION, KEEP)                             \
  TARGET static void NAME(int64_t iterations) {                                                 \
    LIST(DECLARE_##VECTOR) VECTOR x = ZERO(), y = ZERO();                                       \
    for (int64_t n = 0; n < iterations; n++) {                                                  \
      LIST(INSTRUCTION)                                                                         \
    }                                                                                           \
    LIST(KEEP)                                                                                  \
  }

#define DECLARE___m512(i) __m512 c##i = _mm512_setzero_ps();
#define DECLARE___m256(i) __m256 c##i = _mm256_setzero_ps();
#define DECLARE___m128(i) __m128 c##i = _mm_setzero_ps();
#define KEEP_V(i) __asm__ volatile("" : : "v"(c##i));
#define KEEP_X(i) __asm__ volatile("" : : "x"(c##i));
#define FMA_V(i) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(c##i) : "v"(x), "v"(y));
#define FMA_X(i) __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(c##i) : "x"(x), "x"(y));
#define VNNI_V(i) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(c##i) : "v"(x), "v"(y));
#define VNNI_X(i) __asm__ volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(c##i) : "x"(x), "x"(y));
#define BF16_V(i) __asm__ volatile("vdpbf16ps %2, %1, %0" : "+v"(c##i) : "v"(x), "v"(y));
#define FP16_V(i) __asm__ volatile("vfmadd231ph %2, %1, %0" : "+v"(c##i) : "v"(x), "v"(y));
// Products of bytes to 16 bits, pairs of those to 32, and the sum: three instructions.
#define MADD_X(i)                                                          \
  {                                                                        \
    __m256 t;                                                              \
    __asm__ volatile(                                                      \
        "vpmaddubsw %3, %2, %1\n\tvpmaddwd %3, %1, %1\n\tvpaddd %1, %0, %0" \
        : "+x"(c##i), "=&x"(t)                                             \
        : "x"(x), "x"(y));                                                 \
  }
// Without fused instructions a product and a sum are two.
#define SSE_X(i)                                                                   \
  {                                                                                \
    __m128 t = x;                                                                  \
    __asm__ volatile("mulps %2, %1\n\taddps %1, %0" : "+x"(c##i), "+x"(t) : "x"(y)); \
  }

CHAINS(fma_512, AVX512, __m512, _mm512_setzero_ps, TWENTY_FOUR, FMA_V, KEEP_V)
CHAINS(fma_256, AVX2, __m256, _mm256_setzero_ps, TWELVE, FMA_X, KEEP_X)
CHAINS(vnni_512, AVX512, __m512, _mm512_setzero_ps, TWENTY_FOUR, VNNI_V, KEEP_V)
CHAINS(vnni_256, AVX2, __m256, _mm256_setzero_ps, TWELVE, VNNI_X, KEEP_X)
CHAINS(vnni_256_evex, AVX512, __m256, _mm256_setzero_ps, TWELVE, VNNI_V, KEEP_V)
CHAINS(madd_256, AVX2, __m256, _mm256_setzero_ps, TWELVE, MADD_X, KEEP_X)
CHAINS(bf16_512, AVX512, __m512, _mm512_setzero_ps, TWENTY_FOUR, BF16_V, KEEP_V)
CHAINS(fp16_512, AVX512, __m512, _mm512_setzero_ps, TWENTY_FOUR, FP16_V, KEEP_V)
CHAINS(sse_128, , __m128, _mm_setzero_ps, TWELVE, SSE_X, KEEP_X)

hr_compute_loop hr_compute_loop_at(int32_t index) {
  // A multiply and an add are two operations a lane; a dot product of pairs is four, of fours eight.
  const hr_compute_loop loops[] = {
      {"fma-512", HR_FORMAT_FP32, HR_CPU_AVX512, 24 * 16 * 2, fma_512},
      {"fma-256", HR_FORMAT_FP32, HR_CPU_AVX2, 12 * 8 * 2, fma_256},
      {"sse-128", HR_FORMAT_FP32, 0, 12 * 4 * 2, sse_128},
      {"fma-fp16-512", HR_FORMAT_FP16, HR_CPU_AVX512_FP16, 24 * 32 * 2, fp16_512},
      {"dot-bf16-512", HR_FORMAT_BF16, HR_CPU_AVX512_BF16, 24 * 16 * 4, bf16_512},
      {"vnni-512", HR_FORMAT_INT8, HR_CPU_AVX512_VNNI, 24 * 16 * 8, vnni_512},
      {"vnni-256", HR_FORMAT_INT8, HR_CPU_AVX512_VNNI, 12 * 8 * 8, vnni_256_evex},
      {"avx-vnni-256", HR_FORMAT_INT8, HR_CPU_AVX_VNNI, 12 * 8 * 8, vnni_256},
      {"maddubs-256", HR_FORMAT_INT8, HR_CPU_AVX2, 12 * 8 * 8, madd_256},
  };
  if (index < 0 || (size_t)index >= sizeof loops / sizeof loops[0]) {
    return (hr_compute_loop){"", HR_FORMAT_FP32, 0, 0, NULL};
  }
  return loops[index];
}

// What is stored is not 0: lines of zeros reach memory at twice the rate of others on Zen 5
// (70 to 90 GB/s against 38).
static const _Alignas(64) uint32_t memory_filling[16] = {
    0x3F8CCCCD, 0x400CCCCD, 0x40533333, 0x408CCCCD, 0x40B00000, 0x40D33333, 0x40F66666, 0x410CCCCD,
    0x411E6666, 0x41300000, 0x4141999A, 0x41533333, 0x4164CCCD, 0x41766666, 0x41840000, 0x418CCCCD};

// How memory is read: as it comes, or with lines prefetched, at a distance or by pages.
typedef enum { MEMORY_READS, MEMORY_PREFETCHES, MEMORY_PREFETCHES_PAGES } memory_pattern;

static inline __attribute__((always_inline)) void memory_prefetch(const memory_pattern pattern,
                                                                  const char *p, int64_t ahead) {
  if (pattern == MEMORY_PREFETCHES_PAGES) hr_prefetch_ahead(p, 64);
  else if (pattern == MEMORY_PREFETCHES) _mm_prefetch(p + ahead, _MM_HINT_T0);
}

#pragma clang attribute push(AVX512, apply_to = function)
#define MEMORY(name) memory_##name##_512
#define MEMORY_VECTOR __m512i
#define MEMORY_LOAD _mm512_load_si512
#define MEMORY_STORE _mm512_store_si512
#define MEMORY_STORE_NON_TEMPORAL _mm512_stream_si512
#define MEMORY_OR _mm512_or_si512
#define MEMORY_ZERO _mm512_setzero_si512
#include "ceilings_memory.inc"
#pragma clang attribute pop

#pragma clang attribute push(AVX2, apply_to = function)
#define MEMORY(name) memory_##name##_256
#define MEMORY_VECTOR __m256i
#define MEMORY_LOAD _mm256_load_si256
#define MEMORY_STORE _mm256_store_si256
#define MEMORY_STORE_NON_TEMPORAL _mm256_stream_si256
#define MEMORY_OR _mm256_or_si256
#define MEMORY_ZERO _mm256_setzero_si256
#include "ceilings_memory.inc"
#pragma clang attribute pop

#define MEMORY(name) memory_##name##_128
#define MEMORY_VECTOR __m128i
#define MEMORY_LOAD _mm_load_si128
#define MEMORY_STORE _mm_store_si128
#define MEMORY_STORE_NON_TEMPORAL _mm_stream_si128
#define MEMORY_OR _mm_or_si128
#define MEMORY_ZERO _mm_setzero_si128
#include "ceilings_memory.inc"

hr_memory_loops hr_memory_loops_for(uint32_t features) {
  if (features & HR_CPU_AVX512) return memory_loops_512(HR_CPU_AVX512);
  if (features & HR_CPU_AVX2) return memory_loops_256(HR_CPU_AVX2);
  return memory_loops_128(0);
}
#endif
