package calibrate

import (
	"math"
	"sync"
)

// maxTally bounds the elements that a tally counts, so that no counter overflows.
const maxTally = 1 << 30

// A tally counts elements for a Histogram: small counters, which fit in the
// first-level cache where those of the Histogram do not.
type tally struct {
	counts    [Bins]uint32
	list      binList
	exp       int    // the bins are 2^exp wide
	low, high uint32 // the range as signedRange gives it
	filled    int    // elements other than zero
}

var tallies = sync.Pool{New: func() any { return new(tally) }}

// top returns the bits of the largest |x|.
func (t *tally) top() uint32 { return max(t.low&absMask, t.high) }

// fill makes t the tally of x, at most maxTally elements, in bins of width 2^exp, or of
// the least width that they need if that is more. It reads x once unless bins have to be
// wider. A NaN or an infinity is a *NotFiniteError and leaves t empty.
func (t *tally) fill(x []float32, exp int) error {
	t.exp = exp
	t.count(x)
	if t.top() < t.limit() {
		return nil
	}
	clear(t.counts[:])
	if t.top() >= infBits {
		return firstNotFinite(x)
	}
	t.exp = expOf(t.top())
	t.count(x)
	return nil
}

// limit returns the bits of the least number that no bin holds.
func (t *tally) limit() uint32 {
	return min(math.Float32bits(float32(math.Ldexp(1, t.exp+bitsOfBins))), infBits)
}

// count adds x to the counts, and sets the range and the number of elements counted. The
// counts are good if all elements are below the limit.
func (t *tally) count(x []float32) {
	invWidth := float32(math.Ldexp(1, -t.exp))
	t.low, t.high, t.filled = signBit, 0, 0
	if whole := len(x) &^ (wideStep - 1); wide && whole > 0 {
		low, high, filled := countAVX512(&x[0], whole, invWidth, &t.list[0], &t.counts[0])
		t.low, t.high, t.filled = max(t.low, low), high, filled
		x = x[whole:]
	}
	t.countPlain(x, invWidth)
}

// countPlain adds x to counts, range and number of elements counted.
func (t *tally) countPlain(x []float32, invWidth float32) {
	for len(x) > 0 {
		part := x[:min(len(x), binChunk)]
		x = x[len(part):]
		low, high := plainRangeOf(part)
		t.low, t.high = max(t.low, low), max(t.high, high)
		n := binsOf(part, invWidth, t.list[:])
		for _, i := range t.list[:n] {
			t.counts[i%Bins]++
		}
		t.filled += n
	}
}

// drain moves the counts into those of bins 2^shift times as wide.
func (t *tally) drain(dst *[Bins]uint64, shift int) {
	if wide && shift == 0 {
		drainAVX512(&t.counts[0], &dst[0], Bins)
		return
	}
	for i, n := range t.counts {
		dst[i>>shift] += uint64(n)
	}
	clear(t.counts[:])
}
