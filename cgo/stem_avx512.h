// What the kernels of stem.h have in common on CPUs with AVX-512. Include it
// where the instructions are switched on.
#ifndef OCTET_STEM_AVX512_H
#define OCTET_STEM_AVX512_H

#include "stem.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define KERNEL static inline __attribute__((always_inline)) TARGET

// What one thread works with. The tables are in its scratch memory and have an
// entry for each channel of dst, up to a whole vector.
typedef struct {
    const octet_stem *k;
    stem_args a;
    // Of the channel of each byte of a row whose channels are interleaved: it
    // repeats after 16 pixels.
    float factor[16 * stem_channels], shift[16 * stem_channels];
    int flip; // bits of pixels to be turned over
    int64_t image, next; // the rows of image before next are in the ring
    uint8_t *ring; // kernel_h rows; row y of the picture is row y % kernel_h
    uint8_t *border; // a row of padding
    float *wei_scale, *bias;
    void *rest; // scratch memory for the kernel itself
    float src_scale, dst_factor, low, high;
    const uint8_t *rows[16]; // those that a row of dst needs
} stem_part;

KERNEL void *stem_take(uint8_t **at, int64_t size) {
    void *p = *at;
    *at += stem_up(size, 64);
    return p;
}

KERNEL void stem_read_tables(stem_part *p) {
    const octet_stem *k = p->k;
    const float src = p->a.src_scale ? *p->a.src_scale : 1;
    p->src_scale = k->joined_scales ? 1 : src;
    for (int64_t c = 0; c < stem_up(k->out_channels, stem_block); c++) {
        float w = 1;
        if (c >= k->out_channels) w = 0;
        else if (p->a.wei_scale) w = p->a.wei_scale[k->wei_scales ? c : 0];
        p->wei_scale[c] = k->joined_scales ? src * w : w;
        p->bias[c] = c < k->out_channels && p->a.bias ? p->a.bias[c] : 0;
    }
    p->dst_factor = p->a.dst_scale ? 1 / *p->a.dst_scale : 1;
    p->low = k->low;
    // What lies beyond the range of dst is cut off by the last instruction,
    // which takes integers: so the sum must not leave the range of these.
    p->high = fminf(k->high, 0x1p30f / p->dst_factor);
}

// The byte that x, a channel's shift, becomes.
KERNEL uint8_t stem_border(const stem_part *p, float x) {
    const float low = p->k->pixel_signed ? -128 : 0;
    const float high = p->k->pixel_signed ? 127 : 255;
    return (uint8_t)(int)rintf(fminf(fmaxf(x, low), high)) ^ (uint8_t)p->flip;
}

KERNEL void stem_read_shifts(stem_part *p) {
    const octet_stem *k = p->k;
    for (int i = 0; i < 16 * k->channels; i++) {
        const int64_t c = i % k->channels;
        p->factor[i] = p->a.factor ? p->a.factor[k->shifted ? c : 0] : 1;
        p->shift[i] = k->shifted ? p->a.shift[c] : 0;
    }
    for (int64_t i = 0; i < k->row_size; i++)
        p->border[i] = stem_border(p, p->shift[i % k->channels]);
}

KERNEL void stem_begin(stem_part *p, const octet_stem *k,
        void *const *at, int part, int flip) {
    const void *arg[stem_nargs];
    for (int i = 0; i < stem_nargs; i++)
        arg[i] = octet_kernel_at(&k->base, at, i);
    memset(p, 0, sizeof(*p));
    p->k = k;
    p->a = (stem_args) {arg[stem_src], arg[stem_weights],
            (uint8_t *)arg[stem_dst], arg[stem_bias], arg[stem_factor],
            arg[stem_shift], arg[stem_src_scale], arg[stem_wei_scale], arg[stem_dst_scale],
            (uint8_t *)arg[stem_scratch]};
    p->flip = flip;
    p->image = -1;
    uint8_t *next = p->a.scratch + part * k->part_size;
    p->ring = stem_take(&next, k->kernel_h * k->row_size);
    p->border = stem_take(&next, k->row_size);
    p->wei_scale = stem_take(&next, stem_table(k));
    p->bias = stem_take(&next, stem_table(k));
    p->rest = next;
    stem_read_shifts(p);
    stem_read_tables(p);
}

