package calibrate

import "math"

// binChunk is how many elements are sorted into bins at once: their bins then fit
// in the first-level cache, beside the counts.
const binChunk = 512

// A binList holds the bins of a chunk, and room for a vector behind them.
type binList [binChunk + wideStep]uint32

// binsOf writes the bins of those elements of x that are not zero, and returns
// how many they are. Half of the activations are zero and no processor guesses
// which, so it does without a branch: every bin is written, and the next one
// over it after a zero. invWidth is a power of two, so the product is
// exact (or, below the smallest normal number, less than 1 all the same) and its
// integer part is the bin. The bits of |v| end below bit 31, so their negative
// has that bit unless they are 0.
func binsOf(x []float32, invWidth float32, out []uint32) (n int) {
	for _, v := range x {
		b := math.Float32bits(v) & absMask
		out[n] = uint32(int32(math.Float32frombits(b) * invWidth))
		n += int((-b) >> 31)
	}
	return n
}
