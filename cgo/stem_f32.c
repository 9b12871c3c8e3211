#include "stem.h"

static const char name[] = "octet_stem_f32:avx512_core";

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define KERNEL static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 16")

// The first convolution of an FP32 network, from a picture that is one row of
// each channel. To oneDNN three channels are the short side of a matrix, and the
// picture must be turned for it first. Here a vector holds channels of dst, and
// each pixel of a row is multiplied into one, so that rows serve as they are;
// they are copied to have their padding around them.
//
// Products are added up tap by tap, in each the channels: in the order of
// oneDNN's brgconv kernels, for the same bytes.

enum {
    pixels = 14, // of a tile
    wide = 32, // channels of a tile, at most
    least_channels = 3, // with fewer oneDNN has another order
    most_taps = 4 * 11 * 11
};

// What one thread works with.
typedef struct {
    const octet_stem *k;
    const float *src, *weights, *bias;
    float *dst;
    int64_t image, next; // the rows of image before next are in the ring
    float *ring; // kernel_h rows of each channel; row y is y % kernel_h of them
    float *zeros; // a row of padding
    int64_t row; // floats of a row
    int64_t ntaps;
    const float *taps[most_taps]; // the first pixel that each one reads
} picture;

KERNEL __mmask16 some(int64_t n) {
    return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
}

// Writes 16 channels of the outputs from dst on, at most n of them.
KERNEL void write_sums(const octet_stem *k, const __m512 sums[pixels],
        const float *bias, float *dst, int64_t n, __mmask16 mask) {
    const __m512 low = _mm512_set1_ps(k->low), high = _mm512_set1_ps(k->high);
    const int clips = k->low > -INFINITY || k->high < INFINITY;
    const __m512 b = bias ? _mm512_maskz_loadu_ps(mask, bias) : _mm512_setzero_ps();
    UNROLL for (int i = 0; i < pixels; i++) {
        __m512 v = _mm512_add_ps(sums[i], b);
        if (clips) v = _mm512_min_ps(_mm512_max_ps(v, low), high);
        if (i < n) _mm512_mask_storeu_ps(dst + i * k->dst_w, mask, v);
    }
}

// The outputs of a row from x on, in the channels from c on, as many as vectors
// hold; dst is the place of the first.
KERNEL void tile(const picture *p, int64_t x, int64_t c, float *dst,
        const int vectors, const int stride) {
    const octet_stem *k = p->k;
    const int64_t step = k->out_channels;
    const __mmask16 first = some(step - c), second = some(step - c - 16);
    __m512 a[pixels], b[pixels];
    UNROLL for (int i = 0; i < pixels; i++)
        a[i] = b[i] = _mm512_setzero_ps();
    const float *w = p->weights + c;
    for (int64_t t = 0; t < p->ntaps; t++, w += step) {
        const float *from = p->taps[t] + x * stride;
        const __m512 left = _mm512_maskz_loadu_ps(first, w);
        const __m512 right = vectors > 1 ? _mm512_maskz_loadu_ps(second, w + 16)
                                         : _mm512_setzero_ps();
        UNROLL for (int i = 0; i < pixels; i++) {
            const __m512 v = _mm512_set1_ps(from[i * stride]);
            a[i] = _mm512_fmadd_ps(v, left, a[i]);
            if (vectors > 1) b[i] = _mm512_fmadd_ps(v, right, b[i]);
        }
    }
    const float *bias = p->bias ? p->bias + c : NULL;
    const int64_t n = k->out_w - x;
    write_sums(k, a, bias, dst, n, first);
    if (vectors > 1)
        write_sums(k, b, bias ? bias + 16 : NULL, dst + 16, n, second);
}

#define TILE(vectors, stride) \
    TARGET static void tile_##vectors##_##stride( \
            const picture *p, int64_t x, int64_t c, float *dst) { \
        tile(p, x, c, dst, vectors, stride); \
    }
TILE(1, 1)
TILE(1, 2)
TILE(2, 1)
TILE(2, 2)

typedef void (*tile_fn)(const picture *p, int64_t x, int64_t c, float *dst);

static const tile_fn tiles[2][2] = {{tile_1_1, tile_1_2}, {tile_2_1, tile_2_2}};

// Brings the rows of the picture before end into the ring, those from begin on.
static void read_rows(picture *p, int64_t begin, int64_t end) {
    const octet_stem *k = p->k;
    const int64_t right = k->pad_left + k->in_w < p->row ? k->pad_left + k->in_w : p->row;
    for (int64_t y = begin > p->next ? begin : p->next; y < end; y++)
        for (int64_t c = 0; c < k->channels; c++) {
            float *to = p->ring + (y % k->kernel_h * k->channels + c) * p->row;
            const float *from = p->src + p->image * k->src_n + c * k->src_c
                    + y * k->src_h;
            memset(to, 0, (size_t)k->pad_left * sizeof(float));
            memcpy(to + k->pad_left, from,
                    (size_t)(right - k->pad_left) * sizeof(float));
            memset(to + right, 0, (size_t)(p->row - right) * sizeof(float));
        }
    if (end > p->next) p->next = end;
}

