package cgo

import "unsafe"

// Status is what a call into oneDNN came to: a dnnl_status_t, or one of the
// negative codes of this package.
type Status int32

// The status codes of oneDNN, and StatusNoCgo of a build without cgo.
const (
	StatusNoCgo            Status = -1
	StatusSuccess          Status = 0
	StatusOutOfMemory      Status = 1
	StatusInvalidArguments Status = 2
	StatusUnimplemented    Status = 3
	StatusLastImplReached  Status = 4
	StatusRuntimeError     Status = 5
	StatusNotRequired      Status = 6
)

// MaxDims is the greatest number of dimensions a descriptor may have.
const MaxDims = 12

// The kinds of primitive, as dnnl_primitive_kind_t counts them.
const (
	KindReorder       = 1
	KindShuffle       = 2
	KindConcat        = 3
	KindSum           = 4
	KindConvolution   = 5
	KindDeconvolution = 6
	KindEltwise       = 7
	KindLRN           = 8
	KindInnerProduct  = 10
	KindBinary        = 13
	KindMatMul        = 14
	KindResampling    = 15
	KindPooling       = 16
	KindReduction     = 17
	KindSoftmax       = 19
	KindLayerNorm     = 20
)

// The kinds of memory format, as dnnl_format_kind_t counts them.
const (
	FormatUndef   = 0
	FormatAny     = 1
	FormatBlocked = 2
	FormatOpaque  = 3
)

// Handles to objects of oneDNN. The zero handle is no object.
type (
	Engine    struct{ p unsafe.Pointer }
	Stream    struct{ p unsafe.Pointer }
	Desc      struct{ p unsafe.Pointer }
	Memory    struct{ p unsafe.Pointer }
	Primitive struct{ p unsafe.Pointer }
	Chain     struct{ p unsafe.Pointer }
	Team      struct{ p unsafe.Pointer }
)

// DescInfo is what a memory descriptor says about itself.
type DescInfo struct {
	DataType   int32
	Format     int32
	Dims       []int
	PaddedDims []int
	Strides    []int // of the outer blocks; nil unless Format is FormatBlocked
	Blocks     []int // sizes of the inner blocks, outermost first
	BlockDims  []int // the dimension each inner block splits
	Offset     int   // in elements, from the start of the parent
	Size       int   // in bytes, with padding
}

// ExecArg is one argument of a primitive's execution.
type ExecArg struct {
	Arg    int32
	Memory Memory
}

// ChainStep is one primitive of a chain with its arguments.
type ChainStep struct {
	Primitive Primitive
	Args      []ExecArg
	Lane      int  // from 1 on: its thread executes the step alone; 0: all together
	Fence     bool // the threads of all lanes meet before it
}

// ChainBound is a memory that gets its place at each run of a chain: Offset
// bytes after the address at index Pointer.
type ChainBound struct {
	Memory          Memory
	Pointer, Offset int
}

// CPUSet names CPUs of the system: bit i%64 of word i/64 is CPU i.
type CPUSet [16]uint64

// StepPinning stands for the step of a run that failed because a thread cannot
// run on the CPUs it should.
const StepPinning = -2

// Version is what the loaded library says about itself.
type Version struct {
	Major, Minor, Patch int
	Hash                string
	Runtime             string // "seq", "omp", "tbb", "threadpool"
}
