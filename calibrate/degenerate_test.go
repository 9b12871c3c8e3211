package calibrate

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

const (
	smallest = math.SmallestNonzeroFloat32
	greatest = math.MaxFloat32
)

// degenerate are data that calibrations meet now and then, each as a function of the index.
var degenerate = []struct {
	name string
	at   func(i int) float32
}{
	{"all zero", func(int) float32 { return 0 }},
	{"negative zero", func(int) float32 { return float32(math.Copysign(0, -1)) }},
	{"constant", func(int) float32 { return 6 }},
	{"negative constant", func(int) float32 { return -0.37 }},
	{"smallest number", func(int) float32 { return smallest }},
	{"denormals", func(i int) float32 { return smallest * float32(i%1000) }},
	{"tiny normals", func(i int) float32 { return float32(math.Ldexp(1+float64(i%7), -125)) }},
	{"huge range", func(i int) float32 { return float32(math.Ldexp(float64(1-2*(i%2)), i%250-125)) }},
	{"greatest number", func(int) float32 { return greatest }},
	{"single spike", func(i int) float32 {
		if i == 100 {
			return 1e6
		}
		return float32(math.Sin(float64(i)))
	}},
	{"spike among zeros", func(i int) float32 {
		if i == 100 {
			return 3
		}
		return 0
	}},
	{"two values", func(i int) float32 { return 3 * float32(i%2) }},
	{"two signs", func(i int) float32 { return 1 - 2*float32(i%2) }},
	{"one element", nil},
}

// Every algorithm gives, for whatever finite data, a threshold within the range, 0
// only for zeros, and so a scale that is a positive number.
func TestDegenerateThresholds(t *testing.T) {
	for _, d := range degenerate {
		x := []float32{0.25}
		if d.at != nil {
			x = make([]float32, 3*Bins)
			for i := range x {
				x[i] = d.at(i)
			}
		}
		for name, choose := range choosers {
			for _, levels := range []int{127, 255} {
				s := NewStatistics()
				top, err := s.add(x, unshared{})
				if err != nil {
					t.Fatal(err)
				}
				for _, tops := range [][]float32{nil, {math.Float32frombits(top)}, {0, 0}} { // the last: what is not zero is not in the sketch
					s.Tops = tops
					got := choose(s, levels)
					if !(got >= 0 && got <= float64(s.Max())) || (got == 0) != (s.Max() == 0) {
						t.Errorf("%s, %s, %d levels: threshold %g, the largest value is %g", d.name, name, levels, got, s.Max())
					}
					if scale := float64(Scale(got, levels)); !(scale > 0) || math.IsInf(scale, 0) {
						t.Errorf("%s, %s, %d levels: scale %g", d.name, name, levels, scale)
					}
				}
			}
		}
	}
}

// The same from the picture to the INT8 network, for all algorithms, refined too:
// all scales, weights and results are finite.
func TestDegenerateCalibrations(t *testing.T) {
	for _, d := range degenerate {
		if d.at == nil || d.name == "greatest number" || d.name == "huge range" { // sums of these overflow: see the next test
			continue
		}
		in := images(t, 1, 1, 2)[0]
		x := in[0].Float32s()
		for i := range x {
			x[i] = d.at(i)
		}
		for _, a := range Algorithms() {
			t.Run(fmt.Sprintf("%s/%s", d.name, a), func(t *testing.T) {
				c := newTestCalibrator(t, "resnet", Options{Algorithm: a, Refine: a == KL || a == Auto, FirstConvINT8: true})
				sampleAll(t, c, [][]*model.Tensor{in})
				q, err := c.INT8Graph()
				if err != nil {
					t.Fatal(err)
				}
				checkFinite(t, q, in)
				for i, e := range mustTable(t, c).Entries {
					if s := c.pass.total[i].(*Statistics); (e.Threshold == 0) != (s.Max() == 0) {
						t.Errorf("tensor %q: threshold %g, the largest value is %g", e.Name, e.Threshold, s.Max())
					}
				}
			})
		}
	}
}

