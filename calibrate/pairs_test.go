package calibrate

import (
	"math/rand/v2"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/model"
)

// The limit is the exact one: weights up to it give what exact arithmetic
// gives for every source, and one more does not.
func TestPairLimitIsExact(t *testing.T) {
	for a := -128.0; a <= 127; a++ {
		for b := -128.0; b <= 127; b++ {
			safe := worstPair([]float64{a, b}, []int{1, 0}) <= pairLimit
			equal := true
			for _, src := range [][]float64{{255, 255}, {255, 0}, {0, 255}} { // the extremes of a sum are at corners
				equal = equal && ref.PairSaturatedDot(src, []float64{a, b}) == ref.ExactDot(src, []float64{a, b})
			}
			if safe != equal {
				t.Fatalf("weights %g and %g: proved safe %v, equal %v", a, b, safe, equal)
			}
		}
	}
}

func TestSafeScaleShrinksAsLittleAsNeeded(t *testing.T) {
	tests := []struct {
		name    string
		w       []float32
		partner []int
		shrink  float64 // at most
	}{
		{"one large weight", []float32{1, 0.001}, []int{1, 0}, 1},
		{"opposite signs", []float32{1, -1}, []int{1, 0}, 1},
		{"same signs", []float32{1, 1}, []int{1, 0}, 2},
		{"a quarter too much", []float32{1, 0.25}, []int{1, 0}, 1.25},
		{"no partner", []float32{1, 1}, []int{-1, -1}, 1},
		{"negative", []float32{-1, -0.5}, []int{1, 0}, 1.5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := safeScale(tt.w, 127, tt.partner)
			if got := 127 / float64(s); got > tt.shrink*1.01 { // a step of safeScale and one of SnapScale
				t.Errorf("shrinks by %.3f: want at most %.3f", got, tt.shrink)
			}
		})
	}
}

// With Protect every channel of every layer is proved, with and without
// Refine; without it random nets are not. The first convolution is INT8 too
// where refinement can make its weights even.
func TestProtectProves(t *testing.T) {
	unsafe := 0
	for name := range nets {
		for _, o := range []Options{{}, {Protect: true}, {Refine: true, Protect: true}, {Refine: true, Protect: true, FirstConvINT8: true}} {
			c := newTestCalibrator(t, name, o)
			sampleAll(t, c, images(t, 1, 1, 2))
			g, err := c.INT8Graph()
			if err != nil {
				t.Fatal(err)
			}
			checks, err := CheckPairs(g)
			if err != nil {
				t.Fatal(err)
			}
			signed := signedSources(g)
			for _, l := range checks {
				if !o.Protect {
					unsafe += l.Unsafe
				} else if l.Unsafe > 0 && (o.Refine || !signed[l.Layer]) {
					t.Errorf("%s, refine %v: %d of %d channels of %s are not proved, worst %d", name, o.Refine, l.Unsafe, l.Channels, l.Layer, l.Worst)
				}
			}
		}
	}
	if unsafe == 0 {
		t.Error("unprotected nets have no unsafe channel: the test shows nothing")
	}
}

func signedSources(g *graph.Graph) map[string]bool {
	signed := make(map[string]bool)
	for _, l := range g.Layers {
		_, conv := l.Op.(*graph.Conv)
		signed[l.Name] = conv && l.In[0].DType == model.Int8
	}
	return signed
}

// What is proved holds: pairs in the order of partners, summed as such a CPU
// does, give the exact sum for random sources.
func TestProvedChannelsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	const k = 64
	partner := partners(&graph.FC{}, []int64{k, 1})
	differs := 0
	for range 200 {
		w := make([]float32, k)
		for i := range w {
			w[i] = float32(r.NormFloat64())
		}
		top := float32(0)
		for _, v := range w {
			top = max(top, v, -v)
		}
		for _, scale := range []float32{127 / top, safeScale(w, 127/top, partner)} {
			q, src := make([]float64, k), make([]float64, k)
			for i, v := range w {
				q[i], src[i] = float64(int(v*scale)), float64(255-r.IntN(8))
			}
			if ref.PairSaturatedDot(src, q) == ref.ExactDot(src, q) {
				continue
			}
			differs++
			if worstPair(q, partner) <= pairLimit {
				t.Fatalf("proved safe, but differs: weights %v", q)
			}
		}
	}
	if differs == 0 {
		t.Error("nothing saturated: the test shows nothing")
	}
}
