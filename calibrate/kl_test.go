package calibrate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// draw returns n values of f.
func draw(seed uint64, n int, f func(r *rand.Rand) float64) []float32 {
	r := rand.New(rand.NewPCG(seed, 3))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(f(r))
	}
	return x
}

func relu6(mean, sigma float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return min(max(r.NormFloat64()*sigma+mean, 0), 6) }
}

// TestReLU6Collapse shows by ablation why Paddle's KL ruins networks with relu6.
// It is not that no candidate contains the last bin, where saturated values sit:
// with that candidate, or without those values, the same threshold wins. It is the
// zeros: the same search without them keeps the range. The real activations of
// MobileNet-V1 behave alike in all 17 layers where 1529 bins win.
func TestReLU6Collapse(t *testing.T) {
	for name, x := range map[string][]float32{
		"one in 400 saturates":  draw(1, 400_000, relu6(-1, 2.5)),
		"one in 160 saturates":  draw(2, 400_000, relu6(-4, 4)),
		"one in 2500 saturates": draw(3, 400_000, relu6(-4, 3)),
	} {
		t.Run(name, func(t *testing.T) {
			h := paddlePasses(t, x)
			n := paddleKLIndex(h.counts[:], 1)
			// 1529 = 6·255-1 is the last n with 5 bins a group.
			if n != 6*paddleLevels-1 {
				t.Fatalf("Paddle's search keeps %d bins: the collapse this test explains is not there", n)
			}
			if all, best := paddleScoreExactly(h.counts[:], paddleBins, 1), paddleScoreExactly(h.counts[:], n, 1); all < best {
				t.Errorf("with all bins as a candidate those win: score %v, %d bins have %v", all, n, best)
			}
			noSpike := h.counts
			noSpike[paddleBins-1] = 0
			if got := paddleKLIndex(noSpike[:], 1); got != n {
				t.Errorf("without the saturated values %d bins win, with them %d", got, n)
			}
			noZeros := h.counts
			for _, v := range x {
				if v == 0 {
					noZeros[0]--
				}
			}
			if got := paddleKLIndex(noZeros[:], 1); got < 2000 {
				t.Errorf("without the zeros %d bins win: they are not the cause", got)
			}
			for _, levels := range []int{127, 255} {
				if got := chooseKL(statistics(t, x), levels); got != 6 {
					t.Errorf("Octet's KL with %d levels keeps %v of 6", levels, got)
				}
			}
		})
	}
}

// Flat regions of pictures give the same few values again and again. That must
// not look like a lack of resolution: in MobileNet-V1 the second layer is such.
func TestKLIgnoresAtoms(t *testing.T) {
	levels := draw(6, 40, relu6(0, 1)) // the values that recur
	x := draw(7, 400_000, func(r *rand.Rand) float64 {
		if r.IntN(5) > 0 {
			return float64(levels[r.IntN(len(levels))])
		}
		return min(math.Abs(r.NormFloat64()*1.5), 6)
	})
	h := statistics(t, x)
	if got := chooseKL(h, 255); got != 6 {
		t.Errorf("keeps %v of 6", got)
	}
	// Had they been counted, the range would have been cut.
	all := newPrefix(h.Counts())
	counted := klSearch{255, all, all}
	best := len(h.Counts())
	for n := best; n > 1000; n -= 4 {
		if counted.divergence(n, math.Inf(1)) < counted.divergence(best, math.Inf(1)) {
			best = n
		}
	}
	if best > len(h.Counts())*9/10 {
		t.Errorf("with the atoms %d of %d bins win: this test shows nothing", best, len(h.Counts()))
	}
}

// Whatever lies below, a spike at the top is never clipped.
func TestKLKeepsSaturation(t *testing.T) {
	shapes := map[string]func(*rand.Rand) float64{
		"uniform":   func(r *rand.Rand) float64 { return r.Float64() },
		"normal":    func(r *rand.Rand) float64 { return math.Abs(r.NormFloat64()) * 0.2 },
		"laplace":   func(r *rand.Rand) float64 { return r.ExpFloat64() * 0.1 },
		"lognormal": func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) * 0.02 },
		"two modes": func(r *rand.Rand) float64 { return math.Abs(r.NormFloat64()*0.02 + float64(r.IntN(2))*0.5) },
	}
	for name, f := range shapes {
		for _, share := range []float64{0.01, 0.1, 0.5} {
			for _, limit := range []float64{0.9, 1, 6} {
				for _, levels := range []int{127, 255} {
					x := draw(5, 50_000, func(r *rand.Rand) float64 {
						if r.Float64() < share {
							return limit
						}
						return limit * min(f(r), 1)
					})
					got := chooseKL(statistics(t, x), levels)
					if got != float64(float32(limit)) {
						t.Errorf("%s with %v of the values at %v, %d levels: threshold %v", name, share, limit, levels, got)
					}
				}
			}
		}
	}
}

