#include "dw.h"

// What the kernel does: u8 or s8 by s8 to u8 or s8, 3x3 or 5x5, steps of 1 or
// 2, an activation that only clips. Everything else is oneDNN's.

static int channels_last(const octet_desc_info *d) {
    return d->ndims == 4 && d->format_kind == dnnl_blocked && d->nblocks == 0
            && d->offset == 0 && d->strides[1] == 1;
}

static int read_tensors(const octet_spec *s, octet_dw *dw) {
    octet_desc_info src, dst, wei;
    if (octet_desc_describe(s->src, &src) != dnnl_success
            || octet_desc_describe(s->dst, &dst) != dnnl_success
            || octet_desc_describe(s->weights, &wei) != dnnl_success)
        return 0;
    if (!channels_last(&src) || !channels_last(&dst)) return 0;
    if (!octet_is_byte(src.data_type) || !octet_is_byte(dst.data_type)) return 0;
    if (wei.ndims != 5 || wei.data_type != dnnl_s8 || wei.dims[0] != src.dims[1]
            || wei.dims[1] != 1 || wei.dims[2] != 1)
        return 0;
    if (wei.dims[3] != wei.dims[4] || (wei.dims[3] != 3 && wei.dims[3] != 5))
        return 0;
    if (dst.dims[0] != src.dims[0] || dst.dims[1] != src.dims[1]) return 0;
    dw->images = src.dims[0];
    dw->channels = src.dims[1];
    dw->in_h = src.dims[2], dw->in_w = src.dims[3];
    dw->out_h = dst.dims[2], dw->out_w = dst.dims[3];
    dw->src_n = src.strides[0], dw->dst_n = dst.strides[0];
    dw->src_h = src.strides[2], dw->dst_h = dst.strides[2];
    dw->src_w = src.strides[3], dw->dst_w = dst.strides[3];
    dw->src_signed = src.data_type == dnnl_s8;
    dw->dst_signed = dst.data_type == dnnl_s8;
    dw->kernel = (int)wei.dims[3];
    return src.size > 0 && dst.size > 0;
}

// The sizes must agree, as oneDNN checks too: the kernel trusts them.
static int read_window(const octet_spec *s, octet_dw *dw) {
    if (s->strides[0] != s->strides[1] || s->dilations[0] || s->dilations[1])
        return 0;
    if (s->strides[0] != 1 && s->strides[0] != 2) return 0;
    dw->stride = (int)s->strides[0];
    const int64_t in[2] = {dw->in_h, dw->in_w}, out[2] = {dw->out_h, dw->out_w};
    for (int i = 0; i < 2; i++) {
        int64_t most = dw->kernel;
        if (s->pad_l[i] < 0 || s->pad_l[i] > most || s->pad_r[i] < 0
                || s->pad_r[i] > most)
            return 0;
        int64_t reach = in[i] + s->pad_l[i] + s->pad_r[i] - dw->kernel;
        if (reach < 0 || reach / dw->stride + 1 != out[i]) return 0;
    }
    dw->pad_top = (int)s->pad_l[0];
    dw->pad_left = (int)s->pad_l[1];
    return 1;
}

static int read_scales(const octet_spec *s, octet_dw *dw, int has[dw_nargs]) {
    for (int i = 0; i < s->nscales; i++) {
        const octet_mask *m = &s->scales[i];
        if (m->arg == DNNL_ARG_WEIGHTS && (m->mask == 0 || m->mask == 3)) {
            has[dw_wei_scale] = 1;
            dw->wei_scales = m->mask == 3;
        } else if (m->arg == DNNL_ARG_SRC && m->mask == 0)
            has[dw_src_scale] = 1;
        else if (m->arg == DNNL_ARG_DST && m->mask == 0)
            has[dw_dst_scale] = 1;
        else
            return 0;
    }
    return s->nzero_points == 0;
}

// One row of channels for each tap: what a vector of channels reads at once.
static dnnl_status_t weights_desc(const octet_dw *dw, dnnl_memory_desc_t *out) {
    const int64_t c = dw->channels, k = dw->kernel;
    const dnnl_dims_t dims = {c, 1, 1, k, k}, strides = {1, c, c, k * c, c};
    return dnnl_memory_desc_create_with_strides(
            out, 5, dims, dnnl_s8, strides);
}

static dnnl_status_t add_args(
        const octet_spec *s, const int has[dw_nargs], octet_dw *dw) {
    dnnl_memory_desc_t weights = NULL;
    dnnl_status_t status = weights_desc(dw, &weights);
    if (status != dnnl_success) return status;
    const octet_kernel_operand all[dw_nargs] = {
            [dw_src] = {DNNL_ARG_SRC, has[dw_src], s->src},
            [dw_weights] = {DNNL_ARG_WEIGHTS, has[dw_weights], weights},
            [dw_dst] = {DNNL_ARG_DST, has[dw_dst], s->dst},
            [dw_bias] = {DNNL_ARG_BIAS, has[dw_bias], s->bias},
            [dw_src_scale] = {DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, has[dw_src_scale], NULL},
            [dw_wei_scale] = {DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, has[dw_wei_scale], NULL},
            [dw_dst_scale] = {DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, has[dw_dst_scale], NULL},
    };
    status = octet_kernel_args(&dw->base, all, dw_nargs);
    if (!octet_spec_takes(s->weights, weights)) status = dnnl_unimplemented;
    dnnl_memory_desc_destroy(weights);
    return status;
}

static int64_t up(int64_t n, int64_t by) {
    return (n + by - 1) / by;
}

dnnl_status_t octet_dw_describe(
        const octet_spec *spec, const char *impl, octet_dw **out) {
    if (spec->kind != dnnl_convolution || spec->alg != dnnl_convolution_direct)
        return dnnl_unimplemented;
    if (spec->stat) return dnnl_unimplemented; // a picture to be quantised
    octet_dw *dw = (octet_dw *)octet_kernel_new(sizeof(*dw), impl);
    if (!dw) return dnnl_out_of_memory;
    int has[dw_nargs] = {[dw_src] = 1, [dw_weights] = 1, [dw_dst] = 1};
    dnnl_status_t status = dnnl_unimplemented;
    if (read_tensors(spec, dw) && read_window(spec, dw)
            && read_scales(spec, dw, has) && octet_spec_clips(spec, &dw->low, &dw->high)
            && octet_spec_bias(spec, dw->channels, &has[dw_bias]))
        status = add_args(spec, has, dw);
    if (status != dnnl_success) {
        octet_kernel_destroy(&dw->base);
        return status;
    }
    dw->joined_scales = octet_onednn_joins_scales();
    dw->base.most_parts = dw->images * up(dw->channels, dw_block)
            * up(dw->out_h, dw_band);
    *out = dw;
    return dnnl_success;
}
