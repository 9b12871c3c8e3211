#include "smallmap.h"

// What the kernel does: FP32, channels-last, groups of one, square kernels, a sum
// with dst, an activation that only clips; maps so small and layers so large
// that waiting for weights is what counts. Everything else is oneDNN's.

enum {
    // With more pixels than 9x14 of all images together oneDNN's kernels
    // are as fast (docs/performance.md).
    most_pixels = 128,
    // Output channels and taps that pay for the copy of the source: each part
    // makes one.
    least_products = 512,
    most_kernel = 7,
    // Of kernels larger than 1x1, and what the weights of a channel of dst are
    // then. Beyond, oneDNN adds up in another order: it looks at the size of
    // the cache.
    most_spread_channels = 512,
    most_spread_weights = 9 * most_spread_channels
};

static int channels_last(const octet_desc_info *d) {
    return d->ndims == 4 && d->format_kind == dnnl_blocked && d->nblocks == 0
            && d->offset == 0 && d->strides[1] == 1 && d->data_type == dnnl_f32
            && d->size > 0;
}

static int read_tensors(const octet_spec *s, octet_smallmap *k) {
    octet_desc_info src, dst, wei;
    if (octet_desc_describe(s->src, &src) != dnnl_success
            || octet_desc_describe(s->dst, &dst) != dnnl_success
            || octet_desc_describe(s->weights, &wei) != dnnl_success)
        return 0;
    if (!channels_last(&src) || !channels_last(&dst)) return 0;
    if (wei.ndims != 4 || wei.data_type != dnnl_f32
            || wei.dims[1] != src.dims[1] || wei.dims[2] != wei.dims[3]
            || wei.dims[2] > most_kernel)
        return 0;
    if (dst.dims[0] != src.dims[0] || dst.dims[1] != wei.dims[0]) return 0;
    k->images = src.dims[0], k->channels = src.dims[1];
    k->in_h = src.dims[2], k->in_w = src.dims[3];
    k->out_channels = dst.dims[1];
    k->out_h = dst.dims[2], k->out_w = dst.dims[3];
    k->src_n = src.strides[0], k->dst_n = dst.strides[0];
    k->src_h = src.strides[2], k->dst_h = dst.strides[2];
    k->src_w = src.strides[3], k->dst_w = dst.strides[3];
    k->kernel = wei.dims[2];
    return 1;
}

// The sizes must agree, as oneDNN checks too: the kernel trusts them.
static int read_window(const octet_spec *s, octet_smallmap *k) {
    if (s->strides[0] != s->strides[1] || s->dilations[0] || s->dilations[1])
        return 0;
    if (s->strides[0] < 1 || s->strides[0] > 2) return 0;
    k->stride = s->strides[0];
    const int64_t in[2] = {k->in_h, k->in_w}, out[2] = {k->out_h, k->out_w};
    for (int i = 0; i < 2; i++) {
        const int64_t l = s->pad_l[i], r = s->pad_r[i];
        if (l < 0 || l >= k->kernel || r < 0 || r >= k->kernel) return 0;
        const int64_t reach = in[i] + l + r - k->kernel;
        if (reach < 0 || reach / k->stride + 1 != out[i]) return 0;
    }
    // Rows that padding makes longer oneDNN adds up in another order.
    if (s->pad_l[1] + s->pad_r[1] >= k->kernel) return 0;
    k->pad_top = s->pad_l[0], k->pad_left = s->pad_l[1];
    return 1;
}

// A sum with dst as it is, then an activation; either may be missing.
static int read_post_ops(const octet_spec *s, octet_smallmap *k) {
    octet_spec rest = *s;
    const octet_post_op *p = s->post_ops;
    if (s->npost_ops > 0 && p->kind == octet_post_op_sum) {
        if (p->alpha != 1 || p->zero_point != 0 || p->data_type != dnnl_f32)
            return 0;
        k->sum = 1;
        rest.post_ops++, rest.npost_ops--;
    }
    k->clips = rest.npost_ops > 0;
    return octet_spec_clips(&rest, &k->low, &k->high) && s->nscales == 0
            && s->nzero_points == 0;
}

static int worth_it(const octet_smallmap *k) {
    if (k->out_w < smallmap_least_width || k->out_w > smallmap_tile) return 0;
    if (k->images > most_pixels || k->out_h > most_pixels
            || k->images * k->out_h * k->out_w > most_pixels)
        return 0;
    if (k->channels % 16 || k->out_channels % smallmap_panel) return 0;
    const int64_t taps = k->kernel * k->kernel;
    if (taps > 1
            && (k->channels > most_spread_channels
                    || k->channels * taps > most_spread_weights))
        return 0;
    return k->out_channels * taps >= least_products;
}

