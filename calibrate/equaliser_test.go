package calibrate

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

func newTestEqualiser(t *testing.T, m *model.Model) *Equaliser {
	t.Helper()
	e, err := NewEqualiser(m, newRefRunner(refRunner{}, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// An equalised network has other weights and gives the same, and INT8 of it is
// made, saved and bound to it as of any other.
func TestEqualisedAnswersTheSame(t *testing.T) {
	m := asModel(t, "resnet")
	samples, fresh := images(t, 1, 3, 4), images(t, 2, 1, 4)
	for _, exponent := range []float64{DefaultEqualise, 0.5, 1} {
		e := newTestEqualiser(t, m)
		for _, in := range samples {
			if err := e.Sample(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		n, err := e.Model(exponent)
		if err != nil {
			t.Fatal(err)
		}
		if e.Tensors() < 3 || model.Fingerprint(n) == model.Fingerprint(m) {
			t.Errorf("exponent %g: %d tensors, nothing is changed", exponent, e.Tensors())
		}
		a, b := answers(t, m, fresh[0]), answers(t, n, fresh[0])
		for i := range a {
			// Each weight is rounded to float32 once more, and errs by 2^-24 of itself.
			if d := math.Abs(a[i] - b[i]); d > 1e-5*(1+math.Abs(a[i])) {
				t.Fatalf("exponent %g: element %d is %v, was %v", exponent, i, b[i], a[i])
			}
		}
		c, err := New(n, Options{Refine: true, Runner: newRefRunner(refRunner{}, nil)})
		if err != nil {
			t.Fatal(err)
		}
		sampleAll(t, c, samples)
		if err := mustTable(t, c).CheckModel(m); !errors.Is(err, ErrOtherModel) {
			t.Errorf("the table of the equalised model fits the other: %v", err)
		}
		dir := t.TempDir() + "/int8"
		if err := c.SaveINT8Model(dir); err != nil {
			t.Fatal(err)
		}
		saved, err := model.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if x := answers(t, saved, fresh[0]); len(x) != len(a) {
			t.Errorf("the saved INT8 model gives %d numbers, want %d", len(x), len(a))
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := NewEqualiser(saved, newRefRunner(refRunner{}, nil)); !errors.Is(err, ErrMismatch) {
			t.Errorf("an INT8 model: %v, want ErrMismatch", err)
		}
	}
}

// answers returns all numbers that m gives.
func answers(t *testing.T, m *model.Model, in []*model.Tensor) (all []float64) {
	t.Helper()
	g, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	values, err := runReference(g, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range g.Outputs {
		all = append(all, values[o.Value].Data...)
	}
	return all
}

// The result depends on the images, not on their order or batches.
func TestEqualiserIsOrderFree(t *testing.T) {
	m := asModel(t, "resnet")
	batches := images(t, 1, 6, 1)
	var prints []string
	for _, list := range [][][]*model.Tensor{batches, reversed(batches), {joined(t, images(t, 1, 6, 1))}} {
		e := newTestEqualiser(t, m)
		for _, in := range list {
			if err := e.Sample(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		n, err := e.Model(DefaultEqualise)
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, model.Fingerprint(n))
	}
	if prints[0] != prints[1] || prints[0] != prints[2] {
		t.Errorf("fingerprints differ: %q", prints)
	}
}

func reversed(list [][]*model.Tensor) [][]*model.Tensor {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// chain is an image of 3 channels, a convolution of one window that gives
// twice, 32 times and 0 times the first of them, act, and a layer that reads it: a depthwise
// convolution of 1, 1, 1, or one of two channels.
func chain(t *testing.T, act graph.ActKind, depthwise bool) *graph.Graph {
	t.Helper()
	value := func(x []float32, name string, dims ...int64) *graph.Value {
		v, err := constant(name, x, dims...)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	x := &graph.Value{Name: "x", DType: model.FP32, Dims: []int64{-1, 3, 16, 16}}
	conv := func(name string, op *graph.Conv, in, w, b *graph.Value) *graph.Layer {
		op.Strides, op.Dilations = [2]int{1, 1}, [2]int{1, 1}
		l := &graph.Layer{Name: name, Op: op, In: []*graph.Value{in, w, b, nil}}
		l.Out = []*graph.Value{{Name: name, DType: model.FP32, Producer: l}}
		return l
	}
	first := conv("y", &graph.Conv{Groups: 1, Act: graph.Activation{Kind: act, Beta: 6}}, x,
		value([]float32{2, 0, 0, 32, 0, 0, 0, 0, 0}, "w", 3, 3, 1, 1), value([]float32{1, 1, 0}, "b", 3))
	second := conv("z", &graph.Conv{Groups: 1}, first.Out[0], value([]float32{1, 2, 3, 4, 5, 6}, "v", 2, 3, 1, 1), nil)
	if depthwise {
		second = conv("z", &graph.Conv{Groups: 3}, first.Out[0], value([]float32{1, 2, 3}, "v", 3, 1, 1, 1), nil)
	}
	return &graph.Graph{Name: "chain", Inputs: []*graph.Value{x}, Layers: []*graph.Layer{first, second},
		Outputs: []graph.Output{{Name: "z", Value: second.Out[0]}}}
}

// The first channel is a 16th of the second, but for the bias, and the third is
// dead: factors of exponent 0.5 are 4 or nearly, 1, and the most there is.
func TestEqualiserFactors(t *testing.T) {
	for _, c := range []struct {
		name      string
		act       graph.ActKind
		depthwise bool
		w, b, v   []float32
		tensors   int
	}{
		{"relu", graph.ActReLU, false, []float32{8, 0, 0, 32, 0, 0, 0, 0, 0}, []float32{4, 1, 0}, []float32{0.25, 2, 3. / 16, 1, 5, 6. / 16}, 1},
		{"depthwise", graph.ActNone, true, []float32{8, 0, 0, 32, 0, 0, 0, 0, 0}, []float32{4, 1, 0}, []float32{0.25, 2, 3. / 16}, 1},
		{"relu6", graph.ActClip, false, []float32{2, 0, 0, 32, 0, 0, 0, 0, 0}, []float32{1, 1, 0}, []float32{1, 2, 3, 4, 5, 6}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := graph.ToModel(chain(t, c.act, c.depthwise), graph.FormFused)
			if err != nil {
				t.Fatal(err)
			}
			e := newTestEqualiser(t, m)
			x := make([]float32, 3*16*16)
			x[7] = 1000 // beside which the biases, and the rest of the first image, are small
			in, err := model.Float32Tensor(x, 1, 3, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Sample(t.Context(), []*model.Tensor{in}); err != nil {
				t.Fatal(err)
			}
			if e.Tensors() != c.tensors {
				t.Errorf("%d tensors, want %d", e.Tensors(), c.tensors)
			}
			n, err := e.Model(0.5)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string][]float32{"w": c.w, "b": c.b, "v": c.v} {
				// The bias makes the first channel 2001 against 32001.
				if diff := cmp.Diff(want, n.Params[name].Float32s(), cmp.Comparer(func(a, b float32) bool {
					return math.Abs(float64(a-b)) <= 5e-4*math.Abs(float64(a))
				})); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestEqualiserRefuses(t *testing.T) {
	e := newTestEqualiser(t, asModel(t, "resnet"))
	if _, err := e.Model(0.5); !errors.Is(err, ErrNoSamples) {
		t.Errorf("before the first sample: %v, want ErrNoSamples", err)
	}
	bad := images(t, 1, 1, 2)[0]
	bad[0].Float32s()[3] = float32(math.NaN())
	if err := e.Sample(t.Context(), bad); !errors.Is(err, ErrNotFinite) {
		t.Errorf("a NaN: %v, want ErrNotFinite", err)
	}
	if _, err := e.Model(0.5); !errors.Is(err, ErrNoSamples) {
		t.Errorf("after a batch that failed: %v, want ErrNoSamples", err)
	}
	if err := e.Sample(t.Context(), images(t, 1, 1, 2)[0]); err != nil {
		t.Fatal(err)
	}
	for _, exponent := range []float64{0, -1, 1.01, math.NaN()} {
		if _, err := e.Model(exponent); !errors.Is(err, ErrOptions) {
			t.Errorf("exponent %g: %v, want ErrOptions", exponent, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Sample(t.Context(), images(t, 1, 1, 2)[0]); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v, want ErrClosed", err)
	}
}
