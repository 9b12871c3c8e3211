#include "kernel.h"

#include <math.h>

int octet_is_byte(int32_t data_type) {
    return data_type == dnnl_u8 || data_type == dnnl_s8;
}

int octet_spec_clips(const octet_spec *s, float *low, float *high) {
    *low = -INFINITY, *high = INFINITY;
    if (s->npost_ops == 0) return 1;
    const octet_post_op *p = &s->post_ops[0];
    if (s->npost_ops > 1 || p->kind != octet_post_op_eltwise) return 0;
    if (p->alg == dnnl_eltwise_relu && p->alpha == 0)
        *low = 0;
    else if ((p->alg == dnnl_eltwise_clip || p->alg == dnnl_eltwise_clip_v2)
            && p->alpha <= p->beta)
        *low = p->alpha, *high = p->beta;
    else
        return 0;
    return 1;
}

int octet_spec_bias(const octet_spec *s, int64_t channels, int *has) {
    octet_desc_info bias;
    if (!s->bias) return 1;
    if (octet_desc_describe(s->bias, &bias) != dnnl_success) return 0;
    if (bias.ndims == 0) return 1;
    *has = 1;
    return bias.ndims == 1 && bias.data_type == dnnl_f32
            && bias.format_kind == dnnl_blocked && bias.nblocks == 0
            && bias.dims[0] == channels && bias.strides[0] == 1;
}

int octet_spec_takes(
        const_dnnl_memory_desc_t given, const_dnnl_memory_desc_t wanted) {
    octet_desc_info info;
    return octet_desc_describe(given, &info) == dnnl_success
            && (info.format_kind == dnnl_format_kind_any
                    || dnnl_memory_desc_equal(given, wanted));
}

int octet_onednn_joins_scales(void) {
    const dnnl_version_t *v = dnnl_version();
    return v->major == 3 && v->minor < 10;
}
