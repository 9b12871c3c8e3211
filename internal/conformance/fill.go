package conformance

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/octet-dnn/octet/internal/ref"
)

// A filler makes the data of one case. Every tensor has a stream of its own,
// from the seed and its name, so that a tensor added to a case does not change
// the others.
type filler struct {
	seed  uint64
	real  bool // any reals, rather than values on which f32 is exact
	pairs bool // weights for CPUs that saturate pairs of products
}

func (f *filler) stream(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(f.seed, h.Sum64()))
}

// source fills an activation. Integers use their whole range (s32 a small
// one); floats are quarters in [-2, 2], which bf16 holds too.
func (f *filler) source(name string, t *ref.Tensor) {
	rng := f.stream(name)
	f.each(t, func() float64 {
		switch {
		case t.DType == ref.S32:
			return float64(rng.IntN(2001) - 1000)
		case t.DType.Integer():
			lo, hi := t.DType.Range()
			return lo + float64(rng.IntN(int(hi-lo)+1))
		case f.real:
			return 4*rng.Float64() - 2
		}
		return float64(rng.IntN(17)-8) / 4
	})
}

// weights fills the weights that belong to a source of type src: floats are
// eighths in [-1, 1], 8-bit weights use the whole range but -128, or what
// Options.PairSaturation leaves of it.
func (f *filler) weights(name string, t *ref.Tensor, src ref.DType) {
	rng := f.stream(name)
	limit, step := 127, 1
	if f.pairs {
		limit = 63
	}
	if f.pairs && src == ref.S8 {
		limit, step = 31, 2
	}
	f.each(t, func() float64 {
		switch {
		case t.DType.Integer():
			return float64(step * (rng.IntN(2*limit+1) - limit))
		case f.real:
			return 2*rng.Float64() - 1
		}
		return float64(rng.IntN(17)-8) / 8
	})
}

// offsets fills a bias or an addend with sixteenths of amplitude.
func (f *filler) offsets(name string, t *ref.Tensor, amplitude float64) {
	rng := f.stream(name)
	f.each(t, func() float64 {
		if f.real {
			return amplitude * (2*rng.Float64() - 1)
		}
		return amplitude * float64(rng.IntN(33)-16) / 16
	})
}

// factors fills a multiplier or divisor with small powers of two of both signs.
func (f *filler) factors(name string, t *ref.Tensor) {
	rng := f.stream(name)
	f.each(t, func() float64 {
		v := math.Ldexp(1, rng.IntN(3)-1)
		if f.real {
			v *= 1 + rng.Float64()
		}
		if rng.IntN(4) == 0 && t.DType != ref.U8 {
			return -v
		}
		return max(v, t.DType.Round(1)/2)
	})
	for i, v := range t.Data { // a divisor must not be zero
		if v == 0 {
			t.Data[i] = 1
		}
	}
}

// spread fills t evenly over [lo, hi], with both ends and zero among the values.
func (f *filler) spread(name string, t *ref.Tensor, lo, hi float64) {
	rng := f.stream(name)
	f.each(t, func() float64 {
		switch rng.IntN(16) {
		case 0:
			return lo
		case 1:
			return hi
		case 2:
			return min(max(0, lo), hi)
		}
		return lo + (hi-lo)*rng.Float64()
	})
}

func (f *filler) each(t *ref.Tensor, next func() float64) {
	for i := range t.Data {
		t.Data[i] = t.DType.Round(next())
	}
}

// scale returns a power of two from 2^lo to 2^hi, or with real data up to
// twice that.
func (f *filler) scale(rng *rand.Rand, lo, hi int) float64 {
	v := math.Ldexp(1, lo+rng.IntN(hi-lo+1))
	if f.real {
		v *= 1 + rng.Float64()
	}
	return float64(float32(v))
}

// rms is the root of the mean square of the values, 0 for none.
func rms(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v
	}
	return math.Sqrt(sum / float64(max(len(values), 1)))
}

// powerOfTwo is the greatest power of two not above v, at least 2^-20.
func powerOfTwo(v float64) float64 {
	return math.Exp2(math.Floor(math.Log2(max(v, 0x1p-20))))
}
