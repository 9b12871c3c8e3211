package dnnl

import "fmt"

// Arg says what a memory is to a primitive that is executed.
type Arg int32

// The arguments, with oneDNN's values.
const (
	ArgSrc        Arg = 1
	ArgSrc0           = ArgSrc
	ArgSrc1       Arg = 2
	ArgDst        Arg = 17
	ArgWeights    Arg = 33
	ArgBias       Arg = 41
	ArgMean       Arg = 49
	ArgVariance   Arg = 50
	ArgNormScale  Arg = 51 // the gamma of a normalisation; a quantisation scale is ArgScale(a)
	ArgNormShift  Arg = 52 // the beta of a normalisation
	ArgWorkspace  Arg = 64
	ArgScratchpad Arg = 80
)

// The bits that turn an argument into something about it.
const (
	argMultipleSrc Arg = 1024
	argScale       Arg = 4096
	argZeroPoint   Arg = 8192
	argDepthwise   Arg = 16384
	argPostOp      Arg = 32768
)

// ArgMultipleSrc is source i of a concat or sum.
func ArgMultipleSrc(i int) Arg { return argMultipleSrc + Arg(i) }

// ArgScale is the scales of argument a: F32, one or as many as the mask says.
func ArgScale(a Arg) Arg { return argScale | a }

// ArgZeroPoint is the zero points of argument a, S32.
func ArgZeroPoint(a Arg) Arg { return argZeroPoint | a }

// ArgPostOpSrc1 is the second source of the binary post-op that stands at
// index i of the post-ops.
func ArgPostOpSrc1(i int) Arg { return argPostOp*Arg(i+1) | ArgSrc1 }

// ArgPostOpWeights is the weights of the depthwise post-op. There can be only
// one, so oneDNN does not number it and its index has no effect.
func ArgPostOpWeights(int) Arg { return argDepthwise | ArgWeights }

// ArgPostOpBias is the bias of the depthwise post-op.
func ArgPostOpBias(int) Arg { return argDepthwise | ArgBias }

var argNames = map[Arg]string{
	ArgSrc: "src", ArgSrc1: "src1", ArgDst: "dst", ArgWeights: "weights", ArgBias: "bias",
	ArgMean: "mean", ArgVariance: "variance", ArgNormScale: "norm scale", ArgNormShift: "norm shift",
	ArgWorkspace: "workspace", ArgScratchpad: "scratchpad",
}

// String names the argument, such as "scale of weights".
func (a Arg) String() string {
	if name, ok := argNames[a]; ok {
		return name
	}
	switch {
	case a >= argPostOp:
		return fmt.Sprintf("%v of post-op %d", a%argPostOp, a/argPostOp-1)
	case a&argDepthwise != 0:
		return fmt.Sprintf("%v of the depthwise post-op", a&^argDepthwise)
	case a&argZeroPoint != 0:
		return fmt.Sprintf("zero point of %v", a&^argZeroPoint)
	case a&argScale != 0:
		return fmt.Sprintf("scale of %v", a&^argScale)
	case a&argMultipleSrc != 0:
		return fmt.Sprintf("src %d", int32(a&^argMultipleSrc))
	default:
		return fmt.Sprintf("argument %d", int32(a))
	}
}
