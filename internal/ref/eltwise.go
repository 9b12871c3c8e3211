package ref

import (
	"fmt"
	"math"
	"slices"
)

// An EltwiseAlg is a function of one element with two parameters.
type EltwiseAlg string

// The element-wise functions, by their names in oneDNN.
const (
	Abs         EltwiseAlg = "abs"
	Clip        EltwiseAlg = "clip"
	ClipV2      EltwiseAlg = "clip_v2"
	ELU         EltwiseAlg = "elu"
	Exp         EltwiseAlg = "exp"
	GELUErf     EltwiseAlg = "gelu_erf"
	GELUTanh    EltwiseAlg = "gelu_tanh"
	HardSigmoid EltwiseAlg = "hardsigmoid"
	HardSwish   EltwiseAlg = "hardswish"
	Linear      EltwiseAlg = "linear"
	Log         EltwiseAlg = "log"
	Logistic    EltwiseAlg = "logistic"
	Mish        EltwiseAlg = "mish"
	Pow         EltwiseAlg = "pow"
	ReLU        EltwiseAlg = "relu"
	Round       EltwiseAlg = "round"
	SoftReLU    EltwiseAlg = "soft_relu"
	Sqrt        EltwiseAlg = "sqrt"
	Square      EltwiseAlg = "square"
	Swish       EltwiseAlg = "swish"
	Tanh        EltwiseAlg = "tanh"
)

// eltwise holds the formulas of the oneDNN developer guide: s is the source, a
// is alpha and b is beta. Clip and ClipV2 differ in their gradients only.
var eltwise = map[EltwiseAlg]func(s, a, b float64) float64{
	Abs:         func(s, _, _ float64) float64 { return math.Abs(s) },
	Clip:        clip,
	ClipV2:      clip,
	ELU:         func(s, a, _ float64) float64 { return pick(s > 0, s, a*math.Expm1(s)) },
	Exp:         func(s, _, _ float64) float64 { return math.Exp(s) },
	GELUErf:     func(s, _, _ float64) float64 { return 0.5 * s * math.Erfc(-s/math.Sqrt2) },
	GELUTanh:    geluTanh,
	HardSigmoid: hardSigmoid,
	HardSwish:   func(s, a, b float64) float64 { return s * hardSigmoid(s, a, b) },
	Linear:      func(s, a, b float64) float64 { return a*s + b },
	Log:         func(s, _, _ float64) float64 { return math.Log(s) },
	Logistic:    func(s, _, _ float64) float64 { return logistic(s) },
	Mish:        func(s, _, _ float64) float64 { return s * math.Tanh(softplus(s)) },
	Pow:         func(s, a, b float64) float64 { return a * math.Pow(s, b) },
	ReLU:        func(s, a, _ float64) float64 { return pick(s > 0, s, a*s) },
	Round:       func(s, _, _ float64) float64 { return math.RoundToEven(s) },
	SoftReLU:    func(s, a, _ float64) float64 { return softplus(a*s) / a },
	Sqrt:        func(s, _, _ float64) float64 { return math.Sqrt(s) },
	Square:      func(s, _, _ float64) float64 { return s * s },
	Swish:       func(s, a, _ float64) float64 { return s * logistic(a*s) },
	Tanh:        func(s, _, _ float64) float64 { return math.Tanh(s) },
}

// Known reports whether the function exists.
func (alg EltwiseAlg) Known() bool { return eltwise[alg] != nil }

// Apply returns the function of s; an unknown function gives NaN.
func (alg EltwiseAlg) Apply(s, alpha, beta float64) float64 {
	f := eltwise[alg]
	if f == nil {
		return math.NaN()
	}
	return f(s, alpha, beta)
}

func clip(s, a, b float64) float64        { return min(max(s, a), b) }
func hardSigmoid(s, a, b float64) float64 { return clip(a*s+b, 0, 1) }
func logistic(s float64) float64          { return 1 / (1 + math.Exp(-s)) }

// softplus is log(1 + e^s) without overflow for large s.
func softplus(s float64) float64 { return max(s, 0) + math.Log1p(math.Exp(-math.Abs(s))) }

func geluTanh(s, _, _ float64) float64 {
	return 0.5 * s * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(s+0.044715*s*s*s)))
}

func pick(cond bool, yes, no float64) float64 {
	if cond {
		return yes
	}
	return no
}

// Eltwise applies a function to every element: dst = Alg(src).
type Eltwise struct {
	Alg         EltwiseAlg
	Src, Dst    *Tensor // of equal dims
	Alpha, Beta float64
	Attr        Attr
}

// Run fills Dst.
func (e *Eltwise) Run() error {
	if !e.Alg.Known() || !slices.Equal(e.Src.Dims, e.Dst.Dims) {
		return fmt.Errorf("ref: eltwise %s: src %v, dst %v: %w", e.Alg, e.Src, e.Dst, ErrShape)
	}
	out, err := newSink(e.Attr, e.Dst)
	if err != nil {
		return fmt.Errorf("ref: eltwise: %w", err)
	}
	for i, index := range Indices(e.Src.Dims) {
		out.store(index, e.Alg.Apply(e.Src.Data[i], e.Alpha, e.Beta))
	}
	return nil
}