static void set_sizes(octet_smallmap *k) {
    const int64_t rows = smallmap_tile_rows(k);
    if (k->kernel == 1) { // read_window allows no padding then
        k->copy_h = k->out_h, k->copy_w = k->out_w, k->copy_stride = 1;
    } else {
        k->copy_h = (k->out_h - 1) * k->stride + k->kernel;
        k->copy_w = (k->out_w - 1) * k->stride + k->kernel;
        k->copy_stride = k->stride;
    }
    // A vector more, so that the pixels of a column do not all fall into the same
    // set of the cache.
    k->pixel = k->channels + 16;
    k->row = k->copy_w * k->pixel;
    k->image = k->copy_h * k->row;
    k->tiles = k->images * ((k->out_h + rows - 1) / rows);
    k->copy_size = k->images * k->image;
    k->sums_size = k->tiles * smallmap_tile * smallmap_panel;
    const int64_t panels = k->out_channels / smallmap_panel;
    const int64_t threads = octet_threads();
    k->base.most_parts = panels < threads ? panels : threads;
}

// Panels of output channels, in each one the taps, the source's channels below.
static dnnl_status_t weights_desc(
        const octet_smallmap *k, dnnl_memory_desc_t *out) {
    const dnnl_dims_t dims
            = {k->out_channels, k->channels, k->kernel, k->kernel};
    return dnnl_memory_desc_create_with_tag(
            out, 4, dims, dnnl_f32, dnnl_Acdb32a);
}

// The copy, and the sums of a panel twice.
static dnnl_status_t scratch_desc(
        const octet_smallmap *k, dnnl_memory_desc_t *out) {
    const dnnl_dims_t dims
            = {k->base.most_parts * (k->copy_size + 2 * k->sums_size)};
    return dnnl_memory_desc_create_with_tag(out, 1, dims, dnnl_f32, dnnl_a);
}

static dnnl_status_t add_args(const octet_spec *s, int has_bias,
        octet_smallmap *k, const_dnnl_memory_desc_t weights,
        const_dnnl_memory_desc_t scratch) {
    const octet_kernel_operand all[smallmap_nargs] = {
            [smallmap_src] = {DNNL_ARG_SRC, 1, s->src},
            [smallmap_weights] = {DNNL_ARG_WEIGHTS, 1, weights},
            [smallmap_dst] = {DNNL_ARG_DST, 1, s->dst},
            [smallmap_bias] = {DNNL_ARG_BIAS, has_bias, s->bias},
            [smallmap_scratch] = {DNNL_ARG_SCRATCHPAD, 1, scratch},
    };
    if (!octet_spec_takes(s->weights, weights)) return dnnl_unimplemented;
    return octet_kernel_args(&k->base, all, smallmap_nargs);
}

static dnnl_status_t complete(
        const octet_spec *spec, int has_bias, octet_smallmap *k) {
    dnnl_memory_desc_t weights = NULL, scratch = NULL;
    set_sizes(k);
    dnnl_status_t status = weights_desc(k, &weights);
    if (status == dnnl_success) status = scratch_desc(k, &scratch);
    if (status == dnnl_success)
        status = add_args(spec, has_bias, k, weights, scratch);
    if (weights) dnnl_memory_desc_destroy(weights);
    if (scratch) dnnl_memory_desc_destroy(scratch);
    return status;
}

dnnl_status_t octet_smallmap_describe(
        const octet_spec *spec, const char *impl, octet_smallmap **out) {
    if (spec->kind != dnnl_convolution || spec->alg != dnnl_convolution_direct
            || spec->stat)
        return dnnl_unimplemented;
    octet_smallmap *k = (octet_smallmap *)octet_kernel_new(sizeof(*k), impl);
    if (!k) return dnnl_out_of_memory;
    int has_bias = 0;
    dnnl_status_t status = dnnl_unimplemented;
    if (read_tensors(spec, k) && read_window(spec, k) && worth_it(k)
            && read_post_ops(spec, k)
            && octet_spec_bias(spec, k->out_channels, &has_bias))
        status = complete(spec, has_bias, k);
    if (status != dnnl_success) {
        octet_kernel_destroy(&k->base);
        return status;
    }
    *out = k;
    return dnnl_success;
}
