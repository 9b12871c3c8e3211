#include "stem.h"

static const char name[] = "octet_stem:avx512_core_amx";

// gcc has the instructions since 11, with the numbers of tiles in their names.
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 11

#define TARGET \
    __attribute__((target( \
            "avx512f,avx512bw,avx512dq,avx512vl,amx-tile,amx-int8")))

#include "stem_avx512.h"

// One row of a tile is what a pixel of dst reads of one row of the picture: it
// lies there as it is, overlapping with that of the next pixel. The weights that
// 16 channels have for it make the other tile. A product takes 16 cycles however
// little of the tiles is used, but to gather more of a pixel would cost as much.

enum { most_rows = 16, tile_bytes = 64, sums_size = 4 * 16 * 16 * 4 };

typedef struct {
    stem_part base;
    int8_t *weights; // see stem_pack
    int32_t *sums[2]; // [4][16][16]
    int64_t step; // bytes of weights of 16 channels
    int rows; // pixels at once
    int now; // which of the sums come next
    uint8_t *waiting; // where the other sums belong, NULL if there are none
    int64_t channel; // the first of these
    int until[16]; // which of these pixels are finished after each filter row
} amx_part;

// The shapes of the tiles: 0 to 3 sums, 4 pixels, 5 to 7 weights.
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tile_config;

TARGET static void configure(const amx_part *p) {
    const int64_t fours = stem_row_fours(p->base.k);
    tile_config c = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        c.rows[i] = (uint8_t)(i < 5 ? p->rows : fours);
        c.bytes[i] = (uint16_t)(i == 4 ? 4 * fours : tile_bytes);
    }
    __asm__ volatile("ldtilecfg %0" ::"m"(c));
}

// Adds the products of a tile of pixels to sums v. The numbers of tiles are part
// of the instructions.
#define MULTIPLY(dot, v, b) \
    if (vectors > v) { \
        _tile_loadd(b, w + v * p->step, tile_bytes); \
        dot(v, 4, b); \
    }
#define MULTIPLY_ALL(dot) \
    MULTIPLY(dot, 0, 5) \
    MULTIPLY(dot, 1, 6) \
    MULTIPLY(dot, 2, 7) \
    MULTIPLY(dot, 3, 5)

KERNEL void keep(int32_t *sums, const int vectors) {
    _tile_stored(0, sums, tile_bytes);
    if (vectors > 1) _tile_stored(1, sums + 256, tile_bytes);
    if (vectors > 2) _tile_stored(2, sums + 512, tile_bytes);
    if (vectors > 3) _tile_stored(3, sums + 768, tile_bytes);
}

KERNEL __m512i scaled(const amx_part *p, const int32_t *sums, const int v,
        const int dst_signed, const int joined) {
    return stem_scaled(&p->base, _mm512_load_si512(sums + v * 256),
            p->channel + 16 * v, dst_signed, joined);
}

// Writes the sums that wait, of the pixels from begin to before end, an even
// number of them if there are more. Those of vectors that are not there are
// masked off.
KERNEL void store(const amx_part *p, int begin, int end, const int dst_signed,
        const int joined) {
    const octet_stem *k = p->base.k;
    const int32_t *sums = p->sums[!p->now] + 16 * begin;
    const int64_t left = k->out_channels - p->channel, dst_w = k->dst_w;
    const __mmask64 some = stem_mask64(left);
    uint8_t *dst = p->waiting + begin * dst_w;
    if (left > 32) {
        for (int i = begin; i < end; i++, sums += 16, dst += dst_w) {
            const __m512i bytes = stem_bytes(
                    scaled(p, sums, 0, dst_signed, joined),
                    scaled(p, sums, 1, dst_signed, joined),
                    scaled(p, sums, 2, dst_signed, joined),
                    scaled(p, sums, 3, dst_signed, joined), dst_signed);
            _mm512_mask_storeu_epi8(dst, some, bytes);
        }
        return;
    }
    for (int i = begin; i < end; i += 2, sums += 32, dst += 2 * dst_w) {
        const int next = i + 1 < end;
        const __m512i bytes = stem_bytes(scaled(p, sums, 0, dst_signed, joined),
                scaled(p, sums, 1, dst_signed, joined),
                scaled(p, sums + 16 * next, 0, dst_signed, joined),
                scaled(p, sums + 16 * next, 1, dst_signed, joined), dst_signed);
        _mm256_mask_storeu_epi8(
                dst, (__mmask32)some, _mm512_castsi512_si256(bytes));
        _mm256_mask_storeu_epi8(dst + next * dst_w, (__mmask32)some,
                _mm512_extracti64x4_epi64(bytes, 1));
    }
}

