#include "smallmap.h"

static const char name[] = "octet_smallmap:avx512_core";

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define UNROLL _Pragma("GCC unroll 16")

// What a tile computes: sums of a panel over n channels of the source.
typedef struct {
    const float *src; // the first pixel
    int64_t pixel, row; // distances of its neighbours
    const float *weights;
    int64_t n;
    float *sums; // rows of a panel, one for each pixel
    int first; // whether the sums start here
    // What is fetched meanwhile, and how far that goes on with each channel.
    const char *next;
    int64_t next_step;
} job;

// H rows of W pixels. The rows of an H of 2 may lie anywhere to each other.
#define TILE(W, H) \
    TARGET static void tile_##W##x##H(const job *j) { \
        __m512 a[W * H], b[W * H]; \
        UNROLL for (int i = 0; i < W * H; i++) { \
            float *at = j->sums + i * smallmap_panel; \
            a[i] = j->first ? _mm512_setzero_ps() : _mm512_load_ps(at); \
            b[i] = j->first ? _mm512_setzero_ps() : _mm512_load_ps(at + 16); \
        } \
        const int64_t pixel = j->pixel, step = j->next_step; \
        const float *top = j->src, *low = j->src + j->row; \
        const float *w = j->weights, *end = w + j->n * smallmap_panel; \
        const char *next = j->next; \
        for (; w < end; w += smallmap_panel, top++, low++, next += step) { \
            const __m512 left = _mm512_load_ps(w); \
            const __m512 right = _mm512_load_ps(w + 16); \
            _mm_prefetch(next, _MM_HINT_T1); \
            _mm_prefetch(next + 64, _MM_HINT_T1); \
            UNROLL for (int i = 0; i < W * H; i++) { \
                const __m512 x = _mm512_set1_ps( \
                        i < W ? top[i * pixel] : low[(i - W) * pixel]); \
                a[i] = _mm512_fmadd_ps(x, left, a[i]); \
                b[i] = _mm512_fmadd_ps(x, right, b[i]); \
            } \
        } \
        UNROLL for (int i = 0; i < W * H; i++) { \
            _mm512_store_ps(j->sums + i * smallmap_panel, a[i]); \
            _mm512_store_ps(j->sums + i * smallmap_panel + 16, b[i]); \
        } \
    }

TILE(5, 1)
TILE(5, 2)
TILE(6, 1)
TILE(6, 2)
TILE(7, 1)
TILE(7, 2)
TILE(8, 1)
TILE(9, 1)
TILE(10, 1)
TILE(11, 1)
TILE(12, 1)
TILE(13, 1)
TILE(14, 1)

static void (*const tiles[smallmap_tile + 1][3])(const job *) = {
        [5] = {NULL, tile_5x1, tile_5x2},
        [6] = {NULL, tile_6x1, tile_6x2},
        [7] = {NULL, tile_7x1, tile_7x2},
        [8] = {NULL, tile_8x1},
        [9] = {NULL, tile_9x1},
        [10] = {NULL, tile_10x1},
        [11] = {NULL, tile_11x1},
        [12] = {NULL, tile_12x1},
        [13] = {NULL, tile_13x1},
        [14] = {NULL, tile_14x1},
};

// Copies the source. What lies around it is zero.
static void copy_source(const octet_smallmap *k, const float *src, float *to) {
    const int whole = k->kernel > 1;
    const int64_t step = whole ? 1 : k->stride;
    const int64_t top = k->pad_top, left = k->pad_left;
    const size_t size = (size_t)k->channels * sizeof(float);
    for (int64_t n = 0; n < k->images; n++)
        for (int64_t y = 0; y < k->copy_h; y++)
            for (int64_t x = 0; x < k->copy_w; x++, to += k->pixel) {
                const int64_t sy = (y - top) * step, sx = (x - left) * step;
                if (sy < 0 || sy >= k->in_h || sx < 0 || sx >= k->in_w)
                    memset(to, 0, size);
                else
                    memcpy(to, src + n * k->src_n + sy * k->src_h + sx * k->src_w,
                            size);
            }
}

// Adds to the sums of all tiles what n channels of one tap give.
static void add_chunk(
        const octet_smallmap *k, const float *copy, job *j, float *sums) {
    const int64_t rows = smallmap_tile_rows(k);
    j->next = (const char *)(j->weights + j->n * smallmap_panel);
    j->next_step = (smallmap_panel * (int64_t)sizeof(float) + k->tiles - 1) / k->tiles;
    j->sums = sums;
    for (int64_t n = 0; n < k->images; n++)
        for (int64_t y = 0; y < k->out_h; y += rows) {
            const int64_t there = y + rows <= k->out_h ? rows : 1;
            j->src = copy + n * k->image + y * k->copy_stride * k->row;
            tiles[k->out_w][there](j);
            j->sums += smallmap_tile * smallmap_panel;
            j->next += j->n * j->next_step;
        }
}

