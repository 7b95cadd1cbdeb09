#ifndef HR_HALVES_H
#define HR_HALVES_H

#include <stdint.h>
#include <string.h>

// Floats as 16 bits. Used only where the processor has instructions for them.

// To the nearest, ties to even.
static inline __attribute__((always_inline)) uint16_t hr_half(float value) {
  _Float16 half = (_Float16)value;
  uint16_t bits;
  memcpy(&bits, &half, 2);
  return bits;
}
// Likewise; a NaN stays one.
static inline __attribute__((always_inline)) uint16_t hr_bfloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (value != value) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
static inline __attribute__((always_inline)) float hr_bfloat_to(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

#endif
