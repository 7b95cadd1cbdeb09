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
  /// In fp32, and rounded to 16 bits whenever they are read: operands of `gemm` alone.
  HR_ROUNDED_FP16 = 3,
  HR_ROUNDED_BF16 = 4,
} hr_element;

/// The inner loops of C[m,n] = A[m,k] · B[n,k]ᵀ for one way of storing A and B; sums in fp32.
///
/// A product is made of tiles, a tile of steps along k. A step is one k, or a pair where b is bf16.
/// Strides are in elements, from one row to the next.
typedef struct {
  /// The largest tile that keeps its sums in registers.
  int32_t tile_rows, tile_columns;
  /// How many k a step takes, and the bytes in it of b for one column, of a for one row.
  int32_t step, step_bytes, a_step_bytes;

  /// Multiplies rows by one panel of b: c[rows, columns] = (accumulate ? c : 0) + a[rows, k] · b[k, columns],
  /// where k is steps · step.
  ///
  /// `a` is tile × k × row as `pack_a` leaves each tile; there are as many tiles as rows need, and they are
  /// as equal as they come: tile i of t holds the rows from i · rows / t to (i + 1) · rows / t. `b` is step ×
  /// tile_columns × k of the step, as `pack_b` leaves it; only the first `columns` of it are stored. If
  /// `prefetches` is not 0, the panel that follows `b` in memory is prefetched meanwhile.
  void (*multiply)(const float *a, const void *b, float *c, int64_t c_stride, int64_t steps,
                   int32_t rows, int32_t columns, int32_t accumulate,
                   int32_t prefetches);

  /// Packs a tile of a: from[rows, k], row-major as A is stored, becomes to[k, rows] in fp32, or pairs of
  /// bf16 × rows where the loops multiply those. rows ≤ tile_rows; after an odd k there is one k more, of
  /// zeros.
  void (*pack_a)(const void *from, int64_t stride, float *to, int64_t k, int32_t rows);

  /// Packs a panel of b: from[rows, k], row-major as B is stored, becomes step × tile_columns × k of the
  /// step, in B's own format. rows ≤ tile_columns; missing rows become zeros, and so does the second of a
  /// pair after an odd k.
  void (*pack_b)(const void *from, int64_t stride, void *to, int64_t k, int32_t rows);
} hr_matmul_kernels;

/// The inner loops of C[m,n] = A[m,k] · B[n,k]ᵀ where both are packed within the call and multiplied in fp32,
/// however they are stored; or, where `step` is 2, in pairs of bf16.
///
/// The order of a result's sum follows from k alone: neither from the rows beside it nor from their number.
/// The layouts are those of `hr_matmul_kernels`, a step of 4 bytes for each row and each column.
typedef struct {
  int32_t tile_rows, tile_columns, step;
  /// As `hr_matmul_kernels.multiply`.
  void (*multiply)(const float *a, const void *b, float *c, int64_t c_stride, int64_t steps,
                   int32_t rows, int32_t columns, int32_t accumulate, int32_t prefetches);
  /// Packs a tile of a, which is stored as it is, from[rows, k], or transposed, from[k, rows].
  void (*pack_a_rows)(const void *from, int64_t stride, float *to, int64_t k, int32_t rows);
  void (*pack_a_columns)(const void *from, int64_t stride, float *to, int64_t k, int32_t rows);
  /// Packs a panel of b, which is stored as it is, from[columns, k], or transposed, from[k, columns].
  void (*pack_b_rows)(const void *from, int64_t stride, void *to, int64_t k, int32_t columns);
  void (*pack_b_columns)(const void *from, int64_t stride, void *to, int64_t k, int32_t columns);
} hr_gemm_kernels;

/// Where the rows of a group of heads lie: row r is token r / group, head r % group; strides are in
/// elements. `count` rows from `first` on are a tile's.
typedef struct {
  int64_t first;
  int32_t count, group;
  int64_t token_stride, head_stride;
} hr_rows;

/// The largest number of keys that `attend_row` takes.
enum { HR_FEW_KEYS = 32 };

