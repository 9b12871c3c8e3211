package cgo

// #include "shim.h"
//
// #cgo noescape octet_desc_describe
// #cgo nocallback octet_desc_describe
import "C"

import "unsafe"

func (d Desc) c() C.dnnl_memory_desc_t { return C.dnnl_memory_desc_t(d.p) }

// C has a type of its own for a handle to a descriptor that is only read.
func (d Desc) constC() C.const_dnnl_memory_desc_t { return C.const_dnnl_memory_desc_t(d.p) }

// dims copies up to MaxDims numbers into a dnnl_dims_t.
func dims(from []int) (to [MaxDims]C.dnnl_dim_t) {
	for i := range min(len(from), MaxDims) {
		to[i] = C.dnnl_dim_t(from[i])
	}
	return to
}

// CreateDesc describes a tensor laid out as a format tag says. There must be
// at most MaxDims dimensions, here and below.
func CreateDesc(shape []int, dataType, tag int32) (Desc, Status) {
	var h C.dnnl_memory_desc_t
	ds := dims(shape)
	st := C.dnnl_memory_desc_create_with_tag(&h, C.int(len(shape)), &ds[0],
		C.dnnl_data_type_t(dataType), C.dnnl_format_tag_t(tag))
	return Desc{unsafe.Pointer(h)}, Status(st)
}

// CreateStridedDesc describes a tensor by its strides, in elements.
func CreateStridedDesc(shape, strides []int, dataType int32) (Desc, Status) {
	var h C.dnnl_memory_desc_t
	ds, ss := dims(shape), dims(strides)
	st := C.dnnl_memory_desc_create_with_strides(&h, C.int(len(shape)), &ds[0],
		C.dnnl_data_type_t(dataType), &ss[0])
	return Desc{unsafe.Pointer(h)}, Status(st)
}

// Submemory describes a box inside d.
func (d Desc) Submemory(shape, offsets []int) (Desc, Status) {
	var h C.dnnl_memory_desc_t
	ds, os := dims(shape), dims(offsets)
	st := C.dnnl_memory_desc_create_submemory(&h, d.c(), &ds[0], &os[0])
	return Desc{unsafe.Pointer(h)}, Status(st)
}

// Reshape describes the same memory with other dimensions.
func (d Desc) Reshape(shape []int) (Desc, Status) {
	var h C.dnnl_memory_desc_t
	ds := dims(shape)
	st := C.dnnl_memory_desc_reshape(&h, d.c(), C.int(len(shape)), &ds[0])
	return Desc{unsafe.Pointer(h)}, Status(st)
}

// Permute describes the same memory with the dimensions in another order:
// dimension i of d becomes dimension axes[i].
func (d Desc) Permute(axes []int) (Desc, Status) {
	var h C.dnnl_memory_desc_t
	var perm [MaxDims]C.int
	for i := range min(len(axes), MaxDims) {
		perm[i] = C.int(axes[i])
	}
	st := C.dnnl_memory_desc_permute_axes(&h, d.c(), &perm[0])
	return Desc{unsafe.Pointer(h)}, Status(st)
}

// Clone copies the descriptor.
func (d Desc) Clone() (Desc, Status) {
	var h C.dnnl_memory_desc_t
	st := C.dnnl_memory_desc_clone(&h, d.c())
	return Desc{unsafe.Pointer(h)}, Status(st)
}

// Equal reports whether both descriptors describe the same layout.
func (d Desc) Equal(e Desc) bool { return C.dnnl_memory_desc_equal(d.c(), e.c()) != 0 }

// Describe asks the descriptor for everything it knows.
func (d Desc) Describe() (DescInfo, Status) {
	var info C.octet_desc_info
	if st := Status(C.octet_desc_describe(d.c(), &info)); st != StatusSuccess {
		return DescInfo{}, st
	}
	n := int(info.ndims)
	out := DescInfo{
		DataType:   int32(info.data_type),
		Format:     int32(info.format_kind),
		Dims:       ints(info.dims[:n]),
		PaddedDims: ints(info.padded_dims[:n]),
		Blocks:     ints(info.blocks[:info.nblocks]),
		BlockDims:  ints(info.block_dims[:info.nblocks]),
		Offset:     int(info.offset),
		Size:       int(info.size),
	}
	if out.Format == FormatBlocked {
		out.Strides = ints(info.strides[:n])
	}
	return out, StatusSuccess
}

func ints(from []C.int64_t) []int {
	to := make([]int, len(from))
	for i, v := range from {
		to[i] = int(v)
	}
	return to
}

// Destroy frees the descriptor.
func (d Desc) Destroy() { C.dnnl_memory_desc_destroy(d.c()) }
