// The first convolution of an INT8 network, with the quantisation of the
// picture in front of it: between stem.c, which reads specs, and the files that
// are compiled for instruction sets.
//
// It takes 1 to 4 channels, FP32 or 8-bit, channels-first or channels-last. A
// row of the picture is quantised once, into one of a few rows that stay in the
// cache, channels interleaved and padding included; the convolution reads it
// from there.
#ifndef OCTET_STEM_H
#define OCTET_STEM_H

#include "kernel.h"

// Where the arguments stand in the list of the kernel.
enum {
    stem_src,
    stem_weights,
    stem_dst,
    stem_bias,
    stem_factor, // what FP32 pixels are multiplied by before they are rounded
    stem_shift, // what is added then, of each channel; padding is that too
    stem_src_scale,
    stem_wei_scale,
    stem_dst_scale,
    stem_scratch,
    stem_nargs
};

typedef struct {
    octet_kernel base;
    int64_t images, channels, in_h, in_w;
    int64_t out_channels, out_h, out_w;
    int64_t src_n, src_c, src_h, src_w; // strides, elements
    int64_t dst_n, dst_h, dst_w; // strides, bytes
    int64_t kernel_h, kernel_w, stride_h, stride_w;
    int64_t pad_top, pad_left;
    int src_type; // dnnl_f32, dnnl_s8 or dnnl_u8
    int planes; // whether a row is one of each channel
    int pixel_signed; // whether what is convolved is s8 rather than u8
    int dst_signed;
    int shifted; // whether there is a factor and a shift for each channel
    int wei_scales; // whether there is one a channel
    int joined_scales; // whether the scales are multiplied before the sum is
    float low, high; // the bounds of the activation, infinite where none

    int64_t row_size; // bytes of a quantised row
    int64_t part_size; // bytes of scratch memory of a part
} octet_stem;

// Bytes that vector loads and stores reach past the end of a row.
enum { stem_slack = 128 };

// Channels of the picture, at most.
enum { stem_channels = 4 };

// Channels of dst that are computed at once, in vectors of 16. Tables have
// whole blocks.
enum { stem_block = 64 };

typedef struct {
    const void *src;
    const int8_t *weights;
    uint8_t *dst;
    const float *bias, *factor, *shift, *src_scale, *wei_scale, *dst_scale;
    uint8_t *scratch;
} stem_args;

static inline int64_t stem_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

static inline int64_t stem_table(const octet_stem *k) {
    return stem_up(k->out_channels, stem_block) * (int64_t)sizeof(float);
}

// Weights of a filter row of a channel, in fours.
static inline int64_t stem_row_fours(const octet_stem *k) {
    return (k->kernel_w * k->channels + 3) / 4;
}

// Bytes of all weights as stem_pack has them.
static inline int64_t stem_weights_size(const octet_stem *k) {
    return stem_up(k->out_channels, stem_block) * k->kernel_h
            * stem_row_fours(k) * 4;
}

// Whether src, a picture, can be read, and how: whether the channels of a row are
// interleaved, or it is one row of each.
int octet_stem_picture(const octet_desc_info *src, octet_stem *k);

// Reads strides and padding. The sizes must agree, as oneDNN checks too: the
// kernels trust them.
int octet_stem_window(const octet_spec *s, octet_stem *k);

// Adds the arguments: those of stem_src to stem_scratch that it has, weights of
// the type given. The sizes are set.
dnnl_status_t octet_stem_args(const octet_spec *spec, dnnl_data_type_t type,
        const int *has, octet_stem *k);

// Makes the kernel for spec that does its work by work, which needs the
// instructions of isa. extra tells how much scratch memory a part needs for
// itself. dnnl_unimplemented where spec is another convolution.
dnnl_status_t octet_stem_create(const octet_spec *spec, const char *impl,
        int isa, int64_t (*extra)(const octet_stem *),
        void (*work)(const octet_kernel *, void *const *, int, int),
        octet_kernel **out);

#endif