// meanSquare is the error of quantising |x| with a threshold.
func meanSquare(x []float32, threshold float64, levels int) float64 {
	s := float64(levels) / threshold
	var sum float64
	for _, v := range x {
		a := math.Abs(float64(v))
		d := a - min(math.RoundToEven(a*s), float64(levels))/s
		sum += d * d
	}
	return sum / float64(len(x))
}

// KL is not made to minimise the mean square error, but far from the minimum it
// would be of no use. The factors are those seen with these seeds, rounded up.
func TestKLAgainstMeanSquare(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		f      func(*rand.Rand) float64
		factor float64
	}{
		{"few normal", 1000, func(r *rand.Rand) float64 { return r.NormFloat64() }, 1.1},
		{"normal", 1_000_000, func(r *rand.Rand) float64 { return r.NormFloat64() }, 1.5},
		{"relu normal", 1_000_000, func(r *rand.Rand) float64 { return max(r.NormFloat64(), 0) }, 1.5},
		{"laplace", 1_000_000, func(r *rand.Rand) float64 { return r.ExpFloat64() }, 1.2},
		{"uniform", 100_000, func(r *rand.Rand) float64 { return 3 * r.Float64() }, 1.05},
		{"few lognormal", 1000, func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) }, 1.1},
	} {
		x := draw(11, c.n, c.f)
		top := chooseMax(statistics(t, x), 255)
		for _, levels := range []int{127, 255} {
			best := math.Inf(1)
			for i := 20; i <= 100; i++ {
				best = min(best, meanSquare(x, top*float64(i)/100, levels))
			}
			got := chooseKL(statistics(t, x), levels)
			if e := meanSquare(x, got, levels); e > c.factor*best {
				t.Errorf("%s, %d levels: threshold %v of %v has %.2f times the least error, want at most %v",
					c.name, levels, got, top, e/best, c.factor)
			}
		}
	}
}

func TestKLEdges(t *testing.T) {
	for _, c := range []struct {
		name string
		x    []float32
		want float64
	}{
		{"nothing", nil, 0},
		{"zeros", []float32{0, 0}, 0},
		{"one value", []float32{2.5}, 2.5},
		{"constant", []float32{-1.5, 1.5, 1.5}, 1.5},
		{"steps", []float32{0.25, 0.5, 0.75, 1, 1, 0.25}, 1},
	} {
		if got := chooseKL(statistics(t, c.x), 255); got != c.want {
			t.Errorf("%s: threshold %v, want %v", c.name, got, c.want)
		}
	}
	// A lone outlier must not cost all others their levels.
	x := append(draw(9, 100_000, func(r *rand.Rand) float64 { return r.NormFloat64() }), 60)
	if got := chooseKL(statistics(t, x), 255); got > 8 {
		t.Errorf("normal values and one outlier at 60: threshold %v", got)
	}
}

// Candidates that are given up early would not have been chosen.
func TestKLGivesUpRightly(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 31))
		wide, spike := 1+r.Float64()*3, r.Float64()
		counts := statistics(t, draw(seed, 100+r.IntN(20_000), func(r *rand.Rand) float64 {
			if r.Float64() < spike/4 {
				return min(6, wide)
			}
			return math.Pow(math.Abs(r.NormFloat64()), wide)
		})).Counts()
		for _, levels := range []int{127, 255} {
			s := klSearch{levels, newPrefix(counts), newPrefix(withoutAtoms(counts))}
			want := leastOf(len(counts), levels, func(n int) float64 { return s.divergence(n, math.Inf(1)) })
			if got := klBins(counts, levels, candidates); got != want {
				t.Errorf("seed %d, %d levels: %d of %d bins, want %d", seed, levels, got, len(counts), want)
			}
		}
	}
}

// The prefix sums of Paddle's score agree with the sums bin by bin.
func TestPaddleScorePrefix(t *testing.T) {
	x := draw(21, 30_000, func(r *rand.Rand) float64 { return max(r.NormFloat64(), 0) })
	h := paddlePasses(t, x)
	s := newPrefix(h.counts[:])
	for n := paddleFirst; n <= paddleLast; n++ {
		if h.counts[n-1] == 0 {
			continue
		}
		got, size := s.paddleScore(n, 7)
		if want := paddleScoreExactly(h.counts[:], n, 7); math.Abs(got-want) > size*(4*paddleBins*0x1p-53) {
			t.Fatalf("n = %d: score %v from prefix sums, %v bin by bin: further apart than the slack of %v",
				n, got, want, size*(4*paddleBins*0x1p-53))
		}
	}
}

func BenchmarkThreshold(b *testing.B) {
	x := draw(1, 1<<20, func(r *rand.Rand) float64 { return max(r.NormFloat64(), 0) })
	measure := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e6/float64(b.N), "ms/tensor")
		})
	}
	s, h := statistics(b, x), paddlePasses(b, x)
	for a, choose := range choosers {
		measure(string(a), func() { choose(s, 255) })
	}
	measure("KL-paddle13", func() { paddleKL(h, 50) })
}
