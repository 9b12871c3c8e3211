package calibrate

import (
	"math"
	"sync"
)

// maxTally bounds the elements that a tally counts, so that no counter overflows.
const maxTally = 1 << 30

// A tally counts elements for a Histogram: small counters, which fit in the
// first-level cache where those of the Histogram do not.
type tally [Bins]uint32

var tallies = sync.Pool{New: func() any { return new(tally) }}

// count counts x in bins of width 2^exp, and returns the bits of its range as
// signedRange does and how many elements are zero. If an element is too large for
// the bins, or not a number, it stops, and ok is false.
func (t *tally) count(x []float32, exp int) (low, high uint32, zeros int, ok bool) {
	low = signBit
	invWidth := float32(math.Ldexp(1, -exp))
	limit := min(math.Float32bits(float32(math.Ldexp(1, exp+bitsOfBins))), infBits)
	var list binList
	for len(x) > 0 {
		part := x[:min(len(x), binChunk)]
		x = x[len(part):]
		l, h := signedRangeOf(part)
		low, high = max(low, l), max(high, h)
		if max(low&absMask, high) >= limit {
			return low, high, zeros, false
		}
		n := list.of(part, invWidth)
		for _, i := range list[:n] {
			t[i%Bins]++
		}
		zeros += len(part) - n
	}
	return low, high, zeros, true
}

// drain moves the counts into dst.
func (t *tally) drain(dst *[Bins]uint64) {
	for i, n := range t {
		dst[i] += uint64(n)
	}
	clear(t[:])
}