// Finds the rows that row y of dst of an image needs.
static void advance(picture *p, int64_t image, int64_t y) {
    const octet_stem *k = p->k;
    const int64_t top = y * k->stride_h - k->pad_top;
    const int64_t bottom = top + k->kernel_h;
    if (image != p->image) p->image = image, p->next = 0;
    read_rows(p, top, bottom < k->in_h ? bottom : k->in_h);
    p->ntaps = 0;
    for (int64_t i = top; i < bottom; i++)
        for (int64_t x = 0; x < k->kernel_w; x++)
            for (int64_t c = 0; c < k->channels; c++) {
                const float *row = p->zeros;
                if (i >= 0 && i < k->in_h)
                    row = p->ring + (i % k->kernel_h * k->channels + c) * p->row;
                p->taps[p->ntaps++] = row + x;
            }
}

static void work(const octet_kernel *base, void *const *at, int part, int parts) {
    const octet_stem *k = (const octet_stem *)base;
    picture p = {.k = k, .image = -1,
            .src = octet_kernel_at(base, at, stem_src), .dst = octet_kernel_at(base, at, stem_dst),
            .weights = octet_kernel_at(base, at, stem_weights),
            .bias = octet_kernel_at(base, at, stem_bias),
            .row = k->row_size / (int64_t)sizeof(float)};
    p.zeros = octet_kernel_at(base, at, stem_scratch);
    p.zeros += part * k->part_size / (int64_t)sizeof(float);
    p.ring = p.zeros + p.row;
    memset(p.zeros, 0, (size_t)k->row_size);
    int64_t begin, end;
    octet_kernel_share(k->images * k->out_h, part, parts, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t image = i / k->out_h, y = i % k->out_h;
        advance(&p, image, y);
        float *dst = p.dst + image * k->dst_n + y * k->dst_h;
        for (int64_t c = 0; c < k->out_channels; c += wide) {
            const int two = k->out_channels - c > 16;
            const tile_fn f = tiles[two][k->stride_w - 1];
            for (int64_t x = 0; x < k->out_w; x += pixels)
                f(&p, x, c, dst + x * k->dst_w + c);
        }
    }
}

static int read_tensors(const octet_spec *s, octet_stem *k) {
    octet_desc_info src, dst, wei;
    if (octet_desc_describe(s->src, &src) != dnnl_success
            || octet_desc_describe(s->dst, &dst) != dnnl_success
            || octet_desc_describe(s->weights, &wei) != dnnl_success)
        return 0;
    if (!octet_stem_picture(&src, k) || !k->planes || src.data_type != dnnl_f32)
        return 0;
    if (dst.ndims != 4 || dst.data_type != dnnl_f32 || dst.nblocks || dst.offset
            || dst.format_kind != dnnl_blocked || dst.strides[1] != 1
            || dst.size == 0 || dst.dims[0] != k->images)
        return 0;
    if (wei.ndims != 4 || wei.data_type != dnnl_f32 || wei.dims[0] != dst.dims[1]
            || wei.dims[1] != k->channels || k->channels < least_channels)
        return 0;
    k->out_channels = dst.dims[1];
    k->out_h = dst.dims[2], k->out_w = dst.dims[3];
    k->dst_n = dst.strides[0], k->dst_h = dst.strides[2];
    k->dst_w = dst.strides[3];
    k->kernel_h = wei.dims[2], k->kernel_w = wei.dims[3];
    return k->channels * k->kernel_h * k->kernel_w <= most_taps
            && k->kernel_h * k->kernel_w > 1;
}

// Rows that padding makes longer oneDNN adds up in another order.
static int keeps_order(const octet_spec *s, const octet_stem *k) {
    return s->pad_l[1] + s->pad_r[1] < k->kernel_w;
}

static void set_sizes(octet_stem *k) {
    const int64_t computed = stem_up(k->out_w, pixels);
    const int64_t row = (computed - 1) * k->stride_w + k->kernel_w;
    k->row_size = stem_up(row * (int64_t)sizeof(float), 64);
    k->part_size = (k->kernel_h * k->channels + 1) * k->row_size;
    const int64_t rows = k->images * k->out_h, threads = octet_threads();
    k->base.most_parts = rows < threads ? rows : threads;
}

dnnl_status_t octet_stem_f32_create(const octet_spec *spec, octet_kernel **out) {
    if (!octet_kernel_may_use(dnnl_cpu_isa_avx512_core)
            || spec->kind != dnnl_convolution || spec->stat
            || spec->alg != dnnl_convolution_direct)
        return dnnl_unimplemented;
    octet_stem *k = (octet_stem *)octet_kernel_new(sizeof(*k), name);
    if (!k) return dnnl_out_of_memory;
    int has[stem_nargs] = {[stem_src] = 1, [stem_weights] = 1, [stem_dst] = 1,
            [stem_scratch] = 1};
    dnnl_status_t status = dnnl_unimplemented;
    if (read_tensors(spec, k) && octet_stem_window(spec, k) && k->stride_w <= 2
            && keeps_order(spec, k)
            && spec->nscales == 0 && spec->nzero_points == 0
            && octet_spec_clips(spec, &k->low, &k->high)
            && octet_spec_bias(spec, k->out_channels, &has[stem_bias])) {
        set_sizes(k);
        status = octet_stem_args(spec, dnnl_f32, has, k);
    }
    if (status != dnnl_success) {
        octet_kernel_destroy(&k->base);
        return status;
    }
    k->base.work = work;
    *out = &k->base;
    return dnnl_success;
}

#else

dnnl_status_t octet_stem_f32_create(const octet_spec *spec, octet_kernel **out) {
    (void)spec, (void)out, (void)name;
    return dnnl_unimplemented;
}

#endif
