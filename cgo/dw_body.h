// The depthwise kernel for AVX-512, compiled once for each set of
// instructions by a file that defines TARGET, the attribute that allows them,
// and taps, prepare and dot, the product of quads.
//
// A vector holds 64 channels of one pixel. Four neighbouring pixels of a row
// are interleaved byte by byte: eight shuffles make four vectors of quads,
// whose every 32 bits are the four pixels of one channel, and one VNNI
// instruction multiplies a vector by the taps of a row of the kernel and adds
// them up. The channels come out in another order, the lanes of 128 bits of
// the four vectors exchanged; packing the results to bytes puts them right.
//
// One step computes T neighbouring outputs in each of R rows, so that a quad
// serves all that it is a part of: output t takes it times taps shifted by t.
// A block of at most 32 channels leaves half a vector for the T outputs after
// these: then a step has G = 2 groups of outputs.

#include "dw.h"

#include <immintrin.h>

#define KERNEL static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 16")

enum { most_cols = 8, most_outputs = 4, most_quads = 2 };

// What all outputs of a block of channels share, in the order of the quads.
typedef struct {
    taps weights[5][most_outputs][most_quads][4]; // of a row, for output t
    __m512i start[4]; // of the sums
    __m512 src_scale, scale[4], bias[4], inverse, low, high;
    __mmask64 mask; // the channels
    int whole; // whether these fill the groups
    int clip; // by high; above 1 by low too
    int dst_signed;
} block;

// Where one step reads and writes.
typedef struct {
    const uint8_t *src; // the first row
    int64_t src_h;
    int there; // bit i: row i is inside the map
    // Of each group and column: the distance from the start of a row, and which
    // channels are read, none in the padding.
    int64_t at[2][most_cols];
    __mmask64 mask[2][most_cols];
    int64_t src_w, left; // for steps that are inside
    uint8_t *dst; // the first output
    int64_t dst_h, dst_w;
    int64_t outputs; // of a row
} place;

KERNEL void interleave(__m512i p0, __m512i p1, __m512i p2, __m512i p3,
        __m512i quads[4]) {
    __m512i a = _mm512_unpacklo_epi8(p0, p1), b = _mm512_unpacklo_epi8(p2, p3);
    __m512i c = _mm512_unpackhi_epi8(p0, p1), d = _mm512_unpackhi_epi8(p2, p3);
    quads[0] = _mm512_unpacklo_epi16(a, b);
    quads[1] = _mm512_unpackhi_epi16(a, b);
    quads[2] = _mm512_unpacklo_epi16(c, d);
    quads[3] = _mm512_unpackhi_epi16(c, d);
}

// Pixel col of a row: of both groups, apart pixels from each other, if G is 2.
KERNEL __m512i pixel(const place *p, int direct, int G, int row, int col,
        int apart) {
    const uint8_t *at = p->src + row * p->src_h;
    if (direct && G == 1)
        return _mm512_loadu_si512(at + p->left + col * p->src_w);
    if (G == 1)
        return _mm512_maskz_loadu_epi8(p->mask[0][col], at + p->at[0][col]);
    __m256i halves[2];
    UNROLL for (int g = 0; g < 2; g++) {
        halves[g] = direct
                ? _mm256_loadu_si256((const __m256i *)(at + p->left
                        + (col + g * apart) * p->src_w))
                : _mm256_maskz_loadu_epi8(
                        (__mmask32)p->mask[g][col], at + p->at[g][col]);
    }
    return _mm512_inserti64x4(_mm512_castsi256_si512(halves[0]), halves[1], 1);
}

