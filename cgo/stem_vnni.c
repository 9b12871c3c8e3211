#include "stem.h"

static const char name[] = "octet_stem:avx512_core_vnni";

#if defined(__x86_64__) && defined(__GNUC__)

#define TARGET \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

#include "stem_avx512.h"

// A row of dst is computed in tiles of pixels by channels whose sums stay in
// registers. Four neighbouring bytes of a row of the ring, which may belong to
// two pixels, are multiplied by the four weights that each of 16 channels has
// for them. VNNI takes the first factor unsigned: 128 is added to s8 pixels,
// and the sums begin at -128 times the sum of the weights.

typedef struct {
    stem_part base;
    int8_t *weights; // see stem_pack
    int32_t *start; // of the sum of each channel
    int64_t step; // bytes of weights of 16 channels
    int64_t ntaps;
    const uint8_t *taps[11 * 11]; // the fours of the first pixel
} vnni_part;

// Where the sums of all channels begin.
TARGET static void set_start(vnni_part *p) {
    const octet_stem *k = p->base.k;
    const int8_t *w = p->weights;
    for (int64_t c = 0; c < stem_up(k->out_channels, stem_block); c += 16) {
        __m512i sum = _mm512_setzero_si512();
        for (const int8_t *end = w + p->step; w < end; w += 64)
            sum = _mm512_dpbusd_epi32(
                    sum, _mm512_set1_epi8(1), _mm512_load_si512(w));
        sum = _mm512_mullo_epi32(sum, _mm512_set1_epi32(-p->base.flip));
        _mm512_store_si512(p->start + c, sum);
    }
}

TARGET static void set_taps(vnni_part *p) {
    const octet_stem *k = p->base.k;
    p->ntaps = 0;
    for (int64_t y = 0; y < k->kernel_h; y++)
        for (int64_t i = 0; i < stem_row_fours(k); i++)
            p->taps[p->ntaps++] = p->base.rows[y] + 4 * i;
}

// Loops over sums are written out, or gcc would keep these in memory.
#define PIXELS(DO) \
    DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define VECTORS(DO, j) DO(j, 0) DO(j, 1) DO(j, 2) DO(j, 3)

enum { most_pixels = 12 };

// _mm512_dpbusd_epi32, of which gcc 12 would have copies of the sums in memory.
KERNEL void add_products(__m512i *sum, __m512i pixels, __m512i weights) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(pixels), "v"(weights));
}

// The sums of pixels by vectors of 16 channels: those from x and c on. dst is
// the place of the first.
KERNEL void tile(const vnni_part *p, int64_t x, int64_t c, uint8_t *dst,
        const int pixels, const int vectors, const int dst_signed) {
    const octet_stem *k = p->base.k;
    const int64_t apart = k->stride_w * k->channels;
    const int8_t *w = p->weights + c / 16 * p->step;
    const int64_t step = p->step;
    __m512i sum[most_pixels][4], f[4];
#define BEGIN(j, v) \
    if (j < pixels && v < vectors) \
        sum[j][v] = _mm512_load_si512(p->start + c + 16 * v);
#define BEGIN_PIXEL(j) VECTORS(BEGIN, j)
    PIXELS(BEGIN_PIXEL)
    const int64_t at = x * apart;
    int64_t i = 0;
    do { // one loop, and at least one turn: gcc keeps the sums in registers
        const uint8_t *row = p->taps[i] + at;
#define WEIGHTS(j, v) \
    if (v < vectors) f[v] = _mm512_load_si512(w + v * step);
        VECTORS(WEIGHTS, 0)
#define DOT(j, v) \
    if (v < vectors) add_products(&sum[j][v], b, f[v]);
#define DOT_PIXEL(j) \
    if (j < pixels) { \
        int32_t four; \
        memcpy(&four, row + j * apart, 4); \
        const __m512i b = _mm512_set1_epi32(four); \
        VECTORS(DOT, j) \
    }
        PIXELS(DOT_PIXEL)
        w += 64;
    } while (++i < p->ntaps);
#define SCALE(j, v) \
    if (j < pixels && v < vectors) \
        sum[j][v] = stem_scaled(&p->base, sum[j][v], c + 16 * v, dst_signed, 0);
#define SCALE_PIXEL(j) VECTORS(SCALE, j)
    PIXELS(SCALE_PIXEL)
    const __mmask64 some = stem_mask64(k->out_channels - c);
#define STORE_4(j) \
    if (j < pixels) \
        _mm512_mask_storeu_epi8(dst + j * k->dst_w, some, stem_bytes(sum[j][0], \
                sum[j][1], sum[j][2], sum[j][3], dst_signed));
#define STORE_2(j) \
    if (j < pixels && j % 2 == 0) { \
        const int next = j + 1 < pixels ? j + 1 : j; \
        const __m512i bytes = stem_bytes(sum[j][0], sum[j][1], sum[next][0], \
                sum[next][1], dst_signed); \
        _mm256_mask_storeu_epi8(dst + j * k->dst_w, (__mmask32)some, \
                _mm512_castsi512_si256(bytes)); \
        _mm256_mask_storeu_epi8(dst + next * k->dst_w, (__mmask32)some, \
                _mm512_extracti64x4_epi64(bytes, 1)); \
    }
#define STORE_1(j) \
    if (j < pixels) \
        _mm_mask_storeu_epi8(dst + j * k->dst_w, (__mmask16)some, \
                _mm512_castsi512_si128(stem_bytes(sum[j][0], sum[j][0], \
                        sum[j][0], sum[j][0], dst_signed)));
    if (vectors == 4) {
        PIXELS(STORE_4)
    } else if (vectors == 2) {
        PIXELS(STORE_2)
    } else {
        PIXELS(STORE_1)
    }
}

