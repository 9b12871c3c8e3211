package calibrate

import (
	"math"
	"sync"

	"github.com/octet-dnn/octet/internal/parallel"
)

// Absolute values are compared as bit patterns: those of non-negative floats
// order as the numbers do, with infinity above all numbers and NaN above it.
const (
	absMask = 0x7fffffff
	infBits = 0x7f800000
)

// absRange returns the bits of the smallest and largest |x| of a non-empty x.
func absRange(x []float32) (lo, hi uint32) {
	lo = absMask
	var mu sync.Mutex
	parallel.Ranges(len(x), func(from, to int) {
		l, h := absRangeOf(x[from:to])
		mu.Lock()
		defer mu.Unlock()
		lo, hi = min(lo, l), max(hi, h)
	})
	return lo, hi
}

// absRangeOf and absTopOf keep four chains of dependent comparisons apart, whose
// latency is what limits them otherwise.
func absRangeOf(x []float32) (lo, hi uint32) {
	l := [4]uint32{absMask, absMask, absMask, absMask}
	var h [4]uint32
	for ; len(x) >= 4; x = x[4:] {
		b0, b1, b2, b3 := abs4(x)
		l[0], h[0] = min(l[0], b0), max(h[0], b0)
		l[1], h[1] = min(l[1], b1), max(h[1], b1)
		l[2], h[2] = min(l[2], b2), max(h[2], b2)
		l[3], h[3] = min(l[3], b3), max(h[3], b3)
	}
	for _, v := range x {
		b := math.Float32bits(v) & absMask
		l[0], h[0] = min(l[0], b), max(h[0], b)
	}
	return min(l[0], l[1], l[2], l[3]), max(h[0], h[1], h[2], h[3])
}

func absTopOf(x []float32) uint32 {
	var h0, h1, h2, h3 uint32
	for ; len(x) >= 4; x = x[4:] {
		b0, b1, b2, b3 := abs4(x)
		h0, h1, h2, h3 = max(h0, b0), max(h1, b1), max(h2, b2), max(h3, b3)
	}
	for _, v := range x {
		h0 = max(h0, math.Float32bits(v)&absMask)
	}
	return max(h0, h1, h2, h3)
}

func abs4(x []float32) (b0, b1, b2, b3 uint32) {
	_ = x[3]
	return math.Float32bits(x[0]) & absMask, math.Float32bits(x[1]) & absMask,
		math.Float32bits(x[2]) & absMask, math.Float32bits(x[3]) & absMask
}

// firstNotFinite describes the first NaN or infinity of x, which has one.
func firstNotFinite(x []float32) error {
	for i, v := range x {
		if math.Float32bits(v)&absMask >= infBits {
			return &NotFiniteError{Index: i, Value: v}
		}
	}
	return nil
}

// signBit is the bits of −0.
const signBit = 1 << 31

// signedRange returns the bits of the most negative value of x, at least those
// of −0, and of the most positive one, at least those of 0. As unsigned integers
// the bits of negative floats are above all others and grow with |x|; as signed
// ones those of positive floats are. A NaN or an infinity comes out as one.
func signedRange(x []float32) (low, high uint32) {
	low = signBit
	var mu sync.Mutex
	parallel.Ranges(len(x), func(from, to int) {
		l, h := signedRangeOf(x[from:to])
		mu.Lock()
		defer mu.Unlock()
		low, high = max(low, l), max(high, h)
	})
	return low, high
}

func signedRangeOf(x []float32) (low, high uint32) {
	if whole := len(x) &^ (wideStep - 1); wide && whole > 0 {
		low, high = rangeAVX512(&x[0], whole)
		l, h := plainRangeOf(x[whole:])
		return max(low, l), max(high, h)
	}
	return plainRangeOf(x)
}

func plainRangeOf(x []float32) (low, high uint32) {
	var l0, l1, l2, l3 uint32 = signBit, signBit, signBit, signBit
	var h0, h1, h2, h3 int32
	for ; len(x) >= 4; x = x[4:] {
		b0, b1, b2, b3 := math.Float32bits(x[0]), math.Float32bits(x[1]), math.Float32bits(x[2]), math.Float32bits(x[3])
		l0, l1, l2, l3 = max(l0, b0), max(l1, b1), max(l2, b2), max(l3, b3)
		h0, h1, h2, h3 = max(h0, int32(b0)), max(h1, int32(b1)), max(h2, int32(b2)), max(h3, int32(b3))
	}
	for _, v := range x {
		b := math.Float32bits(v)
		l0, h0 = max(l0, b), max(h0, int32(b))
	}
	return max(l0, l1, l2, l3), uint32(max(h0, h1, h2, h3))
}
