package onnx

import (
	"math"

	"github.com/octet-dnn/octet/graph"
)

// act applies a to x on the way to v. What ONNX has no operator for is put
// together from others.
func (e *exporter) act(v *graph.Value, a graph.Activation, x string, i info) string {
	one := func(op string) string { return e.step(v, op, i, []string{x}) }
	two := func(op, x, y string) string { return e.step(v, op, i, []string{x, y}) }
	half := func(x, y string) string { // x·(1+y)/2
		return two("Mul", two("Mul", x, two("Add", y, e.number(1))), e.number(0.5))
	}
	switch a.Kind {
	case graph.ActReLU:
		return one("Relu")
	case graph.ActClip:
		return e.step(v, "Clip", i, []string{x, e.number(a.Alpha), e.number(a.Beta)})
	case graph.ActLeakyReLU:
		return e.step(v, "LeakyRelu", i, []string{x}, floatAttr("alpha", a.Alpha))
	case graph.ActSigmoid:
		return one("Sigmoid")
	case graph.ActTanh:
		return one("Tanh")
	case graph.ActSwish:
		inner := x
		if a.Alpha != 1 {
			inner = two("Mul", x, e.number(a.Alpha))
		}
		return two("Mul", x, e.step(v, "Sigmoid", i, []string{inner}))
	case graph.ActHardSwish:
		if near(a.Alpha, 1./6) && a.Beta == 0.5 {
			return one("HardSwish")
		}
		return two("Mul", x, e.hardSigmoid(v, a, x, i))
	case graph.ActHardSigmoid:
		return e.hardSigmoid(v, a, x, i)
	case graph.ActGELUErf:
		return half(x, e.step(v, "Erf", i, []string{two("Mul", x, e.number(1/math.Sqrt2))}))
	case graph.ActGELUTanh:
		cube := two("Mul", two("Mul", x, x), x)
		inner := two("Mul", two("Add", x, two("Mul", cube, e.number(0.044715))), e.number(float32(math.Sqrt(2/math.Pi))))
		return half(x, e.step(v, "Tanh", i, []string{inner}))
	case graph.ActMish:
		return one("Mish")
	case graph.ActLinear:
		return two("Add", two("Mul", x, e.number(a.Alpha)), e.number(a.Beta))
	case graph.ActPow:
		return two("Pow", x, e.number(a.Alpha))
	case graph.ActExp:
		return one("Exp")
	case graph.ActSqrt:
		return one("Sqrt")
	case graph.ActSquare:
		return two("Mul", x, x)
	case graph.ActAbs:
		return one("Abs")
	}
	return x
}

func (e *exporter) hardSigmoid(v *graph.Value, a graph.Activation, x string, i info) string {
	return e.step(v, "HardSigmoid", i, []string{x}, floatAttr("alpha", a.Alpha), floatAttr("beta", a.Beta))
}

// near reports whether two numbers are equal but for the last bits of float32.
func near(a float32, b float64) bool { return math.Abs(float64(a)-b) < 1e-6*b }
