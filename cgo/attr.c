#include "shim.h"

#include "attr.h"

static dnnl_status_t append(dnnl_post_ops_t ops, const octet_post_op *op) {
    switch (op->kind) {
        case octet_post_op_sum:
            return dnnl_post_ops_append_sum(ops, op->alpha, op->zero_point,
                    (dnnl_data_type_t)op->data_type);
        case octet_post_op_eltwise:
            return dnnl_post_ops_append_eltwise(
                    ops, (dnnl_alg_kind_t)op->alg, op->alpha, op->beta);
        case octet_post_op_binary:
            return dnnl_post_ops_append_binary(
                    ops, (dnnl_alg_kind_t)op->alg, op->src1);
        case octet_post_op_depthwise:
            return dnnl_post_ops_append_dw(ops,
                    (dnnl_data_type_t)op->weights_type,
                    (dnnl_data_type_t)op->bias_type,
                    (dnnl_data_type_t)op->dst_type, op->kernel, op->stride,
                    op->padding);
        default: return dnnl_invalid_arguments;
    }
}

static dnnl_status_t set_post_ops(
        dnnl_primitive_attr_t attr, const octet_spec *spec) {
    if (spec->npost_ops == 0) return dnnl_success;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_post_ops_create(&ops);
    for (int i = 0; status == dnnl_success && i < spec->npost_ops; i++)
        status = append(ops, &spec->post_ops[i]);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(attr, ops); // copies
    if (ops) dnnl_post_ops_destroy(ops);
    return status;
}

static dnnl_status_t fill(dnnl_primitive_attr_t attr, const octet_spec *spec) {
    dnnl_status_t status = dnnl_primitive_attr_set_scratchpad_mode(
            attr, dnnl_scratchpad_mode_user);
    for (int i = 0; status == dnnl_success && i < spec->nscales; i++)
        status = dnnl_primitive_attr_set_scales_mask(
                attr, spec->scales[i].arg, spec->scales[i].mask);
    for (int i = 0; status == dnnl_success && i < spec->nzero_points; i++)
        status = dnnl_primitive_attr_set_zero_points_mask(
                attr, spec->zero_points[i].arg, spec->zero_points[i].mask);
    if (status != dnnl_success) return status;
    return set_post_ops(attr, spec);
}

dnnl_status_t octet_attr_create(
        const octet_spec *spec, dnnl_primitive_attr_t *out) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success) status = fill(attr, spec);
    if (status == dnnl_success) {
        *out = attr;
        return status;
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}
