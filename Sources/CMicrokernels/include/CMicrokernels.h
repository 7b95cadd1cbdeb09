// SIMD inner loops. No allocation, no globals, no I/O; which instruction set is an argument.
#ifndef HR_CMICROKERNELS_H
#define HR_CMICROKERNELS_H

#include <stdint.h>

/// Sets of instructions that kernels here are written for, as the processor and the system offer them.
typedef enum : uint32_t {
  /// AVX2, FMA and F16C
  HR_CPU_AVX2 = 1u << 0,
  /// AVX-512 F, BW, DQ and VL
  HR_CPU_AVX512 = 1u << 1,
  HR_CPU_AVX512_VNNI = 1u << 2,
  HR_CPU_AVX512_BF16 = 1u << 3,
  HR_CPU_AVX512_FP16 = 1u << 4,
  HR_CPU_AVX_VNNI = 1u << 5,
} hr_cpu_feature;

/// The union of the `hr_cpu_feature`s that are usable here; 0 on other processors.
uint32_t hr_cpu_features(void);

/// How elements are stored.
typedef enum : uint32_t {
  HR_FP32 = 0,
  HR_FP16 = 1,
  HR_BF16 = 2,
} hr_element;

/// The inner loops of C[m,n] = A[m,k] · B[n,k]ᵀ for one way of storing A and B; sums in fp32.
typedef struct {
  /// The largest tile that keeps its sums in registers.
  int32_t tile_rows, tile_columns;
  /// The most rows that `dot` takes.
  int32_t dot_rows;

  /// One tile: c[rows, columns] = (accumulate ? c : 0) + a · b.
  /// `a` is depth × tile_rows, `b` depth × tile_columns, both packed; rows and columns may be
  /// fewer than the tile's.
  void (*tile)(const float *a, const void *b, float *c, int64_t c_stride, int64_t depth,
               int32_t rows, int32_t columns, int32_t accumulate);

  /// Dot products of whole rows: c[i, j] = Σ a[i, l] · b[j, l] for i < rows, j < columns.
  /// Nothing is packed; strides are in elements.
  void (*dot)(const float *a, int64_t a_stride, const void *b, int64_t b_stride, float *c,
              int64_t c_stride, int64_t depth, int32_t rows, int64_t columns);

  /// rows × depth, row-major, to depth × tile_rows in fp32; rows ≤ tile_rows.
  void (*pack_a)(const void *from, int64_t stride, float *to, int64_t depth, int32_t rows);

  /// rows × depth, row-major, to depth × tile_columns as stored; missing rows become zeros.
  void (*pack_b)(const void *from, int64_t stride, void *to, int64_t depth, int32_t rows);

  /// As stored to fp32.
  void (*widen)(const void *from, float *to, int64_t count);
} hr_matmul_kernels;

#if defined(__x86_64__)
/// Call only where `hr_cpu_features` has HR_CPU_AVX2.
hr_matmul_kernels hr_matmul_kernels_avx2(hr_element stored);
/// Call only where `hr_cpu_features` has HR_CPU_AVX512.
hr_matmul_kernels hr_matmul_kernels_avx512(hr_element stored);
#endif

/// A number format that the machine may have units for.
typedef enum : uint32_t {
  HR_FORMAT_FP32 = 0,
  HR_FORMAT_FP16 = 1,
  HR_FORMAT_BF16 = 2,
  HR_FORMAT_INT8 = 3,
} hr_format;

/// A loop of independent chains of one instruction in registers: what a unit can do at the most.
typedef struct {
  /// `fma-512`, `vnni-512`, …: the unit's name in reports.
  const char *unit;
  hr_format format;
  /// The features it needs, as from `hr_cpu_features`.
  uint32_t features;
  double flops_per_iteration;
  void (*spin)(int64_t iterations);
} hr_compute_loop;

/// The loops by index, widest first; a loop with a NULL `spin` ends the list.
hr_compute_loop hr_compute_loop_at(int32_t index);

/// Loops over memory for one width of vector: `passes` times over the same bytes.
/// Pointers and lengths are multiples of 4096 bytes.
typedef struct {
  /// The features it needs.
  uint32_t features;
  /// Reads all, as one, two or four streams side by side, asking `ahead` bytes in advance (0: not).
  void (*read)(const void *from, int64_t bytes, int32_t streams, int64_t ahead,
               int64_t passes);
  /// Plain stores.
  void (*fill)(void *to, int64_t bytes, int64_t passes);
  /// Stores past the caches.
  void (*fill_past_caches)(void *to, int64_t bytes, int64_t passes);
  void (*copy)(void *to, const void *from, int64_t bytes, int64_t passes);
  void (*copy_past_caches)(void *to, const void *from, int64_t bytes, int64_t passes);
} hr_memory_loops;

/// The widest loops whose features are among `features`.
hr_memory_loops hr_memory_loops_for(uint32_t features);

#endif
