#include "stem.h"

#include <string.h>

// What the kernels do: a picture of up to 4 channels, FP32 to be quantised or
// 8-bit, by s8 to u8 or s8, without groups or dilations, an activation that only
// clips. Everything else is oneDNN's.

enum { most_kernel = 11 };

static int strided(const octet_desc_info *d) {
    return d->ndims == 4 && d->format_kind == dnnl_blocked && d->nblocks == 0
            && d->offset == 0 && d->size > 0;
}

int octet_stem_picture(const octet_desc_info *d, octet_stem *k) {
    if (!strided(d) || (d->data_type != dnnl_f32 && !octet_is_byte(d->data_type)))
        return 0;
    k->images = d->dims[0], k->channels = d->dims[1];
    k->in_h = d->dims[2], k->in_w = d->dims[3];
    k->src_n = d->strides[0], k->src_c = d->strides[1];
    k->src_h = d->strides[2], k->src_w = d->strides[3];
    k->src_type = d->data_type;
    k->planes = k->src_w == 1;
    return k->channels <= stem_channels
            && (k->planes || (k->src_c == 1 && k->src_w == k->channels));
}

static int read_tensors(const octet_spec *s, octet_stem *k) {
    octet_desc_info src, picture, dst, wei;
    if (octet_desc_describe(s->src, &src) != dnnl_success
            || octet_desc_describe(s->stat ? s->stat : s->src, &picture)
                    != dnnl_success
            || octet_desc_describe(s->dst, &dst) != dnnl_success
            || octet_desc_describe(s->weights, &wei) != dnnl_success)
        return 0;
    if (!octet_stem_picture(&picture, k) || !strided(&dst) || dst.strides[1] != 1)
        return 0;
    if (!octet_is_byte(src.data_type) || !octet_is_byte(dst.data_type)) return 0;
    // Bytes are taken as they are.
    if (k->src_type != dnnl_f32 && k->src_type != src.data_type) return 0;
    if (src.ndims != 4 || memcmp(src.dims, picture.dims, 4 * sizeof(*src.dims)))
        return 0;
    if (wei.ndims != 4 || wei.data_type != dnnl_s8
            || wei.dims[1] != k->channels || wei.dims[2] > most_kernel
            || wei.dims[3] > most_kernel)
        return 0;
    if (dst.dims[0] != k->images || dst.dims[1] != wei.dims[0]) return 0;
    k->out_channels = wei.dims[0];
    k->kernel_h = wei.dims[2], k->kernel_w = wei.dims[3];
    k->out_h = dst.dims[2], k->out_w = dst.dims[3];
    k->dst_n = dst.strides[0], k->dst_h = dst.strides[2];
    k->dst_w = dst.strides[3];
    k->pixel_signed = src.data_type == dnnl_s8;
    k->dst_signed = dst.data_type == dnnl_s8;
    return 1;
}

int octet_stem_window(const octet_spec *s, octet_stem *k) {
    const int64_t in[2] = {k->in_h, k->in_w}, out[2] = {k->out_h, k->out_w};
    const int64_t kernel[2] = {k->kernel_h, k->kernel_w};
    for (int i = 0; i < 2; i++) {
        const int64_t l = s->pad_l[i], r = s->pad_r[i];
        if (s->dilations[i] || s->strides[i] < 1 || s->strides[i] > most_kernel)
            return 0;
        if (l < 0 || l > kernel[i] || r < 0 || r > kernel[i]) return 0;
        const int64_t reach = in[i] + l + r - kernel[i];
        if (reach < 0 || reach / s->strides[i] + 1 != out[i]) return 0;
    }
    k->stride_h = s->strides[0], k->stride_w = s->strides[1];
    k->pad_top = s->pad_l[0], k->pad_left = s->pad_l[1];
    return 1;
}

static int read_scales(const octet_spec *s, octet_stem *k, int *has) {
    for (int i = 0; i < s->nscales; i++) {
        const octet_mask *m = &s->scales[i];
        if (m->arg == DNNL_ARG_WEIGHTS && (m->mask == 0 || m->mask == 1)) {
            has[stem_wei_scale] = 1;
            k->wei_scales = m->mask;
        } else if (m->arg == DNNL_ARG_SRC && m->mask == 0)
            has[stem_src_scale] = 1;
        else if (m->arg == DNNL_ARG_DST && m->mask == 0)
            has[stem_dst_scale] = 1;
        else
            return 0;
    }
    return 1;
}

// A shift of the picture is told as its zero points, one a channel.
static int read_shift(const octet_spec *s, octet_stem *k) {
    k->shifted = s->nzero_points > 0;
    return !k->shifted
            || (s->nzero_points == 1 && s->stat
                    && s->zero_points[0].arg == DNNL_ARG_SRC_1
                    && s->zero_points[0].mask == 2);
}

// What is below 0 is cut off in u8 anyhow.
static int read_activation(const octet_spec *s, octet_stem *k) {
    return octet_spec_clips(s, &k->low, &k->high)
            && (k->dst_signed || k->low <= 0);
}