// The scaled sums of one output, as bytes, in the order of operations of
// oneDNN: sum * src scale * weight scale + bias, clipped, / dst scale.
KERNEL __m512i finish(const block *b, const __m512i sum[4]) {
    __m512i whole[4];
    UNROLL for (int j = 0; j < 4; j++) {
        __m512 x = _mm512_cvtepi32_ps(sum[j]);
        x = _mm512_mul_ps(_mm512_mul_ps(x, b->src_scale), b->scale[j]);
        // By this name the compiler does not fuse it with the product, which
        // would round once instead of twice.
        x = _mm512_add_round_ps(x, b->bias[j], _MM_FROUND_CUR_DIRECTION);
        if (b->clip) {
            if (b->clip > 1) x = _mm512_max_ps(x, b->low);
            x = _mm512_min_ps(x, b->high);
        }
        whole[j] = _mm512_cvtps_epi32(_mm512_mul_ps(x, b->inverse));
    }
    __m512i low = _mm512_packs_epi32(whole[0], whole[1]);
    __m512i high = _mm512_packs_epi32(whole[2], whole[3]);
    return b->dst_signed ? _mm512_packs_epi16(low, high)
                         : _mm512_packus_epi16(low, high);
}

KERNEL void store(const block *b, const place *p, int direct, int G, int T,
        int row, int t, __m512i bytes) {
    uint8_t *at = p->dst + row * p->dst_h + t * p->dst_w;
    if (direct && G == 1) {
        _mm512_storeu_si512(at, bytes);
        return;
    }
    if (G == 1) {
        if (t < p->outputs) _mm512_mask_storeu_epi8(at, b->mask, bytes);
        return;
    }
    __m256i halves[2] = {_mm512_castsi512_si256(bytes),
            _mm512_extracti64x4_epi64(bytes, 1)};
    UNROLL for (int g = 0; g < 2; g++) {
        uint8_t *to = at + g * T * p->dst_w;
        if (direct)
            _mm256_storeu_si256((__m256i *)to, halves[g]);
        else if (g * T + t < p->outputs)
            _mm256_mask_storeu_epi8(to, (__mmask32)b->mask, halves[g]);
    }
}

// R rows of G * T outputs. direct: all columns are inside the map, all channels
// of a vector there. All but the pointers is known to the compiler.
KERNEL void step(const block *b, const place *p, int K, int S, int T, int R,
        int G, int flip, int direct) {
    const int cols = (T - 1) * S + K, rows = (R - 1) * S + K;
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    __m512i sum[2][most_outputs][4];
    UNROLL for (int o = 0; o < R; o++)
        UNROLL for (int t = 0; t < T; t++)
            UNROLL for (int j = 0; j < 4; j++) sum[o][t][j] = b->start[j];
    UNROLL for (int row = 0; row < rows; row++)
        UNROLL for (int q = 0; q < (cols + 3) / 4; q++) {
            __m512i px[4], quads[4];
            UNROLL for (int i = 0; i < 4; i++)
                quads[i] = flip ? sign : _mm512_setzero_si512();
            if (p->there >> row & 1) {
                UNROLL for (int i = 0; i < 4; i++) {
                    px[i] = _mm512_setzero_si512();
                    if (4 * q + i >= cols) continue;
                    px[i] = pixel(p, direct, G, row, 4 * q + i, T * S);
                    if (flip) px[i] = _mm512_xor_si512(px[i], sign);
                }
                interleave(px[0], px[1], px[2], px[3], quads);
            }
            UNROLL for (int o = 0; o < R; o++)
                UNROLL for (int t = 0; t < T; t++) {
                    const int k = row - o * S, first = 4 * q - t * S;
                    if (k < 0 || k >= K || first <= -4 || first >= K) continue;
                    UNROLL for (int j = 0; j < 4; j++)
                        sum[o][t][j] = dot(
                                sum[o][t][j], quads[j], &b->weights[k][t][q][j]);
                }
        }
    UNROLL for (int o = 0; o < R; o++)
        UNROLL for (int t = 0; t < T; t++)
            store(b, p, direct, G, T, o, t, finish(b, sum[o][t]));
}

