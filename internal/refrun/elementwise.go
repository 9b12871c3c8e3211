package refrun

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
)

// activate applies an activation to a real value.
func activate(a graph.Activation, x float64) float64 {
	alpha, beta := float64(a.Alpha), float64(a.Beta)
	switch a.Kind {
	case graph.ActNone:
		return x
	case graph.ActReLU:
		return max(x, 0)
	case graph.ActLeakyReLU:
		return ref.ReLU.Apply(x, alpha, 0)
	case graph.ActPow:
		return math.Pow(x, alpha)
	}
	return activations[a.Kind].Apply(x, alpha, beta)
}

// activations are those whose parameters mean the same as oneDNN's.
var activations = map[graph.ActKind]ref.EltwiseAlg{
	graph.ActClip:        ref.Clip,
	graph.ActSigmoid:     ref.Logistic,
	graph.ActTanh:        ref.Tanh,
	graph.ActSwish:       ref.Swish,
	graph.ActHardSwish:   ref.HardSwish,
	graph.ActHardSigmoid: ref.HardSigmoid,
	graph.ActGELUErf:     ref.GELUErf,
	graph.ActGELUTanh:    ref.GELUTanh,
	graph.ActMish:        ref.Mish,
	graph.ActLinear:      ref.Linear,
	graph.ActExp:         ref.Exp,
	graph.ActSqrt:        ref.Sqrt,
	graph.ActSquare:      ref.Square,
	graph.ActAbs:         ref.Abs,
}

// pointwise computes layers that map element to element; it reports whether
// the layer is one.
func (c *call) pointwise() bool {
	var f func(float64) float64
	switch op := c.layer.Op.(type) {
	case *graph.Act:
		f = func(x float64) float64 { return activate(op.Activation, x) }
	case *graph.Identity, *graph.Reshape:
		f = func(x float64) float64 { return x }
	case *graph.Cast:
		f = func(x float64) float64 {
			if c.out[0].DType.Integer() {
				return math.Trunc(x)
			}
			return x
		}
	case *graph.Quantize:
		f = func(x float64) float64 { return float64(float32(x) * op.Scale) }
	case *graph.Dequantize:
		f = func(x float64) float64 { return x / float64(op.Scale) }
	case *graph.Requantize:
		f = func(x float64) float64 { return x * (float64(op.ScaleOut) / float64(op.ScaleIn)) }
	default:
		return false
	}
	for i, x := range c.in[0].Data {
		c.store(i, f(x))
	}
	return true
}

func (c *call) binary(op *graph.Binary) error {
	x, y, err := op.Align(c.in[0].Dims, c.in[1].Dims)
	if err != nil {
		return err
	}
	alg := map[graph.BinaryKind]ref.BinaryAlg{
		graph.Add: ref.Add, graph.Sub: ref.Sub, graph.MulElem: ref.Mul,
		graph.Div: ref.Div, graph.Max: ref.Max, graph.Min: ref.Min,
	}[op.Type]
	dst := exact(c.out[0].Dims)
	err = (&ref.Binary{Alg: alg, Src0: viewed(c.in[0], x...), Src1: viewed(c.in[1], y...), Dst: dst}).Run()
	if err != nil {
		return err
	}
	for i, v := range dst.Exact {
		c.store(i, activate(op.Act, v))
	}
	return nil
}
