package graph

import "github.com/octet-dnn/octet/model"

// Conv is a 2-d convolution over NCHW, grouped, dilated and depthwise included.
// In: x, filter (constant, OIHW, I = C/Groups), bias (constant [O]) or nil,
// residual (shape of the output) or nil. Out: y = Act(conv + bias + residual).
type Conv struct {
	Strides, Dilations [2]int // h, w
	Pads               [4]int // top, bottom, left, right
	// PadMode is resolved against the input size by Infer and Resolve:
	// SAME overwrites Pads and Dilations, VALID zeroes Pads.
	PadMode PadMode
	Groups  int
	Act     Activation
	// Int8 is set on quantised convolutions.
	Int8 *Int8
}

// PadMode is Paddle's padding_algorithm.
type PadMode uint8

// The padding algorithms.
const (
	PadExplicit PadMode = iota
	PadSame
	PadValid
)

// Int8 holds the quantisation of a Conv or FC, all scales in Paddle's sense:
// q = round(real·scale). With it, x is u8 or s8 (its Value.DType), a residual
// is u8 or s8 too, and the layer computes
//
//	real = acc/(ScaleIn·ScaleWeights[c]) + bias[c]
//	q    = saturate(round(Act(real·ScaleOut + residual·ScaleOut/ScaleInEltwise)))
//
// into Out's DType, or the real value when ForceFP32 is set.
type Int8 struct {
	ScaleIn, ScaleOut, ScaleInEltwise float32
	// ScaleWeights has one scale for all, or one an output channel; a dead
	// channel has a scale of 1.
	ScaleWeights []float32
	ForceFP32    bool
	// SaturateS8 makes a u8 output saturate as s8 first, at 127: what Paddle
	// does when a relu follows an s8 residual.
	SaturateS8 bool
}

// Deconv is a transposed 2-d convolution. In: x, filter (constant, IOHW with
// O = outputs/Groups), bias or nil. Out: y.
type Deconv struct {
	Strides, Dilations [2]int
	Pads               [4]int
	PadMode            PadMode
	OutputPadding      [2]int // rows and columns more than the formula gives
	OutputSize         [2]int // the size itself, unless 0
	Groups             int
	Act                Activation
}

// FC is a fully connected layer. In: x (flattened to [prod(first NumColDims),
// rest]), w (constant [K, N], Paddle's layout), bias (constant [N]) or nil.
// Out: x's first NumColDims dims followed by N.
type FC struct {
	NumColDims int
	Act        Activation
	Int8       *Int8
}

// MatMul multiplies two computed (or constant) matrices with numpy's batch
// broadcasting. In: x, y. Out: Alpha·op(x)·op(y).
type MatMul struct {
	TransX, TransY bool
	Alpha          float32
}

// Mul is Paddle's mul for a right side that is not constant. In: x, y. Both are
// flattened to matrices; Out has dims x[:XCols] + y[YCols:].
type Mul struct{ XCols, YCols int }

// PoolKind says what a Pool computes of its window.
type PoolKind uint8

// The pooling kinds.
const (
	MaxPool PoolKind = iota
	AvgPoolExclusive
	AvgPoolInclusive
)

// Pool is a 2-d pooling over NCHW; on u8/s8 it keeps the scale of its input and
// rounds averages half to even. In: x. Out: y.
type Pool struct {
	Type     PoolKind
	Kernel   [2]int
	Strides  [2]int
	Pads     [4]int // top, bottom, left, right
	PadMode  PadMode
	Global   bool // window = whole map
	Adaptive bool // Kernel is the output size
	CeilMode bool
}

// BatchNorm is inference batch normalisation over dim 1.
// In: x, scale, bias, mean, variance (constants [C]). Out: Act(y).
type BatchNorm struct {
	Epsilon float32
	Act     Activation
}

// LayerNorm normalises over the dims from Begin on. In: x, scale or nil, bias
// or nil. Out: y.
type LayerNorm struct {
	Begin   int
	Epsilon float32
}

// LRN is local response normalisation across channels:
// y = x/(K + Alpha·Σ x²)^Beta over Size channels; Alpha is not divided by Size.
// In: x. Out: y.
type LRN struct {
	Size           int
	Alpha, Beta, K float32
}

// Act applies an activation (or Linear: a·x+b) to every element. In: x. Out: y.
type Act struct{ Activation }

// PReLU is max(x, 0) + alpha·min(x, 0). In: x, alpha (constant): one number, or
// one for each channel (dim 1), or one for each element but the batch's. Out: y.
type PReLU struct{}

// BinaryKind says what a Binary computes.
type BinaryKind uint8

// The elementwise operations of two tensors.
const (
	Add BinaryKind = iota
	Sub
	MulElem
	Div
	Max
	Min
	Pow
	Mod      // with the sign of y
	FloorDiv // rounded down
)

// Binary combines two tensors elementwise. Axis -1 aligns trailing dims as
// numpy does and both may broadcast; Axis k puts dim 0 of the shorter one at dim
// k of the other. In: x, y, of one type. Out: Act(x op y).
type Binary struct {
	Type BinaryKind
	Axis int
	Act  Activation
}