/// What attention does around its products, for one way of storing queries, keys and values.
///
/// A tile is `columns` queries, one a lane: scores are key × column, sums of values head_dim × column.
/// `ends`, `first` and `last` count keys of the tile of keys at hand. There is one of the `ends` for each
/// vector of `lanes` columns: its columns see no key from there on, and its scores there are never read.
typedef struct {
  /// Queries of a tile, and those of them that one vector holds.
  int32_t columns, lanes;

  /// Queries become columns: from[rows.count, head_dim] becomes to[head_dim, columns] in fp32. Columns beyond
  /// the rows repeat the last one.
  void (*pack_rows)(const void *from, hr_rows rows, int64_t head_dim, float *to);
  /// The same of rows in fp32, whatever the precision: sums that go on.
  void (*pack_sums)(const void *from, hr_rows rows, int64_t head_dim, float *to);
  /// Values, from[rows, head_dim] with rows `stride` elements apart, as matmul's `multiply` reads its `a`:
  /// tile i of `tiles` holds the columns from i · head_dim / tiles to (i + 1) · head_dim / tiles as row ×
  /// column in fp32.
  void (*pack_values)(const void *from, int64_t stride, int64_t rows, int64_t head_dim, int32_t tiles,
                      float *to);
  /// Columns become rows again: from[head_dim, columns] becomes to[rows.count, head_dim] in fp32, each row
  /// divided by its own of sum[columns]; rows are not divided where that is NULL.
  void (*unpack_rows)(const float *from, const float *sum, hr_rows rows, int64_t head_dim, float *to);
  /// In scores[key, columns], those of keys outside first[column] to last[column] become minus infinity.
  void (*mask)(float *scores, const int32_t *ends, const int32_t *first, const int32_t *last);
  /// One step of the online softmax: scores[key, columns] become 2^(scale · score − max) with the new
  /// max[columns], and sum[columns] becomes sum · factor plus their sum. factor[columns] is
  /// 2^(old max − new max), which sums of values are to be scaled by.
  void (*softmax)(float *scores, const int32_t *ends, float scale, float *max, float *sum,
                  float *factor);
  /// sums[head_dim, column] *= factor[column], for the first `columns` of a tile, which are whole vectors.
  void (*scale)(float *sums, int64_t head_dim, const float *factor, int32_t columns);
  /// All of attention for one query: to[head_dim] = softmax(q[head_dim] · k[keys, head_dim]ᵀ) ·
  /// v[keys, head_dim], for up to `HR_FEW_KEYS` keys. Rows of keys and of values lie `stride` elements apart;
  /// `scale` is that of `softmax`, and `to` is in fp32.
  void (*attend_row)(const void *q, const void *k, const void *v, int64_t stride, int32_t keys,
                     int64_t head_dim, float scale, float *to);
  /// to[count] = 2^from[count] for numbers up to 0, as `softmax` computes it: within 1 ulp, and 0 from 2^−127
  /// down at the latest.
  void (*exp2)(const float *from, float *to, int64_t count);
} hr_attention_kernels;

/// Rotates the pairs of one head of one token: to[2 · pairs] = from[2 · pairs], its pair i by the angle of
/// cosines[i] and sines[i]; `to` may be `from`. Pair i is the numbers 2 i and 2 i + 1, or, where `apart` is
/// not 0, i and pairs + i.
typedef void (*hr_rope)(const void *from, const float *cosines, const float *sines, int64_t pairs,
                        int32_t apart, void *to);

/// How keys and values of tokens that were seen lie in a cache.
typedef enum : uint32_t {
  HR_CACHE_FP32 = 0,
  HR_CACHE_FP16 = 1,
  HR_CACHE_BF16 = 2,
  /// 32 numbers of a token's head share an fp16 scale; their codes are 8 bits …
  HR_CACHE_Q8_0 = 3,
  /// … or 4 bits.
  HR_CACHE_Q4_0 = 4,
} hr_cache_type;

/// A stretch of memory that is read line after line: where it ends, and how many bytes from there the lines
/// begin that are read after it.
typedef struct {
  const void *end;
  int64_t onward;
} hr_run;

/// The largest number of rows of queries that go side by side: a group of 7 or 8 heads reads a cache once.
#define HR_CACHE_ROWS 8

