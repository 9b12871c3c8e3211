package cgo

// Spec describes a primitive of any kind; each kind reads its own fields, as
// the comments say. It is the Go twin of octet_spec in shim.h.
type Spec struct {
	Kind  int32
	Alg   int32
	Axis  int32  // softmax, concat, shuffle
	Flags uint32 // layer normalisation
	Count int64  // LRN: local size; shuffle: group size
	Impl  string // name of the implementation wanted; empty for oneDNN's choice

	Alpha, Beta float32 // eltwise, LRN; reduction: p, eps; layer normalisation: eps
	K           float32 // LRN

	Src, Weights, Bias, Dst, Stat Desc // binary: its second source is Weights; convolution: Stat is a picture to quantise, see shim.h
	Srcs                          []Desc
	Factors                       []float32 // resampling: factors; sum: scales

	Kernel, Strides, Dilations, PadL, PadR [MaxDims]int64

	Scales, ZeroPoints []Mask
	PostOps            []PostOp
}

// Mask says along which dimensions an argument's scales or zero points vary:
// bit d for dimension d.
type Mask struct {
	Arg  int32
	Mask int32
}

// The kinds of post-op.
const (
	PostOpSum       = 1
	PostOpEltwise   = 2
	PostOpBinary    = 3
	PostOpDepthwise = 4
)

// PostOp is one operation fused after a primitive. It is the Go twin of
// octet_post_op in shim.h.
type PostOp struct {
	Kind      int32
	Alg       int32   // eltwise, binary
	Alpha     float32 // eltwise; sum: the scale
	Beta      float32 // eltwise
	ZeroPoint int32   // sum
	DataType  int32   // sum
	Src1      Desc    // binary

	WeightsType, BiasType, DstType int32 // depthwise
	Kernel, Stride, Padding        int32 // depthwise
}
