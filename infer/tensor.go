package infer

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/model"
)

// A layout is the order of a tensor's elements in memory. Tensors of four dims
// are kept channels-last, which both INT8 and FP32 kernels take without
// reorders; all others are row-major.
type layout uint8

const (
	plain layout = iota
	channelsLast
)

// A storage is a stretch of the arena. Tensors that are views of each other, or
// that are computed in place, share one.
type storage struct {
	size, offset int
	images       int // of the plan that size is for
	first, last  int // steps between which the bytes are in use
	pending      int // uses of values in it that are still to be lowered
}

// A tensor is a place for a value: in the arena, in memory bound for a run, or
// constant. Exactly one of store, data and bound is set; mem is the memory of a
// constant seen as it was made.
type tensor struct {
	desc   *dnnl.Desc
	dims   []int
	dtype  dnnl.DataType
	layout layout
	store  *storage
	mem    *dnnl.Memory
	data   []byte
	bound  int // 1-based index into the plan's bound memories
	image  int // where the tensor starts in store or the bound memory, in images
	skip   int // and how many bytes of store come before it in the image
}

func dataType(d model.DType) (dnnl.DataType, error) {
	switch d {
	case model.FP32:
		return dnnl.F32, nil
	case model.Int8:
		return dnnl.S8, nil
	case model.UInt8:
		return dnnl.U8, nil
	case model.Int32:
		return dnnl.S32, nil
	}
	return 0, fmt.Errorf("%v tensors are not computed by oneDNN", d)
}

// newDesc makes the dense descriptor of dims in that layout.
func newDesc(dims []int, dt dnnl.DataType, l layout) (*dnnl.Desc, error) {
	if len(dims) == 0 {
		dims = []int{1}
	}
	return dnnl.NewStridedDesc(dims, strides(dims, l), dt)
}

// strides returns the dense strides of dims, channels-last for four dims where
// asked, row-major otherwise.
func strides(dims []int, l layout) []int {
	order := make([]int, len(dims)) // slowest first
	for i := range order {
		order[i] = i
	}
	if l == channelsLast && len(dims) == 4 {
		order = []int{0, 2, 3, 1}
	}
	s := make([]int, len(dims))
	n := 1
	for _, axis := range slices.Backward(order) {
		s[axis] = n
		n *= max(dims[axis], 1)
	}
	return s
}

func elems(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// sameOrder reports whether both layouts put the elements of dims in the same
// order, so that a reorder between them would only copy.
func sameOrder(dims []int) bool {
	return len(dims) != 4 || dims[1] == 1 || dims[2]*dims[3] == 1
}
