// Package hostop computes in plain Go what oneDNN has no primitive for: layers
// in the middle of a network, and the end of one that works on the whole batch.
//
// A Kernel is prepared once for each set of tensors, so that a run need not
// allocate. Kernels themselves are stateless and may be used by many streams.
package hostop

import (
	"unsafe"

	"github.com/octet-dnn/octet/model"
)

// A Tensor is a dense tensor in memory of somebody else. One of the typed
// slices is set, by DType, and aliases Data.
type Tensor struct {
	Dims  []int
	DType model.DType
	// ChannelsLast says that the four dims N, C, H, W lie in memory as
	// N, H, W, C; all other tensors are row-major.
	ChannelsLast bool

	// LoD is set by kernels whose result is a list of rows an image.
	LoD [][]uint64

	Data []byte
	F32  []float32
	I64  []int64
	I32  []int32
	U8   []uint8 // also booleans
	S8   []int8
}

// A Kernel prepares the computation of one layer. The tensors are its inputs,
// then its outputs, nil where an optional one is absent; their memory may change
// from run to run (see Set), their dims may not. The function returned computes
// the outputs; it must not be called twice at once.
type Kernel func(t []*Tensor) (run func() error, err error)

// Set points t at data, which must hold the elements of t and be aligned for
// their type; nil forgets the memory.
func (t *Tensor) Set(data []byte) {
	*t = Tensor{Dims: t.Dims, DType: t.DType, ChannelsLast: t.ChannelsLast, LoD: t.LoD, Data: data}
	switch t.DType {
	case model.FP32:
		t.F32 = view[float32](data)
	case model.Int64:
		t.I64 = view[int64](data)
	case model.Int32:
		t.I32 = view[int32](data)
	case model.UInt8, model.Bool:
		t.U8 = data
	case model.Int8:
		t.S8 = view[int8](data)
	}
}

// Resize gives t other dims within the memory it has.
func (t *Tensor) Resize(dims ...int) {
	t.Dims = append(t.Dims[:0:0], dims...)
	t.Set(t.Data[:t.Size()])
}

func view[T any](data []byte) []T {
	var e T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/int(unsafe.Sizeof(e)))
}

// Size returns the bytes that the elements of t take.
func (t *Tensor) Size() int { return elems(t.Dims) * t.DType.Size() }

func elems(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
