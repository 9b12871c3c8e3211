package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
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
		x := activations(r, r.IntN(binChunk+1))
		low, high := signedRangeOf(x)
		if wantLow, wantHigh := plainRangeOf(x); low != wantLow || high != wantHigh {
			t.Fatalf("round %d: range %x, %x, want %x, %x", round, low, high, wantLow, wantHigh)
		}
		top := max(low&absMask, high)
		h := NewHistogram()
		h.cover(top)
		invWidth := float32(math.Ldexp(1, -h.exp))
		var got, want binList
		n, m := got.of(x, invWidth), binsOf(x, invWidth, want[:])
		if !slices.Equal(got[:n], want[:m]) {
			t.Fatalf("round %d: bins differ", round)
		}
		if len(x) == 0 {
			continue
		}
		x[r.IntN(len(x))] = math.Float32frombits(special[r.IntN(len(special))])
		low, high = signedRangeOf(x)
		if wantLow, wantHigh := plainRangeOf(x); low != wantLow || high != wantHigh {
			t.Fatalf("round %d, special: range %x, %x, want %x, %x", round, low, high, wantLow, wantHigh)
		}
	}
}