/// The inner loops over the keys of one head.
///
/// They lie in blocks of `width` tokens, 16, 32 or 64, so that a token is a lane: head_dim × width.
/// Where they are quantized, a block is groups of 32 of head_dim; a group has width fp16 scales, and
/// then words of width × 4 bytes. Word i of q8_0 is 4 i … 4 i + 3 of the group, plus 128; of q4_0
/// that in the low half of the bytes, less its sign as 8 more, and 16 + 4 i … in the high half.
typedef struct {
  /// Bytes that 32 numbers of a query take for `scores`: 128 as they are, 40 in 8 bits.
  int32_t query_bytes;
  /// Packs from[rows, head_dim] times `scale` as `scores` reads it: rows × head_dim in fp32, or, in 8 bits,
  /// rows × (head_dim / 32) of `hr_quantized_row`.
  void (*pack_queries)(const float *from, int32_t rows, int64_t head_dim, float scale, void *to);
  /// to[rows, tokens] = queries[rows, head_dim] · block[head_dim, tokens], for up to `HR_CACHE_ROWS` rows of
  /// packed queries and the first `tokens` keys of a block; products with as many more keys as fill a vector
  /// are stored, too. Rows of `to` lie `stride` floats apart. What comes next in `run` is prefetched, and
  /// nothing where `run` is NULL.
  void (*scores)(const void *block, int32_t width, int32_t tokens, int64_t head_dim,
                 const void *queries, int32_t rows, float *to, int64_t stride,
                 const hr_run *run);
  /// Stores the key from[head_dim] as the `token`-th of a block, in the block's type.
  void (*store)(const float *from, int64_t head_dim, int32_t width, int32_t token, void *block);
} hr_cache_keys;

/// The inner loops over the values of one head.
///
/// They lie in blocks of `width` tokens likewise: 64 of head_dim after 64, each token after token, and
/// head_dim filled up to a multiple of 16. Where they are quantized, a block is head_dim / 32 groups of width
/// fp16 scales, and then codes, group after group, each two tokens after two: byte 2 i of the first,
/// 2 i + 1 of the second. Those of q8_0 have their sign; of q4_0 byte i is 16 + i of the group in its
/// high half.
typedef struct {
  /// sums[rows, head_dim] += weights[rows, tokens] · block[tokens, head_dim], for up to `HR_CACHE_ROWS` rows
  /// and the first `tokens` values of a block. Rows of weights lie `stride` floats apart, and rows of sums
  /// head_dim, filled up to a multiple of 16. Of a quantized block all `width` weights are read: those from
  /// `tokens` on must be 0. `run` is as with keys.
  void (*add)(const void *block, int32_t width, int32_t tokens, int64_t head_dim,
              const float *weights, int64_t stride, int32_t rows, float *sums,
              const hr_run *run);
  /// Stores the value from[head_dim] as the `token`-th of a block, in the block's type.
  void (*store)(const float *from, int64_t head_dim, int32_t width, int32_t token, void *block);
} hr_cache_values;

/// What a step of decoding does besides. Sums of values are rows × head_dim, filled up to a multiple of 16.
typedef struct {
  /// scores[rows, count], exponents of 2, become weights: 2^(score − max) with the new max[rows], and 0
  /// outside first[row] to last[row]. sum[rows] and sums[rows, head_dim], which hold what was summed before,
  /// are multiplied by 2^(old max − new max); then the weights of each row are added to its `sum`. `count` is
  /// a multiple of 16, and rows of scores lie `stride` floats apart. A row whose `first` lies after its
  /// `last` sees nothing: its weights are 0. Memory would rest meanwhile: if `next` is not NULL, lines from
  /// there on are prefetched, one for a few scores.
  void (*softmax)(float *scores, int64_t stride, int64_t count, int32_t rows,
                  const int32_t *first, const int32_t *last, float *max, float *sum, float *sums,
                  int64_t head_dim, const void *next);
  /// Puts the spans of one row together: to[head_dim] = Σ 2^(maxᵢ − max) · sumsᵢ[head_dim] ÷ Σ 2^(maxᵢ − max)
  /// · sumᵢ over `spans` of them, where max is the largest of all. The sums, the `max` and the `sum` of a
  /// span lie `apart` floats after those of the span before.
  void (*combine)(const float *sums, const float *max, const float *sum, int64_t spans,
                  int64_t apart, int64_t head_dim, float *to);
} hr_decode_loops;

