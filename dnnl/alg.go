package dnnl

import "fmt"

// EltwiseAlg is the function of an [Eltwise] primitive or post-op.
type EltwiseAlg int32

// The functions of x, with oneDNN's values; a and b are alpha and beta.
const (
	EltwiseReLU        EltwiseAlg = 0x20 + iota // x > 0 ? x : a*x
	EltwiseTanh                                 // tanh x
	EltwiseElu                                  // x > 0 ? x : a*(e^x - 1)
	EltwiseSquare                               // x*x
	EltwiseAbs                                  // |x|
	EltwiseSqrt                                 // sqrt x
	EltwiseLinear                               // a*x + b
	EltwiseSoftReLU                             // ln(1 + e^(a*x)) / a
	EltwiseHardsigmoid                          // max(0, min(1, a*x + b))
	EltwiseLogistic                             // 1 / (1 + e^-x)
	EltwiseExp                                  // e^x
	EltwiseGELUTanh                             // 0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3)))
	EltwiseSwish                                // x / (1 + e^(-a*x))
	EltwiseLog                                  // ln x
	EltwiseClip                                 // min(b, max(a, x))
	EltwiseClipV2                               // the same; differs in training only
	EltwisePow                                  // a * x^b
	EltwiseGELUErf                              // 0.5*x*(1 + erf(x/sqrt 2))
	EltwiseRound                                // to the nearest integer, halves to even
	EltwiseMish                                 // x * tanh(ln(1 + e^x))
	EltwiseHardswish                            // x * max(0, min(1, a*x + b))
)

// BinaryAlg is the function of a [Binary] primitive or post-op.
type BinaryAlg int32

// The functions of src0 and src1, with oneDNN's values; comparisons give 1 or 0.
const (
	BinaryAdd BinaryAlg = 0x1fff0 + iota
	BinaryMul
	BinaryMax
	BinaryMin
	BinaryDiv
	BinarySub
	BinaryGE
	BinaryGT
	BinaryLE
	BinaryLT
	BinaryEQ
	BinaryNE
)

// PoolAlg is the function of a [Pooling].
type PoolAlg int32

// The poolings, with oneDNN's values.
const (
	PoolMax               PoolAlg = 0x1ff
	PoolAvgIncludePadding PoolAlg = 0x2ff // divides by the kernel's size
	PoolAvgExcludePadding PoolAlg = 0x3ff // divides by the elements inside src
)

// ReductionAlg is the function of a [Reduction].
type ReductionAlg int32

// The reductions, with oneDNN's values; p and eps are the primitive's.
const (
	ReductionMax ReductionAlg = 0x2fff2 + iota
	ReductionMin
	ReductionSum
	ReductionMul
	ReductionMean
	ReductionNormMax   // (max(sum |x|^p, eps))^(1/p)
	ReductionNormSum   // (sum |x|^p + eps)^(1/p)
	ReductionPowerPMax // max(sum |x|^p, eps)
	ReductionPowerPSum // sum |x|^p + eps
)

// ResampleAlg is how a [Resampling] finds a value between pixels.
type ResampleAlg int32

// The resamplings, with oneDNN's values. Both take pixel centres at halves.
const (
	ResampleNearest ResampleAlg = 0x2fff0
	ResampleLinear  ResampleAlg = 0x2fff1
)

// The algorithms that a spec chooses by a bool.
const (
	algConvolutionDirect   = 0x1
	algDeconvolutionDirect = 0xa
	algLRNAcrossChannels   = 0xaff
	algLRNWithinChannel    = 0xbff
	algSoftmax             = 0x30000
	algLogSoftmax          = 0x30001
)

var eltwiseNames = map[EltwiseAlg]string{
	EltwiseReLU: "relu", EltwiseTanh: "tanh", EltwiseElu: "elu", EltwiseSquare: "square", EltwiseAbs: "abs",
	EltwiseSqrt: "sqrt", EltwiseLinear: "linear", EltwiseSoftReLU: "soft_relu", EltwiseHardsigmoid: "hardsigmoid",
	EltwiseLogistic: "logistic", EltwiseExp: "exp", EltwiseGELUTanh: "gelu_tanh", EltwiseSwish: "swish",
	EltwiseLog: "log", EltwiseClip: "clip", EltwiseClipV2: "clip_v2", EltwisePow: "pow",
	EltwiseGELUErf: "gelu_erf", EltwiseRound: "round", EltwiseMish: "mish", EltwiseHardswish: "hardswish",
}

var binaryNames = map[BinaryAlg]string{
	BinaryAdd: "add", BinaryMul: "mul", BinaryMax: "max", BinaryMin: "min", BinaryDiv: "div", BinarySub: "sub",
	BinaryGE: "ge", BinaryGT: "gt", BinaryLE: "le", BinaryLT: "lt", BinaryEQ: "eq", BinaryNE: "ne",
}

var poolNames = map[PoolAlg]string{
	PoolMax: "max", PoolAvgIncludePadding: "avg_include_padding", PoolAvgExcludePadding: "avg_exclude_padding",
}

var reductionNames = map[ReductionAlg]string{
	ReductionMax: "max", ReductionMin: "min", ReductionSum: "sum", ReductionMul: "mul", ReductionMean: "mean",
	ReductionNormMax: "norm_lp_max", ReductionNormSum: "norm_lp_sum",
	ReductionPowerPMax: "norm_lp_power_p_max", ReductionPowerPSum: "norm_lp_power_p_sum",
}

var resampleNames = map[ResampleAlg]string{ResampleNearest: "nearest", ResampleLinear: "linear"}

// String returns oneDNN's name, such as "relu".
func (a EltwiseAlg) String() string { return nameOf(eltwiseNames, a) }

// String returns oneDNN's name, such as "add".
func (a BinaryAlg) String() string { return nameOf(binaryNames, a) }

// String returns oneDNN's name, such as "max".
func (a PoolAlg) String() string { return nameOf(poolNames, a) }

// String returns oneDNN's name, such as "mean".
func (a ReductionAlg) String() string { return nameOf(reductionNames, a) }

// String returns oneDNN's name, such as "linear".
func (a ResampleAlg) String() string { return nameOf(resampleNames, a) }

func nameOf[A ~int32](names map[A]string, a A) string {
	if name, ok := names[a]; ok {
		return name
	}
	return fmt.Sprintf("algorithm %#x", int32(a))
}
