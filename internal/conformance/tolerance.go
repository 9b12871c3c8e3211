package conformance

import (
	"math"

	"github.com/octet-dnn/octet/internal/ref"
)

// A Tolerance bounds |got - exact| by half a unit in the last place of the
// destination's type plus Rel*|exact| + Abs, exact being the unrounded result of
// internal/ref. The zero Tolerance asks for the correctly rounded value itself.
type Tolerance struct {
	Rel, Abs float64
}

// f32 is the unit roundoff of float32: every operation rounds by at most that,
// relatively.
const f32 = 0x1p-24

func (t Tolerance) add(o Tolerance) Tolerance { return Tolerance{t.Rel + o.Rel, t.Abs + o.Abs} }

// exact reports whether nothing but the rounding to dst is allowed.
func (t Tolerance) exact() bool { return t == Tolerance{} }

// roundings is the tolerance of n roundings to f32 of values up to size.
func roundings(n, size float64) Tolerance { return Tolerance{n * f32, n * f32 * size} }

// sumTolerance bounds the error of an f32 dot product of k terms with random
// data of the given root mean squares, added in any order: with the
// probabilistic bound of Higham and Mary (SIAM J. Sci. Comput. 41, 2019)
// it is sqrt(k)*u*sum|a*b|, and the sum is at most k*rms(a)*rms(b).
func sumTolerance(k int, a, b float64) Tolerance {
	return Tolerance{0, math.Sqrt(float64(k)) * f32 * float64(k) * a * b}
}

// exactEltwise are the functions that few-bit data with dyadic parameters
// passes through without rounding.
var exactEltwise = map[ref.EltwiseAlg]bool{
	ref.Abs: true, ref.Clip: true, ref.ClipV2: true, ref.ReLU: true, ref.Round: true, ref.Linear: true,
}

// eltwiseTolerance: oneDNN's own test program benchdnn allows 4e-6 for an f32
// function, and 4e-5 for those made of several approximations, of which only
// the logarithm was seen to need it (1.4e-5 on SSE4.1). Where a result nears
// zero, the values that cancel are of size one.
func eltwiseTolerance(alg ref.EltwiseAlg) Tolerance {
	switch alg {
	case ref.Abs, ref.Clip, ref.ClipV2, ref.ReLU, ref.Round, ref.Linear, ref.Square, ref.HardSigmoid, ref.HardSwish:
		return roundings(3, 4) // no approximation, at most three operations on values up to 4
	}
	if alg == ref.Log {
		return Tolerance{4e-5, 4e-5}
	}
	return Tolerance{4e-6, 4e-6}
}

// attrTolerance is what scales and post-ops add.
func (b *builder) attrTolerance(a ref.Attr) Tolerance {
	var t Tolerance
	for _, p := range a.PostOps {
		switch p := p.(type) {
		case ref.EltwisePostOp:
			if b.fill.real || !exactEltwise[p.Alg] {
				t = t.add(eltwiseTolerance(p.Alg))
				t.Abs *= max(b.spreadOf, 1)
			}
		case ref.BinaryPostOp:
			// A division is one rounding; libraries may multiply by a rounded inverse.
			if b.fill.real || p.Alg == ref.Div {
				t = t.add(roundings(2, 4*b.spreadOf))
			}
		case ref.SumPostOp:
			if b.fill.real {
				t = t.add(roundings(2, 4*b.spreadOf))
			}
		}
	}
	if b.fill.real && len(a.Scales) > 0 {
		// Product of two scales, times the sum, plus bias, times the inverse of
		// dst's scale, itself rounded, plus zero point: six roundings.
		t = t.add(roundings(6, 4*b.spreadOf))
	}
	return t
}

// atScale turns a tolerance of real results into one of stored values.
func (t Tolerance) atScale(dst ref.Param) Tolerance {
	for _, s := range dst.Values {
		t.Abs = max(t.Abs, t.Abs/s)
	}
	return t
}

// halfULP is half a unit in the last place of dt at v.
func halfULP(dt ref.DType, v float64) float64 {
	if dt.Integer() {
		return 0.5
	}
	bits := map[ref.DType]int{ref.F32: 24, ref.BF16: 8}[dt]
	_, exp := math.Frexp(v) // |v| in [2^(exp-1), 2^exp)
	return math.Ldexp(1, exp-1-bits)
}

// accepts reports whether got may stand for the exact result of an element
// whose correctly rounded value is want.
func (t Tolerance) accepts(dt ref.DType, got, want, exact float64) bool {
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return true
	}
	if t.exact() {
		return false
	}
	if dt.Integer() {
		lo, hi := dt.Range()
		exact = min(max(exact, lo), hi)
	}
	return math.Abs(got-exact) <= halfULP(dt, exact)+t.Rel*math.Abs(exact)+t.Abs
}