// 16 values of the picture as integers, of which some may be missing.
KERNEL __m512i stem_load(const stem_part *p, const void *src, int64_t at,
        __mmask16 some, __m512 factor, __m512 shift) {
    switch (p->k->src_type) {
    case dnnl_s8:
        return _mm512_cvtepi8_epi32(
                _mm_maskz_loadu_epi8(some, (const int8_t *)src + at));
    case dnnl_u8:
        return _mm512_cvtepu8_epi32(
                _mm_maskz_loadu_epi8(some, (const uint8_t *)src + at));
    }
    __m512 x = _mm512_maskz_loadu_ps(some, (const float *)src + at);
    x = _mm512_mul_ps(x, factor);
    // Not fused with the product: see stem_scaled.
    x = _mm512_add_round_ps(x, shift, _MM_FROUND_CUR_DIRECTION);
    // In this order of the two a NaN stays one, and becomes the lowest integer,
    // as in oneDNN's reorder.
    x = _mm512_min_ps(_mm512_set1_ps(p->k->pixel_signed ? 127 : 255), x);
    return _mm512_cvtps_epi32(x);
}

KERNEL __m512i stem_narrow(
        const stem_part *p, __m512i ab, __m512i cd) {
    return p->k->pixel_signed ? _mm512_packs_epi16(ab, cd)
                              : _mm512_packus_epi16(ab, cd);
}

KERNEL __mmask16 stem_mask(int64_t n) {
    if (n <= 0) return 0;
    return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

KERNEL __mmask64 stem_mask64(int64_t n) {
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

// Four rows of 16 weights become 16 times four.
KERNEL __m512i stem_fours(const __m128i r[4]) {
    const __m128i a = _mm_unpacklo_epi8(r[0], r[1]);
    const __m128i b = _mm_unpackhi_epi8(r[0], r[1]);
    const __m128i c = _mm_unpacklo_epi8(r[2], r[3]);
    const __m128i d = _mm_unpackhi_epi8(r[2], r[3]);
    __m512i all = _mm512_castsi128_si512(_mm_unpacklo_epi16(a, c));
    all = _mm512_inserti32x4(all, _mm_unpackhi_epi16(a, c), 1);
    all = _mm512_inserti32x4(all, _mm_unpacklo_epi16(b, d), 2);
    return _mm512_inserti32x4(all, _mm_unpackhi_epi16(b, d), 3);
}

// Brings the weights into the order [channel/16][filter row][four][16][4], in
// whole blocks of channels, with zeros for what is not there.
KERNEL void stem_pack(const stem_part *p, int8_t *to) {
    const octet_stem *k = p->k;
    const int64_t row = k->kernel_w * k->channels, apart = k->out_channels;
    for (int64_t c = 0; c < stem_up(k->out_channels, stem_block); c += 16) {
        const __mmask16 some = stem_mask(k->out_channels - c);
        for (int64_t y = 0; y < k->kernel_h; y++) {
            const int8_t *from = p->a.weights + y * row * apart + c;
            for (int64_t i = 0; i < row; i += 4, to += 64) {
                __m128i r[4];
                for (int64_t j = 0; j < 4; j++)
                    r[j] = i + j < row ? _mm_maskz_loadu_epi8(
                                   some, from + (i + j) * apart)
                                       : _mm_setzero_si128();
                _mm512_store_si512(to, stem_fours(r));
            }
        }
    }
}

// Asks for 16 pixels of the row after the next, which may lie beyond the last. A
// picture comes from memory or an outer cache, and its rows, one of each channel
// in turn, are too short for the CPU to do this alone.
KERNEL void stem_prefetch(
        const stem_part *p, const void *src, int64_t at, const int64_t channels) {
    const uintptr_t size = p->k->src_type == dnnl_f32 ? 4 : 1;
    const uintptr_t first
            = (uintptr_t)src + (uintptr_t)(at + 2 * p->k->src_h) * size;
    for (int64_t c = 0; c < channels; c++)
        _mm_prefetch((const char *)(first + (uintptr_t)(c * p->k->src_c) * size),
                _MM_HINT_T0);
}

// Interleaves the channels of a row of planes.
KERNEL void stem_fill_planes(
        const stem_part *p, const void *src, int64_t at, uint8_t *row,
        const int64_t channels) {
    const octet_stem *k = p->k;
    // In a quarter of a vector, bytes aaaabbbbccccdddd become abcdabcdabcdabcd,
    // or as many of these as there are channels; then the quarters close up.
    uint8_t order[16];
    int32_t close[16];
    memset(order, 0x80, sizeof(order));
    for (int64_t x = 0; x < 4; x++)
        for (int64_t c = 0; c < channels; c++)
            order[x * channels + c] = (uint8_t)(4 * c + x);
    for (int i = 0; i < 16; i++)
        close[i] = (int32_t)(i / channels * 4 + i % channels) & 15;
    const __m512i mix
            = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)order));
    const __m512i shut = _mm512_loadu_si512(close);
    const __m512i flip = _mm512_set1_epi8((char)p->flip);
    for (int64_t x = 0; x < k->in_w; x += 16, row += 16 * channels) {
        stem_prefetch(p, src, at + x, channels);
        const __mmask16 some = stem_mask(k->in_w - x);
        __m512i v[4];
#pragma GCC unroll 4
        for (int64_t c = 0; c < 4; c++)
            v[c] = c < channels
                    ? stem_load(p, src, at + c * k->src_c + x, some,
                              _mm512_set1_ps(p->factor[c]),
                              _mm512_set1_ps(p->shift[c]))
                    : _mm512_setzero_si512();
        __m512i bytes = stem_narrow(p, _mm512_packs_epi32(v[0], v[1]),
                _mm512_packs_epi32(v[2], v[3]));
        bytes = _mm512_shuffle_epi8(bytes, mix);
        bytes = _mm512_permutexvar_epi32(shut, bytes);
        _mm512_storeu_si512(row, _mm512_xor_si512(bytes, flip));
    }
}

