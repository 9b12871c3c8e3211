package calibrate

import "math"

// binChunk is how many elements are sorted into bins at once: their bins then fit
// in the first-level cache.
const binChunk = 2048

// A binList holds the bins of a chunk, and room for a vector behind them.
type binList [binChunk + wideStep]uint32

// of fills the list with the bins of those elements of x, at most binChunk, that are not
// zero, and returns how many they are. All |x| are below Bins/invWidth.
func (l *binList) of(x []float32, invWidth float32) (n int) {
	if whole := len(x) &^ (wideStep - 1); wide && whole > 0 {
		n = binsAVX512(&x[0], whole, invWidth, &l[0])
		x = x[whole:]
	}
	return n + binsOf(x, invWidth, l[n:])
}

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
