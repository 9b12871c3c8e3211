// The depthwise convolution of 8-bit integers, channels-last: between dw.c,
// which reads specs, and the files that are compiled for instruction sets.
#ifndef OCTET_DW_H
#define OCTET_DW_H

#include "kernel.h"

// Where the arguments stand in the list of the kernel.
enum { dw_src, dw_weights, dw_dst, dw_bias, dw_src_scale, dw_wei_scale,
    dw_dst_scale, dw_nargs };

typedef struct {
    octet_kernel base;
    int64_t images, channels;
    int64_t in_h, in_w, out_h, out_w;
    int64_t src_n, src_h, src_w; // strides, bytes
    int64_t dst_n, dst_h, dst_w;
    int pad_top, pad_left;
    int kernel, stride; // 3 or 5, 1 or 2
    int src_signed, dst_signed;
    int wei_scales; // whether there is one a channel
    // The scale of src is multiplied into those of the weights before the sum is
    // multiplied, as oneDNN did until 3.9.
    int joined_scales;
    float low, high; // the bounds of the activation, infinite where none
} octet_dw;

// Fills in a kernel for spec, but for base.work. dnnl_unimplemented where it is
// another convolution.
dnnl_status_t octet_dw_describe(
        const octet_spec *spec, const char *impl, octet_dw **out);

// Channels that one vector holds.
enum { dw_block = 64 };

// Rows of dst that one unit of work has.
enum { dw_band = 8 };

#endif