// The columns of a step that starts at column left of the map, of which some
// may be in the padding. Those are not read, but their places are kept inside
// the row: an address of no memory at all would slow the CPU down.
KERNEL void columns(place *p, const octet_dw *dw, const block *b, int64_t left,
        int G, int cols, int apart) {
    UNROLL for (int g = 0; g < G; g++)
        UNROLL for (int i = 0; i < cols; i++) {
            int64_t w = left + g * apart + i;
            p->mask[g][i] = w >= 0 && w < dw->in_w ? b->mask : 0;
            w = w < 0 ? 0 : w < dw->in_w ? w : dw->in_w - 1;
            p->at[g][i] = w * dw->src_w;
        }
}

// R rows of dst from row y on, for the block of channels that src and dst point
// to.
KERNEL void rows(const octet_dw *dw, const block *b, const uint8_t *src,
        uint8_t *dst, int64_t y, int K, int S, int T, int R, int G, int flip) {
    const int cols = (T - 1) * S + K, height = (R - 1) * S + K;
    const int64_t top = y * S - dw->pad_top;
    place p;
    p.src = src + top * dw->src_h;
    p.src_h = dw->src_h, p.src_w = dw->src_w;
    p.dst_h = dw->dst_h, p.dst_w = dw->dst_w;
    p.there = 0;
    for (int i = 0; i < height; i++)
        p.there |= (top + i >= 0 && top + i < dw->in_h) << i;
    for (int64_t x = 0; x < dw->out_w; x += G * T) {
        const int64_t left = x * S - dw->pad_left;
        p.dst = dst + y * dw->dst_h + x * dw->dst_w;
        p.left = left * dw->src_w;
        p.outputs = dw->out_w - x;
        if (b->whole && left >= 0 && left + (G - 1) * T * S + cols <= dw->in_w
                && G * T <= p.outputs) {
            step(b, &p, K, S, T, R, G, flip, 1);
        } else {
            columns(&p, dw, b, left, G, cols, T * S);
            step(b, &p, K, S, T, R, G, flip, 0);
        }
    }
}

// All of these have the arguments of rows up to y, and R known.
typedef void (*rows_of)(const octet_dw *, const block *, const uint8_t *,
        uint8_t *, int64_t);

#define ROWS(K, S, T, R, G, flip) \
    TARGET static void rows_##K##_##S##_##R##_##G##_##flip(const octet_dw *dw, \
            const block *b, const uint8_t *src, uint8_t *dst, int64_t y) { \
        rows(dw, b, src, dst, y, K, S, T, R, G, flip); \
    }
#define ROWS_OF(K, S, T, R) \
    ROWS(K, S, T, R, 1, 0) \
    ROWS(K, S, T, R, 1, 1) \
    ROWS(K, S, T, R, 2, 0) \
    ROWS(K, S, T, R, 2, 1)
#define NAMES(K, S, R) \
    { \
        {rows_##K##_##S##_##R##_1_0, rows_##K##_##S##_##R##_1_1}, { \
            rows_##K##_##S##_##R##_2_0, rows_##K##_##S##_##R##_2_1 \
        } \
    }

ROWS_OF(3, 1, 2, 1)
ROWS_OF(3, 1, 2, 2)
ROWS_OF(3, 2, 1, 1)
ROWS_OF(3, 2, 1, 2)
ROWS_OF(5, 1, 4, 1)
ROWS_OF(5, 2, 2, 1)

// How a kernel size and stride is computed: outputs a step, rows a step, and
// the functions for 1 row and for all, by groups and sign.
typedef struct {
    int kernel, stride, outputs, rows;
    rows_of one[2][2], all[2][2];
} shape;

static const shape shapes[] = {
        {3, 1, 2, 2, NAMES(3, 1, 1), NAMES(3, 1, 2)},
        {3, 2, 1, 2, NAMES(3, 2, 1), NAMES(3, 2, 2)},
        {5, 1, 4, 1, NAMES(5, 1, 1), NAMES(5, 1, 1)},
        {5, 2, 2, 1, NAMES(5, 2, 1), NAMES(5, 2, 1)},
};