/// What a decoder does between its products, all of it in fp32.
typedef struct {
  /// Scales one row to unit root mean square, then by a gain: y = x · gain / √(Σ x² / columns + epsilon);
  /// x, gain and y are [columns].
  void (*norm)(const float *x, const float *gain, int64_t columns, float epsilon, float *y);
  /// to[count] = gate / (1 + e^−gate) · up, number by number; `to` may be either.
  void (*swiglu)(const float *gate, const float *up, int64_t count, float *to);
  /// to[count] = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), number by number; `to` may be `x`.
  void (*gelu)(const float *x, int64_t count, float *to);
  /// to[count] += x[count].
  void (*add_to)(const float *x, int64_t count, float *to);
} hr_layer_loops;

/// How AdamW and its simpler kin go one step.
typedef struct {
  /// What the gradient is multiplied by first: 1, or what clipping and scaled losses ask for.
  float gradient_scale;
  float rate, beta1, beta2, epsilon, decay;
  /// 1 − β₁ᵗ and √(1 − β₂ᵗ) of step t.
  float correction1, root_correction2;
} hr_optimizer_step;

/// Numbers of a state that share a scale.
enum { HR_STATE_BLOCK = 256 };
/// The code of 0 in the first state; that of the second is 0.
enum { HR_STATE_FIRST_ZERO = 127 };

/// What a training step does between its products. Activations that are kept are stored as the loops were
/// asked for; their gradients, sums and parameters are in fp32.
typedef struct {
  /// y = x · inverse · gain with inverse = 1 / √(Σ x² / columns + epsilon), which comes back; x, gain and y
  /// are [columns], x and y as stored.
  float (*norm)(const void *x, const float *gain, int64_t columns, float epsilon, void *y);
  /// dx[columns] (+)= inverse · (gain ∘ dy − x · inverse² · Σ (gain ∘ dy ∘ x) / columns); x is as stored.
  /// Where `accumulate` is 0, dx is written.
  void (*norm_backward)(const void *x, const float *gain, float inverse, const float *dy,
                        int64_t columns, int32_t accumulate, float *dx);
  /// dgain[columns] += Σ dy[rows, columns] · x[rows, columns] · inverse[rows]; rows of dy and x lie `stride`
  /// numbers apart.
  void (*norm_gain)(const void *x, const float *inverse, const float *dy, int64_t rows,
                    int64_t stride, int64_t columns, float *dgain);
  /// to[count] = gate · sigmoid(gate) · up, all as stored.
  void (*swiglu)(const void *gate, const void *up, int64_t count, void *to);
  /// From dy[count]: dgate and dup; gate and up are as stored. `dup` may be `dy`.
  void (*swiglu_backward)(const void *gate, const void *up, const float *dy, int64_t count,
                          float *dgate, float *dup);
  /// The largest of logits[columns], and Σ 2^((logit − largest) · log₂ e).
  void (*softmax_sums)(const float *logits, int64_t columns, float *largest, float *sum);
  /// logits[columns] become by · e^(logit − log_sum): the derivative of the loss, but for the target's.
  void (*softmax_scaled)(float *logits, int64_t columns, float log_sum, float by);
  /// Of scores[rows, columns] and dp[rows, columns], rows `stride` apart: scores become p = 2^(score · scale −
  /// log_sum[row]) for the columns from first[row] to before end[row], and 0 elsewhere; dp becomes
  /// p · (dp − delta[row]).
  void (*attention_backward)(float *scores, float *dp, int64_t rows, int64_t columns,
                             int64_t stride, float scale, const float *log_sum,
                             const float *delta, const int32_t *first, const int32_t *end);
  /// Columns become rows: to[count, depth], rows `to_stride` apart, (+)= by · from[depth, count], rows
  /// `from_stride` apart. Where `accumulate` is 0, they are written.
  void (*store_columns)(const float *from, int64_t from_stride, int64_t depth, int64_t count,
                        float by, int32_t accumulate, float *to, int64_t to_stride);
  /// Σ x · y, x as stored.
  float (*dot)(const void *x, const float *y, int64_t count);
  /// to[count] = from[count], or from + around, as stored.
  void (*narrow)(const float *from, const void *around, int64_t count, void *to);
  /// x[count] *= by.
  void (*scale)(float *x, float by, int64_t count);
  /// The sum of squares, in fp64.
  double (*squares)(const float *x, int64_t count);
  /// w ← w · (1 − rate · decay) − rate · (m / correction1) / (√v / root_correction2 + epsilon) with
  /// m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g².
  void (*adamw)(const hr_optimizer_step *step, const float *g, int64_t count, float *w, float *m,
                float *v);
  /// The same with states in 8 bits: blocks of `HR_STATE_BLOCK` numbers have a scale each, their largest
  /// magnitude. Weights are updated from the moments before they are rounded.
  void (*adamw8)(const hr_optimizer_step *step, const float *g, int64_t count, float *w, uint8_t *m,
                 uint8_t *v, float *m_scales, float *v_scales);
  /// m ← β₁ m + g, w ← w · (1 − rate · decay) − rate · m; without `m`, m is g.
  void (*momentum)(const hr_optimizer_step *step, const float *g, int64_t count, float *w,
                   float *m);
} hr_training_loops;