// Rows of channels of dst, one for each weight that one of these has. The
// kernels bring them into their own order, which oneDNN could not describe.
static dnnl_status_t weights_desc(const octet_stem *k, dnnl_data_type_t type,
        dnnl_memory_desc_t *out) {
    const int64_t o = k->out_channels, i = k->channels, w = k->kernel_w;
    const dnnl_dims_t dims = {o, i, k->kernel_h, w};
    const dnnl_dims_t strides = {1, o, w * i * o, i * o};
    return dnnl_memory_desc_create_with_strides(out, 4, dims, type, strides);
}

static dnnl_status_t bytes_desc(int64_t n, dnnl_memory_desc_t *out) {
    const dnnl_dims_t dims = {n};
    return dnnl_memory_desc_create_with_tag(out, 1, dims, dnnl_u8, dnnl_a);
}

static dnnl_status_t add_args(const octet_spec *s, const int *has,
        octet_stem *k, const_dnnl_memory_desc_t weights,
        const_dnnl_memory_desc_t scratch) {
    const octet_kernel_operand all[stem_nargs] = {
            [stem_src] = {DNNL_ARG_SRC, has[stem_src], s->stat ? s->stat : s->src},
            [stem_weights] = {DNNL_ARG_WEIGHTS, has[stem_weights], weights},
            [stem_dst] = {DNNL_ARG_DST, has[stem_dst], s->dst},
            [stem_bias] = {DNNL_ARG_BIAS, has[stem_bias], s->bias},
            [stem_factor] = {DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC_1, has[stem_factor], NULL},
            [stem_shift] = {DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC_1, has[stem_shift], NULL},
            [stem_src_scale] = {DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, has[stem_src_scale], NULL},
            [stem_wei_scale] = {DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, has[stem_wei_scale], NULL},
            [stem_dst_scale] = {DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, has[stem_dst_scale], NULL},
            [stem_scratch] = {DNNL_ARG_SCRATCHPAD, has[stem_scratch], scratch},
    };
    if (!octet_spec_takes(s->weights, weights)) return dnnl_unimplemented;
    return octet_kernel_args(&k->base, all, stem_nargs);
}

// oneDNN has two ways to scale a sum, which differ in the last bit: its kernels
// for AMX, and until 3.9 all, multiply it by the product of the scales, the
// others by one scale after the other. What it would take is what counts here.
static int joins_scales(const octet_spec *spec) {
    if (octet_onednn_joins_scales()) return 1;
    octet_spec plain = *spec;
    plain.nzero_points = 0;
    char name[128];
    return octet_onednn_choice(&plain, name, sizeof(name)) == dnnl_success
            && strstr(name, "amx") != NULL;
}

// Scratch memory of a part: the rows, a row of padding, two tables, and what
// the kernel itself wants.
static void set_sizes(octet_stem *k, int64_t (*extra)(const octet_stem *)) {
    int64_t width = (k->out_w - 1) * k->stride_w + k->kernel_w;
    if (width < k->pad_left + k->in_w) width = k->pad_left + k->in_w;
    k->row_size = stem_up(width * k->channels, 64) + stem_slack;
    k->part_size = (k->kernel_h + 1) * k->row_size + 2 * stem_table(k)
            + stem_up(extra(k), 64);
    const int64_t rows = k->images * k->out_h, threads = octet_threads();
    k->base.most_parts = rows < threads ? rows : threads;
}

dnnl_status_t octet_stem_args(const octet_spec *spec, dnnl_data_type_t type,
        const int *has, octet_stem *k) {
    dnnl_memory_desc_t weights = NULL, scratch = NULL;
    dnnl_status_t status = weights_desc(k, type, &weights);
    if (status == dnnl_success)
        status = bytes_desc(k->part_size * k->base.most_parts, &scratch);
    if (status == dnnl_success) status = add_args(spec, has, k, weights, scratch);
    if (weights) dnnl_memory_desc_destroy(weights);
    if (scratch) dnnl_memory_desc_destroy(scratch);
    return status;
}

dnnl_status_t octet_stem_create(const octet_spec *spec, const char *impl,
        int isa, int64_t (*extra)(const octet_stem *),
        void (*work)(const octet_kernel *, void *const *, int, int),
        octet_kernel **out) {
    if (!octet_kernel_may_use(isa) || spec->kind != dnnl_convolution
            || spec->alg != dnnl_convolution_direct)
        return dnnl_unimplemented;
    octet_stem *k = (octet_stem *)octet_kernel_new(sizeof(*k), impl);
    if (!k) return dnnl_out_of_memory;
    int has[stem_nargs] = {[stem_src] = 1, [stem_weights] = 1, [stem_dst] = 1,
            [stem_scratch] = 1};
    dnnl_status_t status = dnnl_unimplemented;
    if (read_tensors(spec, k) && octet_stem_window(spec, k)
            && read_scales(spec, k, has) && read_shift(spec, k)
            && read_activation(spec, k)
            && octet_spec_bias(spec, k->out_channels, &has[stem_bias])) {
        has[stem_factor] = k->src_type == dnnl_f32;
        has[stem_shift] = k->shifted;
        set_sizes(k, extra);
        status = octet_stem_args(spec, dnnl_s8, has, k);
    }
    if (status != dnnl_success) {
        octet_kernel_destroy(&k->base);
        return status;
    }
    k->joined_scales = joins_scales(spec);
    k->base.work = work;
    *out = &k->base;
    return dnnl_success;
}
