package graph

import (
	"fmt"
	"math"
)

// ActKind names an activation.
type ActKind uint8

// The activations. Alpha and Beta are the parameters of Activation.
const (
	ActNone        ActKind = iota
	ActReLU                // max(x, 0)
	ActClip                // min(max(x, Alpha), Beta); relu6 is Clip(0, 6)
	ActLeakyReLU           // x or Alpha·x
	ActSigmoid             // 1/(1+exp(-x))
	ActTanh                //
	ActSwish               // x·sigmoid(Alpha·x); silu has Alpha 1
	ActHardSwish           // x·clamp(Alpha·x+Beta, 0, 1)
	ActHardSigmoid         // clamp(Alpha·x+Beta, 0, 1)
	ActGELUErf             //
	ActGELUTanh            //
	ActMish                // x·tanh(ln(1+exp(x)))
	ActLinear              // Alpha·x+Beta
	ActPow                 // x^Alpha
	ActExp                 //
	ActSqrt                //
	ActSquare              //
	ActAbs                 //
)

// An Activation is an elementwise function, applied to real values: fused into
// an INT8 layer, a Clip at 6 still means 6.0.
type Activation struct {
	Kind        ActKind
	Alpha, Beta float32
}

// Unsigned reports whether the function never gives a negative value, so that
// its result quantises to u8. Following Paddle, only relu and clips at or above
// zero count.
func (a Activation) Unsigned() bool {
	return a.Kind == ActReLU || a.Kind == ActClip && a.Alpha >= 0
}

// String describes the function, such as "relu" or "clip(0, 6)".
func (a Activation) String() string {
	name := a.Kind.String()
	switch a.Kind {
	case ActClip, ActHardSwish, ActHardSigmoid, ActLinear:
		return fmt.Sprintf("%s(%g, %g)", name, a.Alpha, a.Beta)
	case ActLeakyReLU, ActSwish, ActPow:
		return fmt.Sprintf("%s(%g)", name, a.Alpha)
	}
	return name
}

// String names the kind.
func (k ActKind) String() string {
	names := [...]string{
		"none", "relu", "clip", "leaky_relu", "sigmoid", "tanh", "swish", "hard_swish", "hard_sigmoid",
		"gelu", "gelu_tanh", "mish", "linear", "pow", "exp", "sqrt", "square", "abs",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("activation(%d)", uint8(k))
}

// Func returns the function, the identity for ActNone.
func (a Activation) Func() func(float64) float64 {
	alpha, beta := float64(a.Alpha), float64(a.Beta)
	switch a.Kind {
	case ActReLU:
		return func(x float64) float64 { return max(x, 0) }
	case ActClip:
		return func(x float64) float64 { return min(max(x, alpha), beta) }
	case ActLeakyReLU:
		return func(x float64) float64 { return max(x, 0) + alpha*min(x, 0) }
	case ActSigmoid:
		return sigmoid
	case ActTanh:
		return math.Tanh
	case ActSwish:
		return func(x float64) float64 { return x * sigmoid(alpha*x) }
	case ActHardSwish:
		return func(x float64) float64 { return x * min(max(alpha*x+beta, 0), 1) }
	case ActHardSigmoid:
		return func(x float64) float64 { return min(max(alpha*x+beta, 0), 1) }
	case ActGELUErf:
		return func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 }
	case ActGELUTanh:
		return func(x float64) float64 {
			return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
		}
	case ActMish: // beyond 30, ln(1+exp(x)) is x and exp(x) may overflow
		return func(x float64) float64 { return x * math.Tanh(math.Log1p(math.Exp(min(x, 30)))+max(x-30, 0)) }
	case ActLinear:
		return func(x float64) float64 { return alpha*x + beta }
	case ActPow:
		return func(x float64) float64 { return math.Pow(x, alpha) }
	case ActExp:
		return math.Exp
	case ActSqrt:
		return math.Sqrt
	case ActSquare:
		return func(x float64) float64 { return x * x }
	case ActAbs:
		return math.Abs
	}
	return func(x float64) float64 { return x }
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