/// How quantized weights lie in a panel of `columns` outputs, which inner loops read front to back.
///
/// A panel is groups in the order of k; a group is a header (the scales of its outputs) and then
/// sub-blocks of 32 k: first code bits, four consecutive k of one output in one 32-bit lane.
typedef enum : uint32_t {
#define HR_FORMAT(NAME, ...) HR_##NAME,
#include "formats.def"
} hr_quantization;

/// 32 activations of one row in 8 bits. Super-blocks' may be the values alone.
typedef struct {
  int8_t values[32];
  /// As the format's `hr_activation_sums` say.
  union {
    struct {
      float scale;
      union { int32_t start; float sum; };
    };
    int32_t starts[2];
  };
} hr_quantized_row;

/// What a super-block's 256 activations of one row have in common; it follows the sub-blocks of all
/// rows.
typedef struct {
  float scale;
  /// Two 16-bit sums each, as the format's `hr_activation_sums` say.
  int32_t pairs[8];
  uint32_t unused;
} hr_quantized_super;

/// Which sums of activations a format needs: for its constant zero point, or for its minima.
typedef enum : uint32_t {
  /// The start of an integer sum over 32: what a constant zero point takes away.
  HR_STARTS = 0,
  /// Their sum in fp32: what a minimum is times.
  HR_SUMS = 1,
  /// Of super-blocks: starts over each 16, …
  HR_STARTS_OF_16 = 2,
  /// … or pairs of sums, over each 16 or each 32.
  HR_PAIRS_OF_16 = 3,
  HR_PAIRS_OF_32 = 4,
} hr_activation_sums;

/// The facts of a format, as formats.def lists them.
typedef struct {
  /// Weights and bytes of a block; 1 and 0 where each weight is stored by itself and scales are apart.
  int32_t block_weights, block_bytes;
  /// Bits of a code, and the code that stands for 0; 0 where the format has minima.
  int32_t bits, zero;
  /// Bytes of a panel group's header, for each output.
  int32_t header;
  /// Sub-blocks in a group; 0 where it is the caller's to say.
  int32_t sub_blocks;
  /// Activations that share a scale, and which sums of them products need.
  int32_t activation_block;
  hr_activation_sums sums;
} hr_quantized_format;

/// One format's facts: a constant, where the format is one.
static inline __attribute__((always_inline)) hr_quantized_format hr_format_facts(
    hr_quantization format) {
  switch (format) {
#define HR_FORMAT(NAME, name, WEIGHTS, BYTES, BITS, ZERO, HEADER, SUB_BLOCKS, BLOCK, SUMS, ...) \
  case HR_##NAME:                                                                              \
    return (hr_quantized_format){WEIGHTS, BYTES,      BITS,  ZERO,                              \
                                 HEADER,  SUB_BLOCKS, BLOCK, SUMS};
#include "formats.def"
  }
  return (hr_quantized_format){0};
}

