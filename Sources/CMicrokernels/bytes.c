// What surrounds a product of bytes by a library that leaves scales to its caller.
#include "CMicrokernels.h"

#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define CLONES
#endif

// Adding it to a small number leaves the nearest whole one in the lowest bits.
#define WHOLE 0x1.8p23f

CLONES
void hr_bytes_of_rows(const float *from, int64_t columns, int64_t rows, int32_t zero, uint8_t *to,
                      float *scales) {
  for (int64_t row = 0; row < rows; row++) {
    const float *a = from + row * columns;
    uint8_t *bytes = to + row * columns;
    // Magnitudes compare as whole numbers do, which, unlike floats, a compiler may reorder.
    uint32_t max_bits = 0;
    for (int64_t i = 0; i < columns; i++) {
      uint32_t bits;
      __builtin_memcpy(&bits, a + i, 4);
      bits &= 0x7fffffffu;
      max_bits = bits > max_bits ? bits : max_bits;
    }
    float max;
    __builtin_memcpy(&max, &max_bits, 4);
    float factor = max >= 0x1p-118f ? 127 / max : 0;
    scales[row] = max / 127;
    for (int64_t i = 0; i < columns; i++) {
      float shifted = a[i] * factor + (WHOLE + (float)zero);
      uint32_t bits;
      __builtin_memcpy(&bits, &shifted, 4);
      bytes[i] = (uint8_t)bits;
    }
  }
}

CLONES
void hr_scale_products(const int32_t *products, int64_t rows, int64_t columns,
                       const float *row_scales, const float *column_scales, float *to) {
  for (int64_t row = 0; row < rows; row++) {
    float scale = row_scales[row];
    for (int64_t i = 0; i < columns; i++)
      to[row * columns + i] = (float)products[row * columns + i] * (scale * column_scales[i]);
  }
}

CLONES
void hr_scale_rows(float *values, int64_t rows, int64_t columns, const float *scales) {
  for (int64_t row = 0; row < rows; row++) {
    float scale = scales[row];
    for (int64_t i = 0; i < columns; i++) values[row * columns + i] *= scale;
  }
}