TARGET static void store_waiting(const amx_part *p, int begin, int end) {
    const octet_stem *k = p->base.k;
    if (!p->waiting) return;
    if (k->dst_signed && k->joined_scales) store(p, begin, end, 1, 1);
    else if (k->dst_signed) store(p, begin, end, 1, 0);
    else if (k->joined_scales) store(p, begin, end, 0, 1);
    else store(p, begin, end, 0, 0);
}

// The sums of the pixels from x on for vectors of channels from c on, which
// belong to dst. Those before them are finished in between, a few pixels after
// each row of the picture: the tiles are multiplied meanwhile, which is more
// than the CPU would look ahead.
KERNEL void block(
        amx_part *p, int64_t x, int64_t c, uint8_t *dst, const int vectors) {
    const octet_stem *k = p->base.k;
    const int64_t apart = k->stride_w * k->channels;
    const int8_t *w = p->weights + c / 16 * p->step;
    // The compiler does not know what tiles read.
    __asm__ volatile("" ::: "memory");
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    int stored = 0;
    for (int64_t y = 0; y < k->kernel_h; y++) {
        _tile_loadd(4, p->base.rows[y] + x * apart, apart);
        if (k->pixel_signed) {
            MULTIPLY_ALL(_tile_dpbssd)
        } else {
            MULTIPLY_ALL(_tile_dpbusd)
        }
        w += stem_row_fours(k) * 64;
        const int end = y + 1 < k->kernel_h ? p->until[y] : p->rows;
        store_waiting(p, stored, end);
        stored = end;
    }
    keep(p->sums[p->now], vectors);
    p->waiting = dst;
    p->channel = c;
    p->now = !p->now;
}

// A row of dst, but for the last sums.
TARGET static void row(amx_part *p, uint8_t *dst) {
    const octet_stem *k = p->base.k;
    const int64_t last = k->out_w - p->rows;
    for (int64_t at = 0; at < k->out_w; at += p->rows) {
        const int64_t x = at < last ? at : last; // some a second time
        for (int64_t c = 0; c < k->out_channels; c += stem_block) {
            uint8_t *to = dst + x * k->dst_w + c;
            if (k->out_channels - c > 32) block(p, x, c, to, 4);
            else block(p, x, c, to, 2);
        }
    }
}

static int64_t extra(const octet_stem *k) {
    return 2 * sums_size + stem_weights_size(k);
}

TARGET static void work(
        const octet_kernel *base, void *const *at, int part, int parts) {
    const octet_stem *k = (const octet_stem *)base;
    amx_part p;
    stem_begin(&p.base, k, at, part, 0);
    uint8_t *next = p.base.rest;
    p.sums[0] = stem_take(&next, sums_size);
    p.sums[1] = stem_take(&next, sums_size);
    p.weights = (int8_t *)next;
    p.step = k->kernel_h * stem_row_fours(k) * 64;
    p.rows = k->out_w < most_rows ? (int)k->out_w : most_rows;
    p.now = 0, p.waiting = NULL;
    for (int64_t y = 0; y < k->kernel_h; y++)
        p.until[y] = (int)((y + 1) * p.rows / k->kernel_h) & ~1;
    stem_pack(&p.base, p.weights);
    configure(&p);
    int64_t begin, end;
    octet_kernel_share(k->images * k->out_h, part, parts, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t image = i / k->out_h, y = i % k->out_h;
        stem_advance(&p.base, image, y);
        row(&p, p.base.a.dst + image * k->dst_n + y * k->dst_h);
    }
    store_waiting(&p, 0, p.rows);
    _tile_release();
}

dnnl_status_t octet_stem_amx_create(const octet_spec *spec, octet_kernel **out) {
    return octet_stem_create(spec, name, dnnl_cpu_isa_avx512_core_amx, extra,
            work, out);
}

#else

dnnl_status_t octet_stem_amx_create(const octet_spec *spec, octet_kernel **out) {
    (void)spec, (void)out, (void)name;
    return dnnl_unimplemented;
}

#endif