static const shape *shape_of(const octet_dw *dw) {
    const shape *s = shapes;
    while (s->kernel != dw->kernel || s->stride != dw->stride)
        s++;
    return s;
}

// Puts 64 floats of consecutive channels into the order of the quads: lane l of
// vector j holds four channels from 16 l + 4 j on.
KERNEL void permute(const __m512 from[4], __m512 to[4]) {
    __m512 a = _mm512_shuffle_f32x4(from[0], from[1], 0x44);
    __m512 b = _mm512_shuffle_f32x4(from[2], from[3], 0x44);
    __m512 c = _mm512_shuffle_f32x4(from[0], from[1], 0xee);
    __m512 d = _mm512_shuffle_f32x4(from[2], from[3], 0xee);
    to[0] = _mm512_shuffle_f32x4(a, b, 0x88);
    to[1] = _mm512_shuffle_f32x4(a, b, 0xdd);
    to[2] = _mm512_shuffle_f32x4(c, d, 0x88);
    to[3] = _mm512_shuffle_f32x4(c, d, 0xdd);
}

// The weights of one tap: for both groups where there are two.
KERNEL __m512i tap(const block *b, int groups, const int8_t *weights) {
    __m512i w = _mm512_maskz_loadu_epi8(b->mask, weights);
    return groups == 1 ? w : _mm512_shuffle_i64x2(w, w, 0x44);
}

KERNEL void set_weights(block *b, const octet_dw *dw, const shape *s,
        int groups, const int8_t *weights) {
    const int K = s->kernel;
    const int n_quads = ((s->outputs - 1) * s->stride + K + 3) / 4;
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    __m512i sum[4] = {0};
    for (int k = 0; k < K; k++)
        for (int t = 0; t < s->outputs; t++)
            for (int q = 0; q < n_quads; q++) {
                __m512i taps_of[4], quads[4];
                for (int i = 0; i < 4; i++) {
                    const int at = 4 * q + i - t * s->stride;
                    taps_of[i] = at < 0 || at >= K
                            ? _mm512_setzero_si512()
                            : tap(b, groups,
                                    weights + (k * K + at) * dw->channels);
                }
                interleave(taps_of[0], taps_of[1], taps_of[2], taps_of[3], quads);
                for (int j = 0; j < 4; j++) {
                    b->weights[k][t][q][j] = prepare(quads[j]);
                    if (t == 0)
                        sum[j] = dot(sum[j], sign, &b->weights[k][t][q][j]);
                }
            }
    // Signed pixels are read 128 too large, zeros of the padding too.
    for (int j = 0; j < 4; j++)
        b->start[j] = dw->src_signed
                ? _mm512_sub_epi32(_mm512_setzero_si512(), sum[j])
                : _mm512_setzero_si512();
}

// What must be done so that results saturate as oneDNN's do: it clips real
// numbers, whereas packing clips integers, which is the same unless a bound of
// the activation lies within the integers or a number beyond 31 bits.
KERNEL void set_clip(block *b, const octet_dw *dw, float inverse, float most) {
    const float top = dw->dst_signed ? 127 : 255;
    const float bottom = dw->dst_signed ? -128 : 0;
    const float safe = 1024 / inverse; // saturates, and fits into 31 bits
    const int high = dw->high * inverse <= top - 0.5f;
    const int low = dw->low * inverse > bottom;
    const int large = !(most * inverse < 0x1p30f);
    b->high = _mm512_set1_ps(high ? dw->high : safe);
    b->low = _mm512_set1_ps(dw->low);
    b->clip = low ? 2 : high || large;
}

