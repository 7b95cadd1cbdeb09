// The same loops for processors that have no file of their own, as far as plain C can say them.
#if !defined(__x86_64__)
#include "CMicrokernels.h"

#include <stddef.h>
#include <string.h>

typedef float lanes __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

static void multiply_add(int64_t iterations) {
  lanes c[12] = {0}, x = {0}, y = {0};
  for (int64_t n = 0; n < iterations; n++) {
    __asm__ volatile("" : "+m"(x), "+m"(y));
    for (int i = 0; i < 12; i++) c[i] += x * y;
  }
  __asm__ volatile("" : : "r"(c) : "memory");
}

hr_compute_loop hr_compute_loop_at(int32_t index) {
  if (index == 0) return (hr_compute_loop){"simd-128", HR_FORMAT_FP32, 0, 12 * 4 * 2, multiply_add};
  return (hr_compute_loop){"", HR_FORMAT_FP32, 0, 0, NULL};
}

static void read_plain(const void *from, int64_t bytes, int32_t streams, int64_t ahead,
                       int64_t passes) {
  (void)ahead;
  int64_t part = bytes / streams;
  words sum = {0};
  for (int64_t n = 0; n < passes; n++) {
    for (int64_t i = 0; i < part; i += 64)
      for (int32_t s = 0; s < streams; s++)
        for (int at = 0; at < 64; at += 16)
          sum |= *(const words *)((const char *)from + s * part + i + at);
    __asm__ volatile("" : "+m"(sum) : : "memory");
  }
}
static void fill_plain(void *to, int64_t bytes, int64_t passes) {
  for (int64_t n = 0; n < passes; n++) {
    memset(to, 0x3C, (size_t)bytes);
    __asm__ volatile("" : : : "memory");
  }
}
static void copy_plain(void *to, const void *from, int64_t bytes, int64_t passes) {
  for (int64_t n = 0; n < passes; n++) {
    memcpy(to, from, (size_t)bytes);
    __asm__ volatile("" : : : "memory");
  }
}

hr_memory_loops hr_memory_loops_for(uint32_t features) {
  (void)features;
  return (hr_memory_loops){0, read_plain, fill_plain, fill_plain, copy_plain, copy_plain};
}
#endif