/// The inner loops of products with one format's panels: C[m,n] = A[m,k] · W[n,k]ᵀ, sums in fp32.
typedef struct {
  /// sums[rows, columns] += a[rows, k] · panel[k, columns], by integer products of sub-blocks, for the k of
  /// `groups` groups of one panel. A group has `given` sub-blocks where the format does not say how many; `a`
  /// is what `quantize_rows` made of these rows and k.
  void (*multiply)(const void *panel, int64_t groups, int32_t given, const void *a, int32_t rows,
                   float *sums);
  /// to[k, columns] becomes the weights of `groups` groups of one panel in fp32, as `panel_matmul` reads its
  /// `b`.
  void (*widen)(const void *panel, int64_t groups, int32_t given, float *to);
  /// Packs codes[columns, 32], a byte a code, to the 32 · bits · columns / 8 bytes of one sub-block.
  void (*pack_codes)(const uint8_t *codes, int32_t bits, void *to);
  /// Rounds from[rows, k], fp32 in rows `stride` floats apart, to 8 bits, with a scale for each `block` of a
  /// row. `to` becomes sub-block × row of `hr_quantized_row`; of super-blocks it is super-block × (sub-block
  /// × row, then row of `hr_quantized_super`). A k that is no multiple of 32 is filled up with zeros, and
  /// `from` lies at a multiple of the block.
  void (*quantize_rows)(const float *from, int64_t stride, int64_t k, int32_t rows,
                        int32_t block, hr_activation_sums sums, int32_t zero, void *to);
  /// c[rows, columns] = (accumulate ? c : 0) + sums, for the first `columns` of a panel, in rows of c that
  /// lie `c_stride` floats apart; the sums become zeros.
  void (*store_sums)(float *sums, int32_t rows, float *c, int64_t c_stride, int32_t columns,
                     int32_t accumulate);
  /// Outputs of a panel, and bits of a code.
  int32_t columns, bits;
  /// Bytes of a group's header, for each output.
  int32_t header;
  /// Sub-blocks in a group; 0 where it is the caller's to say.
  int32_t sub_blocks;
  /// Activations that share a scale.
  int32_t activation_block;
  /// Bytes that 32 of them take.
  int32_t row_bytes;
  /// The code that stands for 0; 0 where the format has minima.
  int32_t zero;
  /// Which sums of activations `quantize_rows` is to keep.
  hr_activation_sums sums;
} hr_quantized_kernels;

/// Dequantizes `blocks` whole blocks, one after the other as GGUF lays them out: to[blocks, weights of a
/// block] in fp32. If `non_temporal` is not 0, stores go past the caches, and `to` starts on a line's
/// boundary.
typedef void (*hr_dequantize)(const void *from, int64_t blocks, float *to, int32_t non_temporal);

/// Dequantizing what is not laid out in GGUF's blocks, to fp32; `non_temporal` as above.
typedef struct {
  /// to[blocks, 64] = the levels of codes[blocks, 64] · scales[blocks], for nf4's codes: two in a byte, the
  /// earlier in the high half.
  void (*nf4)(const uint8_t *codes, const float *scales, int64_t blocks, float *to,
              int32_t non_temporal);
  /// to[count] = codes[count] · scale, for signed bytes.
  void (*bytes)(const int8_t *codes, float scale, int64_t count, float *to,
              int32_t non_temporal);
  /// `count` outputs from `first` on of to[rows, columns], which is given whole: (code − zero) · scale. A row
  /// is an output, a column a k. `words` is (columns · bits / 32) × rows, each output's codes following each
  /// other along k, lowest bits first; `scales` is (columns / group) × rows in fp16; `zeros` is (columns /
  /// group) × zero_words, codes following each other along the outputs, and NULL where the middle code stands
  /// for 0.
  void (*words)(const uint32_t *words, int32_t bits, int64_t rows, int64_t first, int64_t count,
                int64_t columns, int64_t group, const uint16_t *scales, const uint32_t *zeros,
                int64_t zero_words, float *to, int32_t non_temporal);
  /// The same where `words` is columns × (rows / 8), each word with the 4-bit codes of eight outputs: from
  /// the lowest bits up those of outputs 0, 2, 4, 6, 1, 3, 5, 7. `zeros` are there, and lie likewise; `first`
  /// and `count` are multiples of 8.
  void (*words_awq)(const uint32_t *words, int32_t bits, int64_t rows, int64_t first, int64_t count,
                    int64_t columns, int64_t group, const uint16_t *scales, const uint32_t *zeros,
                    int64_t zero_words, float *to, int32_t non_temporal);
} hr_dequantize_loops;

