package dnnl

import (
	"fmt"
	"strings"

	"github.com/octet-dnn/octet/cgo"
)

// Attr changes what a primitive does beside its own operation. It is a plain
// value; the zero Attr changes nothing. The numbers themselves, scales and
// zero points, are arguments of the execution: see [ArgScale] and
// [ArgZeroPoint].
//
// A value is read as scale * (stored - zero point), and written the other way
// round, so a scale of dst divides the result.
type Attr struct {
	Scales     []ScaleMask
	ZeroPoints []ScaleMask
	PostOps    []PostOp
	// Impl asks for an implementation by its name, see [Primitive.Impl], instead
	// of oneDNN's first choice. The primitive cannot be made, [ErrUnimplemented],
	// where that does not fit. [Own] stands for Octet's own kernels.
	Impl string
}

// Own, as the implementation that an [Attr] asks for, stands for the first of
// Octet's own kernels that fits. They take the place of implementations of
// oneDNN that are far from what the CPU can do, and are primitives like others
// from outside: their arguments, layouts and results are oneDNN's. None is
// used unless asked for. Their names begin with Own and "_", such as
// "octet_dw:avx512_core_vnni":
//
//	octet_dw        depthwise convolutions of U8 or S8, channels-last, 3x3 and 5x5
//	octet_smallmap  FP32 convolutions of many channels and few pixels: up to 128, 5 to 14 a row
//	octet_stem      convolutions of 1 to 4 channels, U8 or S8, or FP32 to be quantised: see [Stem]
//	octet_stem_f32  convolutions of 3 or 4 channels, FP32, channels-first
const Own = "octet"

// ScaleMask says which argument has scales or zero points, and along which of
// its dimensions they vary: bit d for dimension d. Mask 0 is one number for
// the whole tensor. Weights per output channel are 1, or 3 with groups.
type ScaleMask struct {
	Arg  Arg
	Mask int
}

// PostOp is an operation on the result of a primitive before it is stored.
// Post-ops are applied in order, on F32 or S32 values.
type PostOp struct {
	op   cgo.PostOp
	src1 *Desc
	text string
}

// String describes the post-op, such as "eltwise relu 0 0".
func (p PostOp) String() string { return p.text }

// SumPostOp adds scale * (old dst - zeroPoint). The old dst is read as dt,
// which must be as wide as dst's type; 0 means dst's own type.
func SumPostOp(scale float32, zeroPoint int32, dt DataType) PostOp {
	return PostOp{
		op:   cgo.PostOp{Kind: cgo.PostOpSum, Alpha: scale, ZeroPoint: zeroPoint, DataType: int32(dt)},
		text: fmt.Sprintf("sum %g zero point %d", scale, zeroPoint),
	}
}

// EltwisePostOp applies a function.
func EltwisePostOp(alg EltwiseAlg, alpha, beta float32) PostOp {
	return PostOp{
		op:   cgo.PostOp{Kind: cgo.PostOpEltwise, Alg: int32(alg), Alpha: alpha, Beta: beta},
		text: fmt.Sprintf("eltwise %v %g %g", alg, alpha, beta),
	}
}

// BinaryPostOp combines the result with a second tensor, given at execution as
// [ArgPostOpSrc1]. Dimensions of length one in src1 are repeated.
func BinaryPostOp(alg BinaryAlg, src1 *Desc) PostOp {
	text := fmt.Sprintf("binary %v", alg)
	if src1 != nil {
		text += " " + src1.String()
	}
	return PostOp{op: cgo.PostOp{Kind: cgo.PostOpBinary, Alg: int32(alg)}, src1: src1, text: text}
}

// DepthwisePostOp fuses a depthwise convolution with a square kernel after a
// 1x1 convolution. bias may be 0 for none. Its weights and bias are given at
// execution as [ArgPostOpWeights] and [ArgPostOpBias].
func DepthwisePostOp(weights, bias, dst DataType, kernel, stride, padding int) PostOp {
	return PostOp{
		op: cgo.PostOp{
			Kind:        cgo.PostOpDepthwise,
			WeightsType: int32(weights), BiasType: int32(bias), DstType: int32(dst),
			Kernel: int32(kernel), Stride: int32(stride), Padding: int32(padding),
		},
		text: fmt.Sprintf("depthwise k%d s%d p%d to %v", kernel, stride, padding, dst),
	}
}

// required lists the arguments that an execution needs because of the
// attribute.
func (a Attr) required() []Arg {
	var args []Arg
	for _, s := range a.Scales {
		args = append(args, ArgScale(s.Arg))
	}
	for _, z := range a.ZeroPoints {
		args = append(args, ArgZeroPoint(z.Arg))
	}
	for i, p := range a.PostOps {
		switch p.op.Kind {
		case cgo.PostOpBinary:
			args = append(args, ArgPostOpSrc1(i))
		case cgo.PostOpDepthwise:
			args = append(args, ArgPostOpWeights(i))
			if p.op.BiasType != 0 {
				args = append(args, ArgPostOpBias(i))
			}
		}
	}
	return args
}

// describe lists what the attribute asks for, in the words of an error.
func (a Attr) describe() []string {
	var parts []string
	if len(a.Scales) > 0 {
		parts = append(parts, "scales"+masks(a.Scales))
	}
	if len(a.ZeroPoints) > 0 {
		parts = append(parts, "zero points"+masks(a.ZeroPoints))
	}
	for _, p := range a.PostOps {
		parts = append(parts, "post-op "+p.text)
	}
	if a.Impl != "" {
		parts = append(parts, "by "+a.Impl)
	}
	return parts
}

func masks(list []ScaleMask) string {
	var s strings.Builder
	for _, m := range list {
		fmt.Fprintf(&s, " %v:%d", m.Arg, m.Mask)
	}
	return s.String()
}

func cgoMasks(list []ScaleMask) []cgo.Mask {
	out := make([]cgo.Mask, len(list))
	for i, m := range list {
		out[i] = cgo.Mask{Arg: int32(m.Arg), Mask: int32(m.Mask)}
	}
	return out
}

// vector is what an execution must give as scales or zero points.
type vector struct {
	arg      Arg
	dataType DataType
	count    int
}

// vectors works out how many scales and zero points the masks ask for.
func vectors(h cgo.Primitive, attr Attr) []vector {
	var list []vector
	for _, s := range attr.Scales {
		list = append(list, vector{ArgScale(s.Arg), F32, s.count(h)})
	}
	for _, z := range attr.ZeroPoints {
		list = append(list, vector{ArgZeroPoint(z.Arg), S32, z.count(h)})
	}
	return list
}

// count multiplies the dimensions of the argument that are in the mask.
func (s ScaleMask) count(h cgo.Primitive) int {
	if s.Mask == 0 {
		return 1
	}
	d, st := h.Desc(int32(s.Arg))
	if st != cgo.StatusSuccess {
		return 1
	}
	defer d.Destroy()
	info, _ := d.Describe()
	n := 1
	for i, dim := range info.Dims {
		if s.Mask&(1<<i) != 0 {
			n *= dim
		}
	}
	return n
}
