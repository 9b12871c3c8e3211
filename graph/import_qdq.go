package graph

import (
	"math"
	"slices"

	"github.com/octet-dnn/octet/model"
)

var qdqImporters = map[string]importFunc{
	"quantize_linear":   importQuantizeLinear,
	"dequantize_linear": importDequantizeLinear,
}

// quantizeLinear is Paddle's quantize_linear of activations: round(x/threshold·127)
// into -128..127. Whether it becomes u8 or s8 depends on what is in front of it
// (see resolveQDQ), so that this is not yet a Quantize. In: x. Out: q.
type quantizeLinear struct{ threshold float32 }

// dequantizeLinear is Paddle's dequantize_linear of activations. In: q. Out: y.
type dequantizeLinear struct{ threshold float32 }

// Kind names the operation.
func (*quantizeLinear) Kind() string { return "quantize_linear" }

// Kind names the operation.
func (*dequantizeLinear) Kind() string { return "dequantize_linear" }

// Infer returns the shape of x.
func (*quantizeLinear) Infer(in []Shape) ([]Shape, error) { return in, wantInputs(in, 1, 1) }

// Infer returns the shape of q.
func (*dequantizeLinear) Infer(in []Shape) ([]Shape, error) { return in, wantInputs(in, 1, 1) }

func importQuantizeLinear(r *reader) {
	x, thresholds := r.in("X"), r.thresholds()
	r.float(x)
	if r.err == nil && len(thresholds) != 1 {
		r.fail(unsupportedErr("quantize_linear with %d scales", len(thresholds)))
	}
	if r.err != nil {
		return
	}
	r.emit(&quantizeLinear{thresholds[0]}, x).out("Y", model.Int8)
}

func importDequantizeLinear(r *reader) {
	x, thresholds := r.in("X"), r.thresholds()
	axis := r.int("quant_axis", -1)
	if r.err == nil && !isInt8(x) {
		r.fail(unsupportedErr("dequantize_linear of %q, which is %v", x.Name, x.DType))
	}
	switch {
	case r.err != nil:
	case x.Const != nil:
		if len(thresholds) == 1 {
			axis = 0
		}
		r.emit(&DequantizeWeights{Axis: axis, Scales: r.scalesOf(thresholds)}, x).out("Y", model.FP32)
	case len(thresholds) != 1:
		r.fail(unsupportedErr("dequantize_linear of an activation with %d scales", len(thresholds)))
	default:
		r.emit(&dequantizeLinear{thresholds[0]}, x).out("Y", model.FP32)
	}
}

// thresholds reads Scale, which holds the reals that 127 stands for, and checks
// that all else is as Octet's INT8 is: symmetric, 8 bits. Rounding of exact
// ties away from zero (round_type 1) is taken as half to even.
func (r *reader) thresholds() []float32 {
	if bits := r.int("bit_length", 8); bits != 8 {
		r.fail(unsupportedErr("bit_length %d", bits))
	}
	if low, high := r.int("qmin", -128), r.int("qmax", 127); low != -128 || high != 127 {
		r.fail(unsupportedErr("integers from %d to %d", low, high))
	}
	if z := r.optional("ZeroPoint"); z != nil {
		r.noZeroPoint(z)
	}
	s := r.param("Scale")
	if r.err != nil {
		return nil
	}
	list := slices.Clone(s.Const.Float32s())
	for i, t := range list {
		if t == 0 { // of a tensor that never was anything else
			list[i] = leastThreshold
		} else if !validScale(t) {
			r.fail(programErr("scale %d in %q is %v", i, s.Name, t))
		}
	}
	if len(list) == 0 {
		r.fail(programErr("scales %q are empty", s.Name))
	}
	return list
}

// leastThreshold is what Paddle's kernels add to a scale of 0 before they
// divide by it (inverse, in fake_quantize_functor).
const leastThreshold = 1e-6

// noZeroPoint requires a constant without a byte that is set: 0 of any type.
func (r *reader) noZeroPoint(z *Value) {
	if r.err != nil {
		return
	}
	if z.Const == nil {
		r.fail(unsupportedErr("zero points %q are computed", z.Name))
		return
	}
	data, err := z.Const.Bytes()
	r.fail(err)
	if slices.ContainsFunc(data, func(b byte) bool { return b != 0 }) {
		r.fail(unsupportedErr("zero points %q are not all 0", z.Name))
	}
}

func (r *reader) scalesOf(thresholds []float32) []float32 {
	scales := make([]float32, len(thresholds))
	for i, t := range thresholds {
		scales[i] = linearScale(t, math.MaxInt8)
		if !validScale(scales[i]) {
			r.fail(programErr("scale %d is %v", i, t))
		}
	}
	return scales
}

// linearScale is the number that reals are multiplied by so that threshold
// becomes levels.
func linearScale(threshold float32, levels int) float32 {
	return float32(float64(levels) / float64(threshold))
}

// linearThreshold inverts linearScale: exactly for scales that some threshold
// has, and else to the nearest. About a quarter of all float32 have none,
// because a quotient of float32s misses numbers where those lie closer than
// its divisor's neighbours.
func linearThreshold(scale float32, levels int) float32 {
	t := linearScale(scale, levels)
	best := t
	for _, near := range []float32{math.Nextafter32(t, 0), math.Nextafter32(t, math.MaxFloat32)} {
		if distance(linearScale(near, levels), scale) < distance(linearScale(best, levels), scale) {
			best = near
		}
	}
	return best
}

func distance(a, b float32) float64 { return math.Abs(float64(a) - float64(b)) }

// SnapScale returns the scale next to the given one, seldom more than the last
// bit away, that a threshold of type float32 can say: levels over the threshold.
// Programs in the QDQ form hold thresholds.
func SnapScale(scale float32, levels int) float32 {
	return linearScale(linearThreshold(scale, levels), levels)
}
