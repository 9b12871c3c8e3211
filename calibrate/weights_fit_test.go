package calibrate

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/refdata"
	"github.com/octet-dnn/octet/model"
)

// TestFitWeightScales checks that no fitted scale does worse than 127/max|w|,
// that depthwise filters gain clearly, and that both layouts are understood.
func TestFitWeightScales(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		dims []int64
		axis int
		gain float64 // least share of the square error that goes
	}{
		// A uniform error over 41 grids for 9 weights falls by about a third on
		// average; half of that is asked for.
		{"depthwise 3x3", []int64{64, 1, 3, 3}, 0, 0.15},
		{"dense 3x3", []int64{16, 32, 3, 3}, 0, 0},
		{"fully connected", []int64{96, 20}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := gaussian(t, rng, c.dims)
			plain, err := WeightScales(w, c.axis)
			if err != nil {
				t.Fatal(err)
			}
			fitted, err := FitWeightScales(w, c.axis)
			if err != nil {
				t.Fatal(err)
			}
			inner := 1
			for _, d := range c.dims[c.axis+1:] {
				inner *= int(d)
			}
			var before, after float64
			for i := range plain {
				ch := channelOf(w.Float32s(), i, len(plain), inner)
				b, a := roundingError(ch, plain[i], math.Inf(1)), roundingError(ch, fitted[i], math.Inf(1))
				if a > b {
					t.Errorf("channel %d: error %g with %v, %g with 127/max", i, a, fitted[i], b)
				}
				before, after = before+b, after+a
			}
			if after > (1-c.gain)*before {
				t.Errorf("square error %g, was %g: want %g less", after, before, c.gain)
			}
		})
	}
}

// TestFitAt127 fits the depthwise filters of a real MobileNet-V1 only with scales
// that leave the largest weight at 127 steps, as Paddle's INT8 engine takes them
// from what a QDQ program says: nothing of what a fit is for remains.
func TestFitAt127(t *testing.T) {
	m, err := model.Load(refdata.Path(t, "realmodels", "mobilenet_v1_x0_75", "fluid"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	var plain, fitted, at127 float64 // square errors, as shares of the channel's squares
	for _, l := range g.Layers {
		c, ok := l.Op.(*graph.Conv)
		if !ok || c.Groups == 1 {
			continue
		}
		w := l.In[1].Const
		first, err := WeightScales(w, 0)
		if err != nil {
			t.Fatal(err)
		}
		best, err := FitWeightScales(w, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range first {
			ch := channelOf(w.Float32s(), i, len(first), 9)
			power := roundingError(ch, 1e-30, math.Inf(1)) // all become 0
			if power == 0 {
				continue
			}
			plain += roundingError(ch, s, math.Inf(1)) / power
			fitted += roundingError(ch, best[i], math.Inf(1)) / power
			least := math.Inf(1)
			for k := range fitAbove + 1 {
				// Clipping at -127: no weight is -128 steps.
				s := first[i] * (1 + float32(k)/fitSteps)
				clipped := slices.Clone(ch)
				for j, v := range clipped {
					clipped[j] = max(v, -127/s)
				}
				e := roundingError(clipped, s, math.Inf(1))
				for j, v := range ch {
					e += float64((v - clipped[j]) * (v - clipped[j]))
				}
				least = min(least, e/power)
			}
			at127 += least
		}
	}
	t.Logf("square error of depthwise filters: fitted %.3f of the plain one, with the largest at 127 %.3f", fitted/plain, at127/plain)
	// 0.617 and 1.000 were measured.
	if fitted > 0.65*plain || at127 < 0.98*plain {
		t.Error("want 0.65 at most and 0.98 at least: docs/from-paddle.md has these figures")
	}
}

func TestFitWeightScalesEdges(t *testing.T) {
	w, err := model.Float32Tensor([]float32{0, 0, 1, -1, 0.5, 0.25}, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	scales, err := FitWeightScales(w, 0)
	if err != nil || scales[0] != 1 {
		t.Errorf("scales %v, %v: want 1 for the dead channel", scales, err)
	}
	if scales[1] != 127 {
		t.Errorf("±1 got scale %v: 127 has no error", scales[1])
	}
	w.Float32s()[3] = float32(math.NaN())
	var bad *NotFiniteError
	if _, err := FitWeightScales(w, 0); !errors.As(err, &bad) {
		t.Errorf("error %v for a NaN, want *NotFiniteError", err)
	}
}

func gaussian(t *testing.T, rng *rand.Rand, dims []int64) *model.Tensor {
	t.Helper()
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	w, err := model.Float32Tensor(x, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
