// The FP32 convolution of small maps: between smallmap.c, which reads specs, and
// the file that is compiled for instruction sets.
//
// Where a map has a few dozen pixels and a layer millions of weights, one image
// uses each weight only that often, and a convolution is as slow as its weights
// come from memory. oneDNN's kernels wait for them. This one computes in the
// cache, with some hundred channels of the source at a time, and fetches the
// weights it needs next meanwhile.
//
// It adds up products in the order of oneDNN's brgconv kernels: the same bytes.
#ifndef OCTET_SMALLMAP_H
#define OCTET_SMALLMAP_H

#include "kernel.h"

// Where the arguments stand in the list of the kernel.
enum {
    smallmap_src,
    smallmap_weights,
    smallmap_dst,
    smallmap_bias,
    smallmap_scratch,
    smallmap_nargs
};

typedef struct {
    octet_kernel base;
    int64_t images, channels, in_h, in_w;
    int64_t out_channels, out_h, out_w;
    int64_t src_n, src_h, src_w; // strides, elements
    int64_t dst_n, dst_h, dst_w;
    int64_t kernel, stride, pad_top, pad_left;
    int sum; // whether dst is added before the activation
    int clips; // whether there is an activation
    float low, high; // its bounds

    // Each part has a copy of the source with zeros around it, or of just those
    // pixels that a kernel of 1x1 reads. Distances in elements.
    int64_t copy_h, copy_w, copy_stride;
    int64_t pixel, row, image;
    int64_t tiles; // of all images
    int64_t copy_size, sums_size; // of a part, elements
} octet_smallmap;

// Pixels of dst that are computed at once, at most: rows of a map that has at
// most so many a row, two of them where they fit.
enum { smallmap_tile = 14 };

// The fewest pixels a row: less leaves too much of a tile empty.
enum { smallmap_least_width = 5 };

// Channels of dst that are computed at once: two vectors.
enum { smallmap_panel = 32 };

// Channels of the source that are taken at once: their weights for a panel fill
// most of a first-level cache.
enum { smallmap_chunk = 256 };

// brgconv_1x1 of oneDNN 3.13 adds up so many channels before it adds the sum to
// that of the channels before; chunks fill it evenly.
enum { smallmap_fold = 5 * smallmap_chunk };

// Makes a kernel for spec, all but base.work. dnnl_unimplemented where spec is
// another convolution.
dnnl_status_t octet_smallmap_describe(
        const octet_spec *spec, const char *impl, octet_smallmap **out);

static inline int64_t smallmap_tile_rows(const octet_smallmap *k) {
    return k->out_w * 2 <= smallmap_tile ? 2 : 1;
}

#endif