/// Rounds from[rows, columns] to the bytes to[rows, columns], each row by a scale of its own in scales[rows]:
/// its largest magnitude / 127. A code of `zero` (0 or 128) stands for 0.
void hr_bytes_of_rows(const float *from, int64_t columns, int64_t rows, int32_t zero, uint8_t *to,
                      float *scales);
/// to[rows, columns] = products[rows, columns] · row_scales[rows] · column_scales[columns].
void hr_scale_products(const int32_t *products, int64_t rows, int64_t columns,
                       const float *row_scales, const float *column_scales, float *to);
/// values[rows, columns] *= scales[rows].
void hr_scale_rows(float *values, int64_t rows, int64_t columns, const float *scales);

/// Sets of instructions that inner loops are written for.
typedef enum : uint32_t {
  /// Needs HR_CPU_AVX2.
  HR_AVX2 = 0,
  /// HR_AVX2 with HR_CPU_AVX_VNNI.
  HR_AVX_VNNI = 1,
  /// Needs HR_CPU_AVX512.
  HR_AVX512 = 2,
  /// HR_AVX512 with HR_CPU_AVX512_VNNI.
  HR_AVX512_VNNI = 3,
  /// HR_AVX512 with HR_CPU_AVX512_BF16: products of denormal bf16 count as 0.
  HR_AVX512_BF16 = 4,
} hr_instruction_set;

/// The inner loops that are written for one set of instructions. A member is NULL where the set adds
/// nothing to the one that it extends: the loops of that one serve both.
typedef struct {
  /// Products of A, stored as `a`, with B, stored as `b`.
  hr_matmul_kernels (*matmul)(hr_element a, hr_element b);
  /// The same with tiles as wide as quantized panels are.
  hr_matmul_kernels (*panel_matmul)(hr_element a, hr_element b);
  /// Products of A, stored as `a`, with B, stored as `b`, both packed within the call. A set may have them only
  /// for numbers in bf16: it gives a NULL `multiply` for others.
  hr_gemm_kernels (*gemm)(hr_element a, hr_element b);
  /// What a training step does between its products, for activations stored as `element`.
  hr_training_loops (*training)(hr_element element);
  /// Attention around its products, for queries, keys and values stored as `element`.
  hr_attention_kernels (*attention)(hr_element element);
  /// Rotary embedding of heads stored as `element`.
  hr_rope (*rope)(hr_element element);
  /// Scores against cached keys of a type.
  hr_cache_keys (*cache_keys)(hr_cache_type type);
  /// Sums of cached values of a type.
  hr_cache_values (*cache_values)(hr_cache_type type);
  /// Softmax of a step of decoding, and putting its spans together.
  hr_decode_loops (*decode)(void);
  /// Norms, activations and sums between a layer's products.
  hr_layer_loops (*layers)(void);
  /// Products with panels of a quantized format.
  hr_quantized_kernels (*quantized)(hr_quantization format);
  /// Dequantizing of a format's blocks; it gives NULL for a format that is not stored in blocks.
  hr_dequantize (*dequantize)(hr_quantization format);
  /// Dequantizing of all other formats.
  hr_dequantize_loops (*dequantize_others)(void);
} hr_loops;

/// One set's loops, to be called only where the processor has its features; all NULL on processors of
/// another family.
hr_loops hr_loops_for(hr_instruction_set set);

/// A number format that the machine may have units for.
typedef enum : uint32_t {
  HR_FORMAT_FP32 = 0,
  HR_FORMAT_FP16 = 1,
  HR_FORMAT_BF16 = 2,
  HR_FORMAT_INT8 = 3,
} hr_format;