// Copies a row whose channels are interleaved already.
KERNEL void stem_fill_pixels(
        const stem_part *p, const void *src, int64_t at, uint8_t *row) {
    const int64_t n = p->k->in_w * p->k->channels;
    const __m128i flip = _mm_set1_epi8((char)p->flip);
    for (int64_t x = 0; x < n; x += 16) {
        const int64_t c = x % (16 * p->k->channels);
        __m512i v = stem_load(p, src, at + x, stem_mask(n - x),
                _mm512_loadu_ps(p->factor + c), _mm512_loadu_ps(p->shift + c));
        v = _mm512_packs_epi32(v, v);
        v = stem_narrow(p, v, v);
        v = _mm512_permutexvar_epi32(
                _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4,
                        8, 12), v);
        _mm_storeu_si128((__m128i *)(row + x),
                _mm_xor_si128(_mm512_castsi512_si128(v), flip));
    }
}

KERNEL void stem_fill(const stem_part *p, int64_t y, uint8_t *row) {
    const octet_stem *k = p->k;
    const int64_t at = p->image * k->src_n + y * k->src_h;
    uint8_t *first = row + k->pad_left * k->channels;
    if (!k->planes)
        stem_fill_pixels(p, p->a.src, at, first);
    else switch (k->channels) {
        case 1: stem_fill_planes(p, p->a.src, at, first, 1); break;
        case 2: stem_fill_planes(p, p->a.src, at, first, 2); break;
        case 3: stem_fill_planes(p, p->a.src, at, first, 3); break;
        case 4: stem_fill_planes(p, p->a.src, at, first, 4); break;
    }
    memcpy(row, p->border, (size_t)(first - row));
    uint8_t *end = first + k->in_w * k->channels;
    memcpy(end, p->border + (end - row),
            (size_t)(row + k->row_size - stem_slack - end));
}

// Brings the rows that row y of dst needs into the ring.
KERNEL void stem_advance(stem_part *p, int64_t image, int64_t y) {
    const octet_stem *k = p->k;
    const int64_t top = y * k->stride_h - k->pad_top;
    if (image != p->image) p->image = image, p->next = 0;
    for (int64_t i = 0; i < k->kernel_h; i++) {
        const int64_t from = top + i;
        if (from < 0 || from >= k->in_h) {
            p->rows[i] = p->border;
            continue;
        }
        uint8_t *row = p->ring + from % k->kernel_h * k->row_size;
        if (from >= p->next) {
            stem_fill(p, from, row);
            p->next = from + 1;
        }
        p->rows[i] = row;
    }
}

// What happens to the sums of the channels from c on before they are cut off,
// in oneDNN's order.
KERNEL __m512i stem_scaled(const stem_part *p, __m512i sum, int64_t c,
        const int dst_signed, const int joined) {
    __m512 x = _mm512_cvtepi32_ps(sum);
    if (!joined) x = _mm512_mul_ps(x, _mm512_set1_ps(p->src_scale));
    x = _mm512_mul_ps(x, _mm512_load_ps(p->wei_scale + c));
    // By this name the compiler does not fuse it with the product, which would
    // round once instead of twice.
    x = _mm512_add_round_ps(
            x, _mm512_load_ps(p->bias + c), _MM_FROUND_CUR_DIRECTION);
    if (dst_signed) x = _mm512_max_ps(x, _mm512_set1_ps(p->low));
    x = _mm512_min_ps(x, _mm512_set1_ps(p->high));
    x = _mm512_mul_ps(x, _mm512_set1_ps(p->dst_factor));
    return _mm512_cvtps_epi32(x);
}

// Cuts four vectors off at the range of dst; the bytes of each are together.
KERNEL __m512i stem_bytes(
        __m512i a, __m512i b, __m512i c, __m512i d, const int dst_signed) {
    const __m512i ab = _mm512_packs_epi32(a, b), cd = _mm512_packs_epi32(c, d);
    const __m512i all = dst_signed ? _mm512_packs_epi16(ab, cd)
                                   : _mm512_packus_epi16(ab, cd);
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13,
                                            2, 6, 10, 14, 3, 7, 11, 15), all);
}

#endif
