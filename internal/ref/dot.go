package ref

// A Dot is the inner product of one run of input channels with its weights:
// the arithmetic inside a convolution. A convolution calls it once a kernel
// point that is not padding and adds the results.
type Dot func(src, wei []float64) float64

// ExactDot multiplies and adds; it is what VNNI and AMX compute for 8-bit
// integers.
func ExactDot(src, wei []float64) float64 {
	sum := 0.0
	for i, s := range src {
		sum += s * wei[i]
	}
	return sum
}

// PairSaturatedDot is the u8 x s8 arithmetic of CPUs with AVX2 or AVX-512 but
// without VNNI. VPMADDUBSW multiplies adjacent input channels 2i and 2i+1 and
// saturates the sum of the two products to 16 bits; only those sums are then
// added exactly. An odd last channel is paired with zero. A source of type s8
// reaches that instruction as src+128: see ShiftedPairSaturatedDot.
//
// With weights within [-64, 63], or sources within [0, 127], no pair can
// saturate and the result equals ExactDot (2*255*64 = 32640 < 32768).
//
// Source: oneDNN developer guide, "Nuances of int8 Computations", 1.1. Only
// kernels made of that instruction behave so: oneDNN's depthwise kernels widen
// to 32 bits first and are exact, and the order of channels is that of its
// blocked layouts, which keep pairs of channels together.
func PairSaturatedDot(src, wei []float64) float64 {
	var sum int64
	for i := 0; i < len(src); i += 2 {
		pair := int64(src[i]) * int64(wei[i])
		if i+1 < len(src) {
			pair += int64(src[i+1]) * int64(wei[i+1])
		}
		sum += min(max(pair, -1<<15), 1<<15-1)
	}
	return float64(sum)
}

// ShiftedPairSaturatedDot is PairSaturatedDot for a source of type s8, which
// those CPUs shift to u8 and compensate: (src+128)*wei - 128*wei. It saturates
// far more easily. Convolutions of oneDNN avoid it by halving the weights,
// which rounds them; matrix products do not (same guide, section 2).
func ShiftedPairSaturatedDot(src, wei []float64) float64 {
	shifted := make([]float64, len(src))
	compensation := 0.0
	for i, s := range src {
		shifted[i] = s + 128
		compensation += 128 * wei[i]
	}
	return PairSaturatedDot(shifted, wei) - compensation
}