/// A loop of independent chains of one instruction in registers: the maximum rate of a unit.
typedef struct {
  /// `fma-512`, `vnni-512`, …: the unit's name in reports.
  const char *unit;
  hr_format format;
  /// The features it needs, as from `hr_cpu_features`.
  uint32_t features;
  double flops_per_iteration;
  /// Runs the chains so many times.
  void (*spin)(int64_t iterations);
} hr_compute_loop;

/// The loops by index, widest first; a loop with a NULL `spin` ends the list.
hr_compute_loop hr_compute_loop_at(int32_t index);

/// In place of a distance: lines of one stream are prefetched as by `hr_prefetch_ahead`.
enum { HR_PAGES_AHEAD = -1 };

/// Loops over memory for one width of vector: `passes` times over the same bytes.
/// Pointers and lengths are multiples of 4096 bytes.
typedef struct {
  /// The features it needs.
  uint32_t features;
  /// Reads all, as one, two or four streams side by side, prefetching `ahead` bytes in advance (0: not, or
  /// `HR_PAGES_AHEAD`).
  void (*read)(const void *from, int64_t bytes, int32_t streams, int64_t ahead,
               int64_t passes);
  /// Plain stores, of what is not 0: zeros may reach memory faster than anything else does.
  void (*fill)(void *to, int64_t bytes, int64_t passes);
  /// Non-temporal stores, which go past the caches.
  void (*fill_non_temporal)(void *to, int64_t bytes, int64_t passes);
  /// Reads and plain stores: to[bytes] = from[bytes].
  void (*copy)(void *to, const void *from, int64_t bytes, int64_t passes);
  /// The same with non-temporal stores.
  void (*copy_non_temporal)(void *to, const void *from, int64_t bytes, int64_t passes);
} hr_memory_loops;

/// Prefetches `count` lines of memory, `apart` bytes from one another, that will be read soon.
static inline void hr_prefetch(const void *from, int64_t count, int64_t apart) {
  for (int64_t i = 0; i < count; i++) __builtin_prefetch((const char *)from + i * apart);
}

/// The same of memory that will be written.
static inline void hr_prefetch_to_write(void *from, int64_t count, int64_t apart) {
  for (int64_t i = 0; i < count; i++) __builtin_prefetch((char *)from + i * apart, 1);
}

/// What a reader of one line after the other prefetches: four pages.
enum { HR_AHEAD = 4 * 4096 };

/// Prefetches what a reader of one line after the other will read, who takes `bytes` at once and is now
/// at `at`: lines of the next four pages, which take turns. Processors follow each page by
/// themselves, too, as far as it goes, so that four are under way where one alone would leave memory
/// waiting: one thread of an Ice Lake server read 12.9 GB/s so, 10.3 with the same distance line by line.
///
/// Once in 256 bytes, for four lines: another thread may share the core, and then what is short is
/// instructions. What is read next lies `onward` bytes further.
static inline void hr_prefetch_onward(const void *at, int64_t bytes, int64_t onward) {
  const uintptr_t here = (uintptr_t)at;
  if ((int64_t)(here & 255) >= bytes) return;
  const char *ahead = (const char *)((here & -(uintptr_t)HR_AHEAD) + HR_AHEAD +
                                     ((here & (HR_AHEAD - 256)) >> 2));
  for (int page = 0; page < 4; page++) __builtin_prefetch(ahead + onward + page * 4096);
}

static inline void hr_prefetch_ahead(const void *at, int64_t bytes) { hr_prefetch_onward(at, bytes, 0); }

/// How much further than usual a reader of a run finds what is next, who is now at `at`.
static inline int64_t hr_onward(const hr_run *run, const void *at) {
  return run && (const char *)at + HR_AHEAD >= (const char *)run->end ? run->onward : 0;
}

/// The same for the first lines, as if those before them were being read.
static inline void hr_prefetch_first(const void *line) {
  for (int64_t i = -HR_AHEAD; i < 0; i += 256) hr_prefetch_ahead((const char *)line + i, 256);
}

/// The widest loops whose features are among `features`.
hr_memory_loops hr_memory_loops_for(uint32_t features);

#endif
