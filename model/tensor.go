package model

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// A Tensor is a dense row-major array: a parameter, an input or an output.
// Data is little endian and holds exactly the product of Dims elements; no
// dims at all means one element. Data may alias memory of the caller (see
// Float32Tensor); a Tensor is not safe for concurrent modification.
//
// The tensors of models loaded WithLazyParams may be lazy: they have no Data,
// and Size, Read, Bytes and the views of elements give what it would be.
type Tensor struct {
	DType DType
	Dims  []int64
	// LoD holds the offsets of each level of a LoD tensor; nil for plain tensors.
	LoD  [][]uint64
	Data []byte

	lazy *lazy
}

// Len returns the number of elements.
func (t *Tensor) Len() int {
	if s := t.DType.Size(); s > 0 {
		return t.Size() / s
	}
	return 0
}

// Float32Tensor wraps x, without copying, as a tensor of the given dims.
// It fails unless the dims multiply to len(x).
func Float32Tensor(x []float32, dims ...int64) (*Tensor, error) {
	return wrap(FP32, unsafe.Pointer(unsafe.SliceData(x)), len(x), dims)
}

// Int64Tensor wraps x, without copying, as a tensor of the given dims.
// It fails unless the dims multiply to len(x).
func Int64Tensor(x []int64, dims ...int64) (*Tensor, error) {
	return wrap(Int64, unsafe.Pointer(unsafe.SliceData(x)), len(x), dims)
}

func wrap(d DType, p unsafe.Pointer, n int, dims []int64) (*Tensor, error) {
	want, err := checkedElems(dims, math.MaxInt64)
	if err != nil || want != uint64(n) {
		return nil, fmt.Errorf("tensor: dims %v do not hold the %d elements given", dims, n)
	}
	t := &Tensor{DType: d, Dims: append([]int64(nil), dims...)}
	if n > 0 {
		t.Data = unsafe.Slice((*byte)(p), n*d.Size())
	}
	return t, nil
}

// Float32s returns the elements of an FP32 tensor as a slice that aliases Data
// where Data is aligned, and is a copy otherwise. It returns nil for other
// types, and for lazy tensors that cannot be read: Read tells why.
func (t *Tensor) Float32s() []float32 { return view[float32](t, FP32) }

// Int64s is Float32s for Int64 tensors.
func (t *Tensor) Int64s() []int64 { return view[int64](t, Int64) }

// Int32s is Float32s for Int32 tensors.
func (t *Tensor) Int32s() []int32 { return view[int32](t, Int32) }

func view[T any](t *Tensor, d DType) []T {
	if t.DType != d || t.Size() == 0 {
		return nil
	}
	data, err := t.Bytes()
	if err != nil {
		return nil
	}
	var e T
	n := len(data) / int(unsafe.Sizeof(e))
	p := unsafe.Pointer(unsafe.SliceData(data))
	if uintptr(p)%unsafe.Alignof(e) == 0 {
		return unsafe.Slice((*T)(p), n)
	}
	out := make([]T, n)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), len(data)), data)
	return out
}

// aligned reports whether b may hold elements of any type.
func aligned(b []byte) bool { return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%8 == 0 }

// Equal reports whether t and u have the same type, dims, LoD and data bytes.
// Data that cannot be read is equal to none.
func (t *Tensor) Equal(u *Tensor) bool {
	if t == nil || u == nil {
		return t == u
	}
	if t.DType != u.DType || !slices.Equal(t.Dims, u.Dims) || !slices.EqualFunc(t.LoD, u.LoD, slices.Equal) {
		return false
	}
	a, errA := t.Bytes()
	b, errB := u.Bytes()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