#define TILE(name, pixels, vectors, dst_signed) \
    TARGET static __attribute__((noinline)) void name( \
            const vnni_part *p, int64_t x, int64_t c, uint8_t *dst) { \
        tile(p, x, c, dst, pixels, vectors, dst_signed); \
    }
#define TILES(pixels, vectors) \
    TILE(u8_##pixels##x##vectors, pixels, vectors, 0) \
    TILE(s8_##pixels##x##vectors, pixels, vectors, 1)
TILES(6, 4)
TILES(12, 2)
TILES(12, 1)
TILES(1, 4)
TILES(1, 2)
TILES(1, 1)

typedef void (*tile_fn)(
        const vnni_part *p, int64_t x, int64_t c, uint8_t *dst);

typedef struct {
    int pixels;
    tile_fn many[2], one[2]; // for u8 and s8
} tiling;

static const tiling tilings[] = {
        {12, {u8_12x1, s8_12x1}, {u8_1x1, s8_1x1}},
        {12, {u8_12x2, s8_12x2}, {u8_1x2, s8_1x2}},
        {6, {u8_6x4, s8_6x4}, {u8_1x4, s8_1x4}},
};

// The sums of a row of dst for up to 64 channels from c on.
TARGET static void row(const vnni_part *p, int64_t c, uint8_t *dst) {
    const octet_stem *k = p->base.k;
    const int64_t w = k->out_w, left = k->out_channels - c;
    const tiling *t = &tilings[left > 32 ? 2 : left > 16];
    const tile_fn many = t->many[k->dst_signed], one = t->one[k->dst_signed];
    int64_t x = 0;
    for (; x + t->pixels <= w; x += t->pixels)
        many(p, x, c, dst + x * k->dst_w + c);
    if (x < w && w >= t->pixels) { // some pixels a second time
        x = w - t->pixels;
        many(p, x, c, dst + x * k->dst_w + c);
        return;
    }
    for (; x < w; x++)
        one(p, x, c, dst + x * k->dst_w + c);
}

static int64_t extra(const octet_stem *k) {
    return stem_table(k) + stem_weights_size(k);
}

TARGET static void work(
        const octet_kernel *base, void *const *at, int part, int parts) {
    const octet_stem *k = (const octet_stem *)base;
    vnni_part p;
    stem_begin(&p.base, k, at, part, k->pixel_signed ? 128 : 0);
    uint8_t *next = p.base.rest;
    p.step = k->kernel_h * stem_row_fours(k) * 64;
    p.start = stem_take(&next, stem_table(k));
    p.weights = (int8_t *)next;
    stem_pack(&p.base, p.weights);
    set_start(&p);
    int64_t begin, end;
    octet_kernel_share(k->images * k->out_h, part, parts, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t image = i / k->out_h, y = i % k->out_h;
        stem_advance(&p.base, image, y);
        set_taps(&p);
        uint8_t *dst = p.base.a.dst + image * k->dst_n + y * k->dst_h;
        for (int64_t c = 0; c < k->out_channels; c += stem_block)
            row(&p, c, dst);
    }
}

dnnl_status_t octet_stem_vnni_create(
        const octet_spec *spec, octet_kernel **out) {
    return octet_stem_create(spec, name, dnnl_cpu_isa_avx512_core_vnni, extra,
            work, out);
}

#else

dnnl_status_t octet_stem_vnni_create(
        const octet_spec *spec, octet_kernel **out) {
    (void)spec, (void)out, (void)name;
    return dnnl_unimplemented;
}

#endif
