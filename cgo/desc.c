#include "shim.h"

#include <string.h>

static int copy_dims(const_dnnl_memory_desc_t desc, dnnl_query_t what, int n,
        int64_t *to) {
    const dnnl_dims_t *from = NULL;
    dnnl_status_t status = dnnl_memory_desc_query(desc, what, &from);
    if (status == dnnl_success && from && n > 0)
        memcpy(to, *from, (size_t)n * sizeof(*to));
    return status;
}

// Blocking is only there to be asked for where the format is a blocked one.
static int describe_blocking(
        const_dnnl_memory_desc_t desc, octet_desc_info *info) {
    int n = 0;
    dnnl_status_t status
            = dnnl_memory_desc_query(desc, dnnl_query_inner_nblks_s32, &n);
    if (status != dnnl_success) return status;
    info->nblocks = n;
    status = copy_dims(desc, dnnl_query_strides, info->ndims, info->strides);
    if (status != dnnl_success) return status;
    status = copy_dims(desc, dnnl_query_inner_blks, n, info->blocks);
    if (status != dnnl_success) return status;
    return copy_dims(desc, dnnl_query_inner_idxs, n, info->block_dims);
}

int octet_desc_describe(const_dnnl_memory_desc_t desc, octet_desc_info *info) {
    memset(info, 0, sizeof(*info));
    int ndims = 0;
    dnnl_status_t status
            = dnnl_memory_desc_query(desc, dnnl_query_ndims_s32, &ndims);
    if (status != dnnl_success) return status;
    if (ndims == 0) return dnnl_success; // the empty descriptor
    info->ndims = ndims;

    dnnl_data_type_t data_type = dnnl_data_type_undef;
    status = dnnl_memory_desc_query(desc, dnnl_query_data_type, &data_type);
    if (status != dnnl_success) return status;
    info->data_type = data_type;

    dnnl_format_kind_t kind = dnnl_format_kind_undef;
    status = dnnl_memory_desc_query(desc, dnnl_query_format_kind, &kind);
    if (status != dnnl_success) return status;
    info->format_kind = kind;

    status = copy_dims(desc, dnnl_query_dims, ndims, info->dims);
    if (status != dnnl_success) return status;
    status = copy_dims(desc, dnnl_query_padded_dims, ndims, info->padded_dims);
    if (status != dnnl_success) return status;
    dnnl_dim_t offset = 0;
    status = dnnl_memory_desc_query(
            desc, dnnl_query_submemory_offset_s64, &offset);
    if (status != dnnl_success) return status;
    info->offset = offset;
    info->size = dnnl_memory_desc_get_size(desc);
    return kind == dnnl_blocked ? describe_blocking(desc, info) : dnnl_success;
}
