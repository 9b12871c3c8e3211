#include "shim.h"

#include "attr.h"
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

// One of the two is there.
struct octet_primitive {
    dnnl_primitive_t onednn;
    octet_kernel *kernel;
};

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

static const char *impl_name(const_dnnl_primitive_desc_t pd) {
    const char *name = NULL;
    if (!pd
            || dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name)
                    != dnnl_success)
        return NULL;
    return name;
}

// Moves pd on to the implementation of that name. It goes by names because the
// order is not reliable: where a primitive cache of oneDNN 3.13 knows the first
// choice already, the next ones start with that again.
static dnnl_status_t seek(pd_t pd, const char *impl) {
    for (;;) {
        const char *name = impl_name(pd);
        if (name && strcmp(name, impl) == 0) return dnnl_success;
        dnnl_status_t status = dnnl_primitive_desc_next_impl(pd);
        if (status == dnnl_last_impl_reached) return dnnl_unimplemented;
        if (status != dnnl_success) return status;
    }
}

// Describes spec with oneDNN's first choice of implementation.
static dnnl_status_t first_choice(
        pd_t *pd, dnnl_engine_t engine, const octet_spec *spec) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = octet_attr_create(spec, &attr);
    if (status != dnnl_success) return status;
    status = describe(pd, engine, spec, attr);
    dnnl_primitive_attr_destroy(attr);
    return status;
}

dnnl_status_t octet_onednn_choice(
        const octet_spec *spec, char *name, size_t size) {
    dnnl_engine_t engine = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = dnnl_engine_create(&engine, dnnl_cpu, 0);
    if (status != dnnl_success) return status;
    status = first_choice(&pd, engine, spec);
    const char *found = impl_name(pd);
    size_t n = found ? strlen(found) : size;
    if (status == dnnl_success && n < size)
        memcpy(name, found, n + 1);
    else if (status == dnnl_success)
        status = dnnl_runtime_error;
    if (pd) dnnl_primitive_desc_destroy(pd);
    dnnl_engine_destroy(engine);
    return status;
}

static const char *onednn_impl(const_dnnl_primitive_t primitive) {
    const_dnnl_primitive_desc_t pd = NULL;
    if (dnnl_primitive_get_primitive_desc(primitive, &pd) != dnnl_success)
        return NULL;
    return impl_name(pd);
}

static dnnl_status_t create_onednn(
        dnnl_engine_t engine, const octet_spec *spec, dnnl_primitive_t *out) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = first_choice(&pd, engine, spec);
    if (status == dnnl_success && spec->impl) status = seek(pd, spec->impl);
    if (status == dnnl_success) status = dnnl_primitive_create(out, pd);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (status != dnnl_success || !spec->impl) return status;
    const char *name = onednn_impl(*out);
    if (name && strcmp(name, spec->impl) == 0) return dnnl_success;
    dnnl_primitive_destroy(*out); // the cache took it for another one
    *out = NULL;
    return dnnl_unimplemented;
}

int octet_primitive_create(
        dnnl_engine_t engine, const octet_spec *spec, octet_primitive **out) {
    octet_primitive *p = calloc(1, sizeof(*p));
    if (!p) return dnnl_out_of_memory;
    dnnl_status_t status = octet_kernel_named(spec->impl)
            ? octet_kernel_create(spec, &p->kernel)
            : create_onednn(engine, spec, &p->onednn);
    if (status == dnnl_success)
        *out = p;
    else
        free(p);
    return status;
}

void octet_primitive_destroy(octet_primitive *p) {
    if (!p) return;
    if (p->onednn) dnnl_primitive_destroy(p->onednn);
    octet_kernel_destroy(p->kernel);
    free(p);
}

int octet_primitive_execute(const octet_primitive *p, dnnl_stream_t stream,
        int nargs, const dnnl_exec_arg_t *args) {
    if (!p->kernel)
        return dnnl_primitive_execute(p->onednn, stream, nargs, args);
    // What the stream still has to do may be what the kernel reads.
    dnnl_status_t status = dnnl_stream_wait(stream);
    if (status != dnnl_success) return status;
    return octet_kernel_execute(p->kernel, nargs, args);
}

// Whether list, names with a newline after each, has name.
static int listed(const char *list, const char *name) {
    size_t n = strlen(name);
    for (; *list; list = strchr(list, '\n') + 1)
        if (strncmp(list, name, n) == 0 && list[n] == '\n') return 1;
    return 0;
}

int octet_primitive_impls(dnnl_engine_t engine, const octet_spec *spec,
        char *names, size_t size) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = first_choice(&pd, engine, spec);
    size_t used = octet_kernel_impls(spec, names, size);
    while (status == dnnl_success) {
        const char *name = impl_name(pd);
        size_t n = name ? strlen(name) : 0;
        if (n > 0 && used + n + 2 <= size && !listed(names, name)) {
            memcpy(names + used, name, n);
            used += n;
            names[used++] = '\n';
            names[used] = 0;
        }
        status = dnnl_primitive_desc_next_impl(pd);
    }
    if (pd) dnnl_primitive_desc_destroy(pd);
    return status == dnnl_last_impl_reached ? dnnl_success : status;
}

// The descriptor of an execution argument, owned by the primitive; NULL where
// the primitive has no such argument.
static const_dnnl_memory_desc_t arg_desc(const octet_primitive *p, int arg) {
    if (p->kernel) return octet_kernel_desc(p->kernel, arg);
    const_dnnl_primitive_desc_t pd = NULL;
    if (dnnl_primitive_get_primitive_desc(p->onednn, &pd) != dnnl_success)
        return NULL;
    return dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, arg);
}

int octet_primitive_arg_desc(
        const octet_primitive *p, int arg, dnnl_memory_desc_t *out) {
    const_dnnl_memory_desc_t desc = arg_desc(p, arg);
    if (desc) return dnnl_memory_desc_clone(out, desc);
    const dnnl_dims_t none = {0};
    return dnnl_memory_desc_create_with_tag(
            out, 0, none, dnnl_data_type_undef, dnnl_format_tag_undef);
}

uint64_t octet_primitive_arg_size(const octet_primitive *p, int arg) {
    const_dnnl_memory_desc_t desc = arg_desc(p, arg);
    return desc ? dnnl_memory_desc_get_size(desc) : 0;
}

const char *octet_primitive_impl(const octet_primitive *p) {
    return p->kernel ? p->kernel->impl : onednn_impl(p->onednn);
}

static int is_empty(const_dnnl_memory_desc_t desc) {
    int ndims = 0;
    return dnnl_memory_desc_query(desc, dnnl_query_ndims_s32, &ndims)
            != dnnl_success
            || ndims == 0;
}

int octet_args_mismatch(
        const octet_primitive *p, int nargs, const dnnl_exec_arg_t *args) {
    for (int i = 0; i < nargs; i++) {
        const_dnnl_memory_desc_t want = arg_desc(p, args[i].arg);
        if (!want || is_empty(want)) continue; // run-time scales and the like
        const_dnnl_memory_desc_t have = NULL;
        if (dnnl_memory_get_memory_desc(args[i].memory, &have) != dnnl_success
                || !dnnl_memory_desc_equal(want, have))
            return i;
    }
    return -1;
}