// Prepares the block of n channels from c on.
KERNEL void set_block(block *b, const octet_dw *dw, const shape *s,
        void *const *at, int64_t c, int64_t n) {
    const float *src_scale = octet_kernel_at(&dw->base, at, dw_src_scale);
    const float *wei_scale = octet_kernel_at(&dw->base, at, dw_wei_scale);
    const float *dst_scale = octet_kernel_at(&dw->base, at, dw_dst_scale);
    const float *bias = octet_kernel_at(&dw->base, at, dw_bias);
    const float of_src = src_scale ? *src_scale : 1;
    const float inverse = dst_scale ? 1.0f / *dst_scale : 1;
    b->mask = n == 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
    b->whole = n == 64 || n == 32;
    b->dst_signed = dw->dst_signed;
    b->src_scale = _mm512_set1_ps(dw->joined_scales ? 1 : of_src);
    b->inverse = _mm512_set1_ps(inverse);
    const int groups = n <= dw_block / 2 ? 2 : 1;
    const __m512 most = _mm512_set1_ps(255 * 128 * 25);
    __m512 scales[4], biases[4], reach = _mm512_setzero_ps();
    for (int j = 0; j < 4; j++) {
        const int i = 16 * (j % (4 / groups)); // the groups have the same
        const __mmask16 mask = (__mmask16)(b->mask >> i);
        scales[j] = _mm512_set1_ps(wei_scale && !dw->wei_scales ? *wei_scale : 1);
        if (dw->wei_scales)
            scales[j] = _mm512_maskz_loadu_ps(mask, wei_scale + c + i);
        biases[j] = _mm512_setzero_ps();
        if (bias) biases[j] = _mm512_maskz_loadu_ps(mask, bias + c + i);
        __m512 scaled = _mm512_mul_ps(scales[j], _mm512_set1_ps(of_src));
        if (dw->joined_scales) scales[j] = scaled;
        scaled = _mm512_fmadd_ps(
                _mm512_abs_ps(scaled), most, _mm512_abs_ps(biases[j]));
        reach = _mm512_add_ps(reach, scaled);
    }
    permute(scales, b->scale);
    permute(biases, b->bias);
    set_clip(b, dw, inverse, _mm512_reduce_add_ps(reach));
    const int8_t *weights = octet_kernel_at(&dw->base, at, dw_weights);
    set_weights(b, dw, s, groups, weights + c);
}

// The rows of one band of an image.
static void band(const octet_dw *dw, const block *b, const shape *s, int groups,
        const uint8_t *src, uint8_t *dst, int64_t first) {
    int64_t end = first + dw_band < dw->out_h ? first + dw_band : dw->out_h;
    int64_t y = first;
    for (; y + s->rows <= end; y += s->rows)
        s->all[groups - 1][dw->src_signed](dw, b, src, dst, y);
    for (; y < end; y++)
        s->one[groups - 1][dw->src_signed](dw, b, src, dst, y);
}

// Blocks of channels, images, bands, the last fastest.
TARGET static void work(
        const octet_kernel *k, void *const *at, int part, int parts) {
    const octet_dw *dw = (const octet_dw *)k;
    const shape *s = shape_of(dw);
    const int64_t bands = (dw->out_h + dw_band - 1) / dw_band;
    int64_t i, end, ready = -1;
    block b;
    octet_kernel_share(k->most_parts, part, parts, &i, &end);
    for (; i < end; i++) {
        const int64_t image = i / bands % dw->images;
        const int64_t c = i / bands / dw->images * dw_block;
        const int64_t left = dw->channels - c;
        const int64_t n = left < dw_block ? left : dw_block;
        if (c != ready) set_block(&b, dw, s, at, c, n);
        ready = c;
        band(dw, &b, s, n <= dw_block / 2 ? 2 : 1,
                (const uint8_t *)at[dw_src] + image * dw->src_n + c,
                (uint8_t *)at[dw_dst] + image * dw->dst_n + c,
                i % bands * dw_band);
    }
}
