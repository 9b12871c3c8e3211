package calibrate

import (
	"math"
	"sync"
)

// maxTally bounds the elements of one tally, far below what its counters hold,
// so that the counters stay in the cache and are drained while still there.
const maxTally = 1 << 22

// lanes is how many counters a bin has. Neighbouring activations often fall
// into one bin, and an increment that waits for the previous store to the same
// counter takes several times as long as one that does not.
const lanes = 4

// A tally counts a part of the data for a Histogram.
type tally struct {
	zeros  uint64
	counts [lanes][Bins]uint32
}

var tallies = sync.Pool{New: func() any { return new(tally) }}

// count adds x, all of whose values are below Bins/invWidth. invWidth is a
// power of two, so the product is exact (or, below the smallest normal number,
// less than 1 all the same) and its integer part is the bin.
func (t *tally) count(x []float32, invWidth float32) {
	var zeros [lanes]uint64
	bin := func(v float32) uint32 {
		return uint32(int32(math.Float32frombits(math.Float32bits(v)&absMask)*invWidth)) % Bins
	}
	for ; len(x) >= lanes; x = x[lanes:] {
		zeros[0] += isZero(x[0])
		zeros[1] += isZero(x[1])
		zeros[2] += isZero(x[2])
		zeros[3] += isZero(x[3])
		t.counts[0][bin(x[0])]++
		t.counts[1][bin(x[1])]++
		t.counts[2][bin(x[2])]++
		t.counts[3][bin(x[3])]++
	}
	for _, v := range x {
		zeros[0] += isZero(v)
		t.counts[0][bin(v)]++
	}
	t.zeros += zeros[0] + zeros[1] + zeros[2] + zeros[3]
}

func isZero(v float32) uint64 {
	if v == 0 {
		return 1
	}
	return 0
}

// drain moves the counts into dst, zeros left out, and returns the zeros.
func (t *tally) drain(dst *[Bins]uint64) (zeros uint64) {
	for i := range dst {
		var n uint64
		for l := range lanes {
			n += uint64(t.counts[l][i])
			t.counts[l][i] = 0
		}
		dst[i] += n
	}
	zeros = t.zeros
	dst[0] -= zeros // each was counted into bin 0 above
	t.zeros = 0
	return zeros
}