// checkFinite checks the scales and constants of an INT8 graph, and what it computes.
func checkFinite(t *testing.T, q *graph.Graph, in []*model.Tensor) {
	t.Helper()
	positive := func(what string, scales ...float32) {
		for _, s := range scales {
			if !(s > 0) || math.IsInf(float64(s), 0) {
				t.Errorf("%s: scale %g", what, s)
			}
		}
	}
	for _, l := range q.Layers {
		var i *graph.Int8
		switch op := l.Op.(type) {
		case *graph.Conv:
			i = op.Int8
		case *graph.FC:
			i = op.Int8
		case *graph.Quantize:
			positive(l.Name, op.Scale)
		}
		if i != nil {
			positive(l.Name, i.ScaleIn)
			positive(l.Name, i.ScaleWeights...)
		}
	}
	for v := range q.Values() {
		if v.Const != nil && v.Const.DType == model.FP32 && firstNotFinite(v.Const.Float32s()) != nil {
			t.Errorf("%s: %v", v.Name, firstNotFinite(v.Const.Float32s()))
		}
	}
	out, err := runReference(q, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range q.Outputs {
		if err := firstNotFinite(narrow(out[o.Value].Data)); err != nil {
			t.Errorf("output %s: %v", o.Name, err)
		}
	}
}

// Pictures and weights that make a tensor infinite or NaN end the calibration,
// with the tensor, its layer and the picture.
func TestNotFiniteIsNamed(t *testing.T) {
	weight := func(at int, x float32) func(*graph.Graph) {
		return func(g *graph.Graph) {
			for _, l := range g.Layers {
				if _, ok := l.Op.(*graph.Conv); ok {
					l.In[1].Const.Float32s()[at] = x
					return
				}
			}
		}
	}
	for _, c := range []struct {
		name, tensor, layer string
		sample              int
		spoil               func(*graph.Graph)
		pixel               float32 // of picture 1
	}{
		{"NaN in a picture", "image", "", 1, nil, float32(math.NaN())},
		{"Inf in a picture", "image", "", 1, nil, float32(math.Inf(1))},
		{"sums overflow", "conv1", `conv "conv1"`, 1, nil, greatest},
		{"NaN in a filter", "conv1", `conv "conv1"`, 0, weight(3, float32(math.NaN())), 0},
		{"Inf in a filter", "conv1", `conv "conv1"`, 0, weight(3, float32(math.Inf(-1))), 0},
	} {
		for _, a := range Algorithms() {
			g := nets["resnet"](t)
			if c.spoil != nil {
				c.spoil(g)
			}
			cal, err := newCalibrator(g, "f", Options{Algorithm: a, Runner: newRefRunner(refRunner{}, nil)})
			if err != nil {
				t.Fatal(err)
			}
			in := images(t, 1, 1, 2)[0]
			if c.spoil == nil {
				x := in[0].Float32s()
				for i := len(x) / 2; i < len(x); i++ {
					x[i] = c.pixel
				}
			}
			_, err = cal.Sample(t.Context(), in)
			var at *NotFiniteError
			if !errors.As(err, &at) || at.Tensor != c.tensor || at.Layer != c.layer || c.spoil == nil && at.Sample != c.sample {
				t.Errorf("%s, %s: %v, want tensor %q of layer %q, sample %d", c.name, a, err, c.tensor, c.layer, c.sample)
			}
			if err := cal.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Dead channels, and channels of weights too small for a scale, compute zeros and
// disturb no other channel; weights that are not finite are an error with their layer.
func TestDegenerateWeights(t *testing.T) {
	for name, value := range map[string]float32{
		"dead": 0, "denormal": smallest, "tiny": 1e-37, "huge": 1e30, "NaN": float32(math.NaN()), "Inf": float32(math.Inf(1)),
	} {
		for _, refine := range []bool{false, true} {
			for _, protect := range []bool{false, refine} {
				g := nets["resnet"](t)
				c, err := newCalibrator(g, "f", Options{Algorithm: KL, Runner: newRefRunner(refRunner{}, nil), Refine: refine, Protect: protect, FirstConvINT8: true})
				if err != nil {
					t.Fatal(err)
				}
				in := images(t, 1, 1, 2)
				spoilt := ""
				for _, l := range g.Layers { // the first output channel of the last convolution
					if _, ok := l.Op.(*graph.Conv); ok {
						spoilt = l.Name
					}
				}
				spoil := func() {
					for _, l := range g.Layers {
						if l.Name == spoilt {
							w := l.In[1].Const
							for i := range w.Len() / int(w.Dims[0]) {
								w.Float32s()[i] = value
							}
						}
					}
				}
				if name != "NaN" && name != "Inf" {
					spoil()
					sampleAll(t, c, in)
				} else { // behind the observers' backs, which would find it
					sampleAll(t, c, in)
					spoil()
				}
				q, err := c.INT8Graph()
				switch {
				case name == "NaN" || name == "Inf":
					if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), spoilt) {
						t.Errorf("%s: %v, want ErrNotFinite about %q", name, err, spoilt)
					}
				case err != nil:
					t.Errorf("%s, refined %v: %v", name, refine, err)
				default:
					checkFinite(t, q, in[0])
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
