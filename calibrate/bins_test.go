package calibrate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The vector loops give what the plain ones give, for all lengths around their
// steps, and for all kinds of floats.
func TestWideLoops(t *testing.T) {
	if !wide {
		t.Skip("SKIP-PLATFORM: no AVX-512")
	}
	r := rand.New(rand.NewPCG(12, 13))
	special := []uint32{0, signBit, 1, signBit | 1, infBits, infBits | signBit, infBits + 1, absMask, math.MaxUint32, math.Float32bits(greatest)}
	for round := range 400 {
		x := activations(r, r.IntN(3*binChunk+1))
		low, high := signedRangeOf(x)
		if wantLow, wantHigh := plainRangeOf(x); low != wantLow || high != wantHigh {
			t.Fatalf("round %d: range %x, %x, want %x, %x", round, low, high, wantLow, wantHigh)
		}
		top := max(low&absMask, high)
		got, want := new(tally), new(tally)
		got.exp, want.low = max(expOf(top), minExp)+r.IntN(2), signBit
		got.count(x)
		want.countPlain(x, float32(math.Ldexp(1, -got.exp)))
		if got.counts != want.counts || got.low != want.low || got.high != want.high || got.filled != want.filled {
			t.Fatalf("round %d: counts differ", round)
		}
		var from, sums, wantSums [Bins]uint64
		for i := range from {
			from[i] = r.Uint64N(1 << 40)
		}
		sums, wantSums = from, from
		got.drain(&sums, 0)
		for i, n := range want.counts {
			wantSums[i] += uint64(n)
		}
		if sums != wantSums || got.counts != [Bins]uint32{} {
			t.Fatalf("round %d: sums differ", round)
		}
		if len(x) == 0 {
			continue
		}
		clean := new(tally)
		x[r.IntN(len(x))] = math.Float32frombits(special[r.IntN(len(special))])
		low, high = signedRangeOf(x)
		if wantLow, wantHigh := plainRangeOf(x); low != wantLow || high != wantHigh {
			t.Fatalf("round %d, special: range %x, %x, want %x, %x", round, low, high, wantLow, wantHigh)
		}
		clean.exp = got.exp
		clean.count(x) // stays inside its counts whatever x is
		if clean.low != low || clean.high != high {
			t.Fatalf("round %d, special: counted range %x, %x, want %x, %x", round, clean.low, clean.high, low, high)
		}
	}
}