TARGET static void add_sums(float *to, const float *from, int64_t n) {
    for (int64_t i = 0; i < n; i += 16)
        _mm512_store_ps(to + i,
                _mm512_add_ps(_mm512_load_ps(to + i), _mm512_load_ps(from + i)));
}

// Computes the sums of a panel, with room for as many behind them.
static void sum_panel(const octet_smallmap *k, const float *copy,
        const float *weights, float *sums) {
    job j = {.pixel = k->copy_stride * k->pixel,
            .row = k->copy_stride * k->row, .weights = weights};
    for (int64_t from = 0; from < k->channels; from += smallmap_fold) {
        const int64_t left = k->channels - from;
        const int64_t end = left < smallmap_fold ? k->channels : from + smallmap_fold;
        float *to = from ? sums + k->sums_size : sums;
        j.first = 1;
        for (int64_t t = 0; t < k->kernel * k->kernel; t++)
            for (int64_t c = from; c < end; c += j.n) {
                j.n = end - c < smallmap_chunk ? end - c : smallmap_chunk;
                const int64_t at = t / k->kernel * k->row + t % k->kernel * k->pixel;
                add_chunk(k, copy + at + c, &j, to);
                j.first = 0;
                j.weights += j.n * smallmap_panel;
            }
        if (from) add_sums(sums, to, k->sums_size);
    }
}

TARGET static inline __m512 finish(const octet_smallmap *k, __m512 v,
        __m512 bias, const float *dst) {
    v = _mm512_add_ps(v, bias);
    if (k->sum) v = _mm512_add_ps(v, _mm512_loadu_ps(dst));
    if (!k->clips) return v;
    v = _mm512_max_ps(v, _mm512_set1_ps(k->low));
    return _mm512_min_ps(v, _mm512_set1_ps(k->high));
}

// Writes a panel of all pixels.
TARGET static void write_panel(const octet_smallmap *k, const float *sums,
        const float *bias, float *dst) {
    const int64_t rows = smallmap_tile_rows(k);
    const __m512 a = bias ? _mm512_loadu_ps(bias) : _mm512_setzero_ps();
    const __m512 b = bias ? _mm512_loadu_ps(bias + 16) : _mm512_setzero_ps();
    const float *tile = sums;
    for (int64_t n = 0; n < k->images; n++)
        for (int64_t y = 0; y < k->out_h; y++) {
            const float *from = tile + y % rows * k->out_w * smallmap_panel;
            float *to = dst + n * k->dst_n + y * k->dst_h;
            for (int64_t x = 0; x < k->out_w; x++, to += k->dst_w) {
                const float *at = from + x * smallmap_panel;
                _mm512_storeu_ps(to, finish(k, _mm512_load_ps(at), a, to));
                _mm512_storeu_ps(to + 16,
                        finish(k, _mm512_load_ps(at + 16), b, to + 16));
            }
            if (y % rows == rows - 1 || y == k->out_h - 1)
                tile += smallmap_tile * smallmap_panel;
        }
}

static void work(const octet_kernel *base, void *const *at, int part, int parts) {
    const octet_smallmap *k = (const octet_smallmap *)base;
    const int64_t weights = k->channels * k->kernel * k->kernel * smallmap_panel;
    const float *bias = octet_kernel_at(base, at, smallmap_bias);
    float *copy = octet_kernel_at(base, at, smallmap_scratch);
    copy += part * (k->copy_size + 2 * k->sums_size);
    float *sums = copy + k->copy_size;
    int64_t i, end;
    octet_kernel_share(k->out_channels / smallmap_panel, part, parts, &i, &end);
    if (i == end) return;
    copy_source(k, octet_kernel_at(base, at, smallmap_src), copy);
    for (; i < end; i++) {
        const int64_t c = i * smallmap_panel;
        sum_panel(k, copy,
                (const float *)octet_kernel_at(base, at, smallmap_weights) + i * weights,
                sums);
        write_panel(k, sums, bias ? bias + c : NULL,
                (float *)octet_kernel_at(base, at, smallmap_dst) + c);
    }
}

dnnl_status_t octet_smallmap_create(const octet_spec *spec, octet_kernel **out) {
    if (!octet_kernel_may_use(dnnl_cpu_isa_avx512_core)) return dnnl_unimplemented;
    octet_smallmap *k = NULL;
    dnnl_status_t status = octet_smallmap_describe(spec, name, &k);
    if (status != dnnl_success) return status;
    k->base.work = work;
    *out = &k->base;
    return dnnl_success;
}

#else

dnnl_status_t octet_smallmap_create(const octet_spec *spec, octet_kernel **out) {
    (void)spec, (void)out, (void)name;
    return dnnl_unimplemented;
}

#endif
