#ifndef HR_CACHE_CODES_H
#define HR_CACHE_CODES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "halves.h"

// 32 floats to unsigned codes and their fp16 scale, as GGUF's q8_0 (plus 128) and q4_0 have them.
//
// q8_0's scale is the largest magnitude / 127; q4_0's is the value of that magnitude / −8, so that it
// is code 0.
static inline __attribute__((always_inline)) uint16_t hr_codes_of_32(
    const float *x, const int bits, uint8_t *codes) {
  float max = 0, value = 0;
  for (int i = 0; i < 32; i++) {
    if (fabsf(x[i]) > max) {
      max = fabsf(x[i]);
      value = x[i];
    }
  }
  float scale = bits == 8 ? max / 127 : value / -8;
  float by = scale != 0 ? 1 / scale : 0;
  for (int i = 0; i < 32; i++) {
    int code = bits == 8 ? (int)roundf(x[i] * by) + 128 : (int)(x[i] * by + 8.5f);
    codes[i] = (uint8_t)(bits == 4 && code > 15 ? 15 : code);
  }
  return hr_half(scale);
}

#endif
