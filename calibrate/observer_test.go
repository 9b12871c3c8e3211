package calibrate

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/internal/parallel"
)

// observers are all the kinds, each for data within ±limit.
var observers = map[string]func(limit float32) Observer{
	"absmax":     func(float32) Observer { return new(AbsMax) },
	"histogram":  func(float32) Observer { return NewHistogram() },
	"statistics": func(float32) Observer { return NewStatistics() },
	"paddle": func(limit float32) Observer {
		return newPaddleHistogram(0, limit, 0, math.Float32bits(limit))
	},
}

// activations draws values of widely different sizes, among them zeros of both
// signs, subnormals and values on bin edges.
func activations(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(8) {
		case 0: // stays 0
		case 1:
			x[i] = float32(math.Copysign(0, -1))
		case 2:
			x[i] = math.Float32frombits(r.Uint32N(1 << 23))
		case 3:
			x[i] = float32(math.Ldexp(float64(r.IntN(64)), r.IntN(20)-15))
		default:
			x[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(24)-14)))
		}
	}
	return x
}

// A state must not depend on the order of the elements, on how they are split
// into batches, nor on which observers saw what before they were merged.
func TestObserversAreOrderFree(t *testing.T) {
	for name, make1 := range observers {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				r := rand.New(rand.NewPCG(seed, 1))
				x := activations(r, 1+r.IntN(3000))
				whole := new(AbsMax)
				if err := whole.Add(x); err != nil {
					t.Fatal(err)
				}
				limit := whole.Max()
				want := make1(limit)
				if err := want.Add(x); err != nil {
					t.Fatal(err)
				}
				r.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
				parts := make([]Observer, 1+r.IntN(5))
				for i := range parts {
					parts[i] = make1(limit)
				}
				for rest := x; len(rest) > 0; {
					n := min(len(rest), r.IntN(800))
					if err := parts[r.IntN(len(parts))].Add(rest[:n]); err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				for _, p := range parts[1:] {
					before := p.AppendState(nil)
					if err := parts[0].Merge(p); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(before, p.AppendState(nil)) {
						t.Fatalf("seed %d: Merge changed its argument", seed)
					}
				}
				if d := cmp.Diff(want.AppendState(nil), parts[0].AppendState(nil)); d != "" {
					t.Fatalf("seed %d, %d elements in %d parts: state differs:\n%s", seed, len(x), len(parts), d)
				}
				parts[0].Reset()
				if !bytes.Equal(parts[0].AppendState(nil), make1(limit).AppendState(nil)) {
					t.Fatalf("seed %d: Reset leaves something", seed)
				}
			}
		})
	}
}

// Data large enough to be shared between processors gives what small parts give.
func TestObserversInParallel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	x := make([]float32, 3*parallel.Grain+17)
	for i := range x {
		x[i] = float32(max(r.NormFloat64(), 0))
	}
	for name, make1 := range observers {
		t.Run(name, func(t *testing.T) {
			whole, parts := make1(8), make1(8)
			if err := whole.Add(x); err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(x); i += 1000 {
				if err := parts.Add(x[i:min(i+1000, len(x))]); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(parts.AppendState(nil), whole.AppendState(nil)); d != "" {
				t.Errorf("state differs:\n%s", d)
			}
		})
	}
}

func TestHistogramAgainstDefinition(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		x := activations(r, 2000)
		h := NewHistogram()
		if err := h.Add(x); err != nil {
			t.Fatal(err)
		}
		want := make([]uint64, Bins)
		var zeros uint64
		for _, v := range x {
			if v == 0 {
				zeros++
				continue
			}
			want[int(math.Floor(math.Abs(float64(v))/h.Width()))]++
		}
		if got := h.Zeros(); got != zeros {
			t.Errorf("seed %d: %d zeros, want %d", seed, got, zeros)
		}
		if h.Total() != uint64(len(x)) {
			t.Errorf("seed %d: total %d, want %d", seed, h.Total(), len(x))
		}
		got := h.Counts()
		if d := cmp.Diff(want[:len(got)], got); d != "" {
			t.Errorf("seed %d: (-definition +histogram)\n%s", seed, d)
		}
		if len(got) <= Bins/2 {
			t.Errorf("seed %d: only %d bins used for a largest value of %v", seed, len(got), h.Max())
		}
	}
}

func TestHistogramExtremes(t *testing.T) {
	for name, x := range map[string][]float32{
		"nothing":              {},
		"zeros":                {0, 0, float32(math.Copysign(0, -1))},
		"smallest subnormal":   {math.SmallestNonzeroFloat32, 0},
		"largest":              {math.MaxFloat32, -math.MaxFloat32, 1},
		"subnormal to largest": {math.SmallestNonzeroFloat32, math.MaxFloat32},
		"power of two":         {8192, 4096, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistogram()
			for _, v := range x { // one by one, so that every widening happens
				if err := h.Add([]float32{v}); err != nil {
					t.Fatal(err)
				}
			}
			var n uint64
			for _, c := range h.Counts() {
				n += c
			}
			if n+h.Zeros() != uint64(len(x)) {
				t.Errorf("%d in bins and %d zeros of %d elements", n, h.Zeros(), len(x))
			}
			if top := float64(len(h.Counts())) * h.Width(); top < float64(h.Max()) {
				t.Errorf("bins end at %v, below %v", top, h.Max())
			}
		})
	}
}

func TestObserversRefuseNonFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, make1 := range observers {
		for _, bad := range []float32{nan, inf, -inf} {
			t.Run(fmt.Sprintf("%s/%v", name, bad), func(t *testing.T) {
				o := make1(4)
				if err := o.Add([]float32{1, 2}); err != nil {
					t.Fatal(err)
				}
				before := o.AppendState(nil)
				err := o.Add([]float32{0.5, 1, 2, 3, bad, 1})
				var at *NotFiniteError
				if !errors.As(err, &at) && name != "paddle" || err == nil {
					t.Fatalf("error %v, want a NotFiniteError", err)
				}
				if at != nil && (at.Index != 4 || !errors.Is(err, ErrNotFinite)) {
					t.Errorf("error %v, want index 4 and ErrNotFinite", err)
				}
				if !bytes.Equal(before, o.AppendState(nil)) {
					t.Error("the failed Add changed the state")
				}
			})
		}
	}
}

func TestMergeRefusesOtherKinds(t *testing.T) {
	for name, make1 := range observers {
		for other, make2 := range observers {
			if name == other {
				continue
			}
			if err := make1(1).Merge(make2(1)); !errors.Is(err, ErrMismatch) {
				t.Errorf("merge %s into %s: %v, want ErrMismatch", other, name, err)
			}
		}
	}
	if err := observers["paddle"](1).Merge(observers["paddle"](2)); !errors.Is(err, ErrMismatch) {
		t.Errorf("merge histograms of two ranges: %v, want ErrMismatch", err)
	}
}

func BenchmarkObserve(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, 1<<22)
	for i := range x {
		x[i] = float32(max(r.NormFloat64(), 0))
	}
	for name, make1 := range observers {
		b.Run(name, func(b *testing.B) {
			o := make1(8)
			b.SetBytes(int64(4 * len(x)))
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Add(x); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/element")
		})
	}
}