// Softmax normalises over Axis (negative counts from the end). In: x. Out: y.
type Softmax struct{ Axis int }

// Concat joins its inputs along Axis. On u8/s8 all inputs share one scale.
type Concat struct{ Axis int }

// Split cuts x along Axis into len(Out) pieces of the given Sizes (one may be
// -1); empty Sizes means equal pieces.
type Split struct {
	Axis  int
	Sizes []int
	Num   int
}

// Slice takes [Starts, Ends) along Axes with Paddle's clamping, every Strides-th
// element (nil: every one; negative: backwards), then drops the dims listed in
// Squeeze. In: x, then shape operands for Starts and for Ends, as many as
// StartOperands and EndOperands say. Out: y.
type Slice struct {
	Axes, Starts, Ends         []int
	Strides                    []int
	Squeeze                    []int
	StartOperands, EndOperands int
}

// Reshape gives x new dims: 0 copies the input's dim, one -1 is inferred.
// In: x, then shape operands that together replace Dims. Out: y. Flatten, squeeze and unsqueeze set Flatten/Squeeze/Unsqueeze
// instead of Dims.
type Reshape struct {
	Mode ReshapeMode
	Dims []int // Mode ReshapeTo: target dims; Squeeze/Unsqueeze: axes; Flatten: start, stop; Flatten2: axis
}

// ReshapeMode says how Reshape.Dims is meant.
type ReshapeMode uint8

// The modes of Reshape.
const (
	ReshapeTo      ReshapeMode = iota
	ReshapeSqueeze             // drop the axes listed (only those of size 1; none listed = all)
	ReshapeUnsqueeze
	ReshapeFlatten  // merge dims start..stop
	ReshapeFlatten2 // two dims, split before axis
)

// Transpose permutes dims: out dim i is x's dim Perm[i]. In: x. Out: y.
type Transpose struct{ Perm []int }

// ShuffleChannel transposes [Groups, C/Groups] of dim 1. In: x. Out: y.
type ShuffleChannel struct{ Groups int }

// PadKind is the border of a Pad.
type PadKind uint8

// The padding borders.
const (
	PadConstant PadKind = iota
	PadReflect
	PadEdge
	PadCircular
)

// Pad extends x by Before[i] and After[i] elements along dim i. In: x. Out: y.
type Pad struct {
	Mode          PadKind
	Before, After []int
	Value         float32
}

// Resize resamples the spatial dims of NCHW, to OutH×OutW, or by ScaleH, ScaleW
// where those are set. In: x, then shape operands that together are OutH and
// OutW. Out: y.
type Resize struct {
	Nearest        bool // else bilinear
	OutH, OutW     int
	ScaleH, ScaleW float32
	AlignCorners   bool
	AlignMode      int
	// ByRatio samples by the ratio of the sizes though scales are given, as the
	// interp ops of 1.x do.
	ByRatio bool
}

// ReduceKind says what a Reduce computes.
type ReduceKind uint8

// The reductions.
const (
	ReduceMean ReduceKind = iota
	ReduceSum
	ReduceMax
	ReduceMin
	ReduceProd
)

// Reduce combines the elements along Axes (none: all). In: x. Out: y.
type Reduce struct {
	Type    ReduceKind
	Axes    []int
	KeepDim bool
	// Rank1 keeps a full reduction as [1], as mean of 1.x and 2.0–2.4 does.
	Rank1 bool
}

// Cast converts to another element type. In: x. Out: y.
type Cast struct{ To model.DType }

// Identity copies its input; a pass removes it. In: x. Out: y.
type Identity struct{}

// Quantize turns f32 into u8 or s8 (Out's DType): q = saturate(round(x·Scale)).
type Quantize struct{ Scale float32 }

// Dequantize turns u8 or s8 into f32: x = q/Scale.
type Dequantize struct{ Scale float32 }

// Requantize changes the scale of a u8 or s8 tensor: q' = round(q·ScaleOut/ScaleIn).
type Requantize struct{ ScaleIn, ScaleOut float32 }

// The label tail: these work on the whole batch.

// CrossEntropy is -ln(p[label]) a row; IgnoreIndex gives 0 and ln(0) is clamped.
// In: p [N,C], label [N,1] int64. Out: loss [N,1].
type CrossEntropy struct{ IgnoreIndex int64 }

// SoftmaxCrossEntropy is softmax and its cross entropy at once.
// In: logits [N,C], label [N,1] int64. Out: softmax, loss [N,1].
type SoftmaxCrossEntropy struct {
	Axis        int
	IgnoreIndex int64
}

// TopK returns the K largest of Axis in falling order, lowest index first among
// equals. In: x. Out: values, indices (int64).
type TopK struct {
	K, Axis  int
	Smallest bool
}

// ArgMax returns the index of the largest element of Axis (int64).
type ArgMax struct {
	Axis    int
	KeepDim bool
}

// Accuracy is the share of rows whose label is among their top-k indices.
// In: values [N,K], indices [N,K] int64, label [N,1] int64.
// Out: accuracy f32, correct int32, total int32, all [1].
type Accuracy struct {
	// Scalar makes the outputs rank 0, as Paddle does from 2.5 on.
	Scalar bool
}
