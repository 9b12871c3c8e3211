package calibrate

import (
	"math"
	"sync"
)

// maxTally bounds the elements counted between two drains, so that a counter
// cannot overflow.
const maxTally = 1 << 30

// lanes is how many counters a bin has. Neighbouring activations often fall
// into one bin, and an increment that waits for the previous store to the same
// counter takes several times as long as one that does not.
const lanes = 4

// A tally counts a part of the data for a Histogram. Slot 0 holds the zeros,
// slot i+1 the rest of bin i; the slots beyond are there so that the compiler sees
// that no index is out of range.
type tally [lanes][2 * Bins]uint32

var tallies = sync.Pool{New: func() any { return new(tally) }}

// count adds x, all of whose values are below Bins/invWidth.
func (t *tally) count(x []float32, invWidth float32) {
	for ; len(x) >= lanes; x = x[lanes:] {
		t[0][slot(x[0], invWidth)]++
		t[1][slot(x[1], invWidth)]++
		t[2][slot(x[2], invWidth)]++
		t[3][slot(x[3], invWidth)]++
	}
	for _, v := range x {
		t[0][slot(v, invWidth)]++
	}
}

// slot finds where v counts, without a branch: half of the activations are zero
// and no processor guesses which. invWidth is a power of two, so the product is
// exact (or, below the smallest normal number, less than 1 all the same) and its
// integer part is the bin. The bits of |v| end below bit 31, so their negative
// has that bit unless they are 0.
func slot(v, invWidth float32) uint32 {
	b := math.Float32bits(v) & absMask
	return (uint32(int32(math.Float32frombits(b)*invWidth)) + (-b)>>31) % (2 * Bins)
}

// drain moves the counts into dst and returns the zeros.
func (t *tally) drain(dst *[Bins]uint64) (zeros uint64) {
	for l := range t {
		counts := t[l][:Bins+1]
		zeros += uint64(counts[0])
		for i, n := range counts[1:] {
			dst[i] += uint64(n)
		}
		clear(counts)
	}
	return zeros
}
