package graph_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sbinet/npyio"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/internal/refdata"
	"github.com/octet-dnn/octet/internal/refrun"
	"github.com/octet-dnn/octet/model"
)

// snap moves all scales to ones that the QDQ form can say, as the calibrator does.
func snap(g *graph.Graph) {
	levels := func(v *graph.Value) int {
		if v.DType == model.UInt8 {
			return math.MaxUint8
		}
		return math.MaxInt8
	}
	layer := func(q *graph.Int8, l *graph.Layer) {
		if q == nil {
			return
		}
		q.ScaleIn = graph.SnapScale(q.ScaleIn, levels(l.In[0]))
		if len(l.In) > 3 && l.In[3] != nil {
			q.ScaleInEltwise = graph.SnapScale(q.ScaleInEltwise, levels(l.In[3]))
		}
		if !q.ForceFP32 {
			q.ScaleOut = graph.SnapScale(q.ScaleOut, levels(l.Out[0]))
		} else {
			q.ScaleOut = 1 // has no meaning
		}
		for i, s := range q.ScaleWeights {
			q.ScaleWeights[i] = graph.SnapScale(s, math.MaxInt8)
		}
	}
	for _, l := range g.Layers {
		switch op := l.Op.(type) {
		case *graph.Conv:
			layer(op.Int8, l)
		case *graph.FC:
			layer(op.Int8, l)
		case *graph.Quantize:
			op.Scale = graph.SnapScale(op.Scale, levels(l.Out[0]))
		case *graph.Dequantize:
			op.Scale = graph.SnapScale(op.Scale, levels(l.In[0]))
		case *graph.Requantize:
			op.ScaleIn = graph.SnapScale(op.ScaleIn, levels(l.In[0]))
			op.ScaleOut = graph.SnapScale(op.ScaleOut, levels(l.Out[0]))
		}
	}
}

func npyTensor(t testing.TB, file string) *ref.Tensor {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := npyio.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var x []float32
	if err := r.Read(&x); err != nil {
		t.Fatal(err)
	}
	out := ref.NewTensor(ref.F32, r.Header.Descr.Shape...)
	for i, v := range x {
		out.Data[i] = float64(v)
	}
	return out
}

// sameIntegers runs both graphs and compares every tensor they have in common,
// by name, to the bit.
func sameIntegers(t *testing.T, a, b *graph.Graph, in ...*ref.Tensor) {
	t.Helper()
	want, err := refrun.Run(a, in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := refrun.Run(b, in)
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*ref.Tensor)
	for v, x := range got {
		byName[v.Name] = x
	}
	for _, l := range a.Layers {
		if diff := cmp.Diff(want[l.Out[0]], byName[l.Out[0].Name]); diff != "" {
			t.Errorf("%s (-before +after):\n%s", l.Name, diff)
		}
	}
}

// throughQDQ writes g as FormQDQ and builds the program again. Weights are s8
// then, and no conversion between two INT8 layers is left.
func throughQDQ(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	before := g.String()
	m, err := graph.ToModel(g, graph.FormQDQ)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, g.String()); diff != "" {
		t.Errorf("export changed the graph (-before +after):\n%s", diff)
	}
	again, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := graph.Check(again); err != nil {
		t.Error(err)
	}
	return again
}

// TestQDQRoundTrip writes INT8 networks in the QDQ form: what is loaded is the
// same layers with the same integers in and between them.
func TestQDQRoundTrip(t *testing.T) {
	t.Run("by hand", func(t *testing.T) {
		g := quantizedNet(t)
		snap(g)
		again := throughQDQ(t, g)
		if diff := cmp.Diff(g.String(), again.String()); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		x := ref.NewTensor(ref.F32, 2, 3, 8, 8)
		for i := range x.Data {
			x.Data[i] = float64(float32(i%37)/9 - 2)
		}
		sameIntegers(t, g, again, x)
	})
	dirs, err := filepath.Glob(filepath.Join(refdata.Path(t, "paddle/fixtures/int8"), "*", "in_*.npy"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, in := range dirs {
		dir := filepath.Dir(in)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m, err := model.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			g, err := graph.Build(m)
			if err != nil {
				t.Fatal(err)
			}
			snap(g)
			if filepath.Base(dir) == "residual_s8_relu" { // saturates at 127
				if _, err := graph.ToModel(g, graph.FormQDQ); !errors.Is(err, graph.ErrUnsupported) {
					t.Errorf("got error %v, want ErrUnsupported", err)
				}
				return
			}
			again := throughQDQ(t, g)
			if diff := cmp.Diff(g.String(), again.String()); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
			sameIntegers(t, g, again, npyTensor(t, in))
		})
	}
}

// TestQDQFixture builds a program that real Paddle's passes turn to INT8 and
// compares with what they computed.
func TestQDQFixture(t *testing.T) {
	dir := refdata.Path(t, "paddle/fixtures/qdq")
	m, err := model.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := graph.Check(g); err != nil {
		t.Error(err)
	}
	t.Log(g)
	var kinds []string
	for _, l := range g.Layers {
		kinds = append(kinds, l.Op.Kind())
		if c, ok := l.Op.(*graph.Conv); ok && c.Int8 == nil {
			t.Errorf("convolution %q is FP32", l.Name)
		}
	}
	if diff := cmp.Diff([]string{"quantize", "conv", "conv", "conv"}, kinds); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	values, err := refrun.Run(g, []*ref.Tensor{npyTensor(t, filepath.Join(dir, "in_0.npy"))})
	if err != nil {
		t.Fatal(err)
	}
	got := values[g.Outputs[0].Value]
	for _, c := range []struct {
		file      string
		tolerance float64
	}{
		{"out_paddle_onednn_int8.npy", 1e-6},
		{"out_qdq_simulated.npy", 0.03},
	} {
		want := npyTensor(t, filepath.Join(dir, c.file))
		worst := 0.0
		for i, x := range want.Data {
			worst = max(worst, math.Abs(x-got.Data[i]))
		}
		t.Logf("%s: largest difference %g", c.file, worst)
		if worst > c.tolerance {
			t.Errorf("%s: largest difference %g, want %g at most", c.file, worst, c.tolerance)
		}
	}
}
