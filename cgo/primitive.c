#include "shim.h"

#include "attr.h"

typedef dnnl_primitive_desc_t pd_t;
typedef const_dnnl_primitive_attr_t attr_t;

#define PROP dnnl_forward_inference
#define ALG(s) ((dnnl_alg_kind_t)(s)->alg)

static dnnl_status_t convolution(
        pd_t *pd, dnnl_engine_t e, const octet_spec *s, attr_t a) {
    return dnnl_convolution_forward_primitive_desc_create(pd, e, PROP, ALG(s),
            s->src, s->weights, s->bias, s->dst, s->strides, s->dilations,
            s->pad_l, s->pad_r, a);
}

static dnnl_status_t deconvolution(
        pd_t *pd, dnnl_engine_t e, const octet_spec *s, attr_t a) {
    return dnnl_deconvolution_forward_primitive_desc_create(pd, e, PROP, ALG(s),
            s->src, s->weights, s->bias, s->dst, s->strides, s->dilations,
            s->pad_l, s->pad_r, a);
}

static dnnl_status_t pooling(
        pd_t *pd, dnnl_engine_t e, const octet_spec *s, attr_t a) {
    return dnnl_pooling_forward_primitive_desc_create(pd, e, PROP, ALG(s),
            s->src, s->dst, s->strides, s->kernel, s->dilations, s->pad_l,
            s->pad_r, a);
}

static dnnl_status_t describe(
        pd_t *pd, dnnl_engine_t e, const octet_spec *s, attr_t a) {
    switch ((dnnl_primitive_kind_t)s->kind) {
        case dnnl_convolution: return convolution(pd, e, s, a);
        case dnnl_deconvolution: return deconvolution(pd, e, s, a);
        case dnnl_pooling: return pooling(pd, e, s, a);
        case dnnl_inner_product:
            return dnnl_inner_product_forward_primitive_desc_create(
                    pd, e, PROP, s->src, s->weights, s->bias, s->dst, a);
        case dnnl_matmul:
            return dnnl_matmul_primitive_desc_create(
                    pd, e, s->src, s->weights, s->bias, s->dst, a);
        case dnnl_reorder:
            return dnnl_reorder_primitive_desc_create(
                    pd, s->src, e, s->dst, e, a);
        case dnnl_eltwise:
            return dnnl_eltwise_forward_primitive_desc_create(
                    pd, e, PROP, ALG(s), s->src, s->dst, s->alpha, s->beta, a);
        case dnnl_binary:
            return dnnl_binary_primitive_desc_create(
                    pd, e, ALG(s), s->src, s->weights, s->dst, a);
        case dnnl_softmax:
            return dnnl_softmax_forward_primitive_desc_create(
                    pd, e, PROP, ALG(s), s->src, s->dst, s->axis, a);
        case dnnl_concat:
            return dnnl_concat_primitive_desc_create(
                    pd, e, s->dst, s->nsrcs, s->axis, s->srcs, a);
        case dnnl_sum:
            return dnnl_sum_primitive_desc_create(
                    pd, e, s->dst, s->nsrcs, s->factors, s->srcs, a);
        case dnnl_lrn:
            return dnnl_lrn_forward_primitive_desc_create(pd, e, PROP, ALG(s),
                    s->src, s->dst, s->count, s->alpha, s->beta, s->k, a);
        case dnnl_resampling:
            return dnnl_resampling_forward_primitive_desc_create(
                    pd, e, PROP, ALG(s), s->factors, s->src, s->dst, a);
        case dnnl_reduction:
            return dnnl_reduction_primitive_desc_create(
                    pd, e, ALG(s), s->src, s->dst, s->alpha, s->beta, a);
        case dnnl_shuffle:
            return dnnl_shuffle_forward_primitive_desc_create(
                    pd, e, PROP, s->src, s->dst, s->axis, s->count, a);
        case dnnl_layer_normalization:
            return dnnl_layer_normalization_forward_primitive_desc_create(pd, e,
                    PROP, s->src, s->dst, s->stat, s->alpha, s->flags, a);
        default: return dnnl_invalid_arguments;
    }
}

int octet_primitive_create(
        dnnl_engine_t engine, const octet_spec *spec, dnnl_primitive_t *out) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = octet_attr_create(spec, &attr);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t pd = NULL;
    status = describe(&pd, engine, spec, attr);
    if (status == dnnl_success) status = dnnl_primitive_create(out, pd);
    if (pd) dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return status;
}

// The descriptor of an execution argument, owned by the primitive; NULL where
// the primitive has no such argument.
static const_dnnl_memory_desc_t arg_desc(
        const_dnnl_primitive_t primitive, int arg) {
    const_dnnl_primitive_desc_t pd = NULL;
    if (dnnl_primitive_get_primitive_desc(primitive, &pd) != dnnl_success)
        return NULL;
    return dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, arg);
}

int octet_primitive_arg_desc(
        const_dnnl_primitive_t primitive, int arg, dnnl_memory_desc_t *out) {
    const_dnnl_memory_desc_t desc = arg_desc(primitive, arg);
    if (desc) return dnnl_memory_desc_clone(out, desc);
    const dnnl_dims_t none = {0};
    return dnnl_memory_desc_create_with_tag(
            out, 0, none, dnnl_data_type_undef, dnnl_format_tag_undef);
}

uint64_t octet_primitive_arg_size(const_dnnl_primitive_t primitive, int arg) {
    const_dnnl_memory_desc_t desc = arg_desc(primitive, arg);
    return desc ? dnnl_memory_desc_get_size(desc) : 0;
}

const char *octet_primitive_impl(const_dnnl_primitive_t primitive) {
    const_dnnl_primitive_desc_t pd = NULL;
    const char *name = NULL;
    if (dnnl_primitive_get_primitive_desc(primitive, &pd) != dnnl_success
            || dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name)
                    != dnnl_success)
        return NULL;
    return name;
}

static int is_empty(const_dnnl_memory_desc_t desc) {
    int ndims = 0;
    return dnnl_memory_desc_query(desc, dnnl_query_ndims_s32, &ndims)
            != dnnl_success
            || ndims == 0;
}

int octet_args_mismatch(const_dnnl_primitive_t primitive, int nargs,
        const dnnl_exec_arg_t *args) {
    for (int i = 0; i < nargs; i++) {
        const_dnnl_memory_desc_t want = arg_desc(primitive, args[i].arg);
        if (!want || is_empty(want)) continue; // run-time scales and the like
        const_dnnl_memory_desc_t have = NULL;
        if (dnnl_memory_get_memory_desc(args[i].memory, &have) != dnnl_success
                || !dnnl_memory_desc_equal(want, have))
            return i;
    }
    return -1;
}
