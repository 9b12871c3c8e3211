package infer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/refrun"
	"github.com/octet-dnn/octet/model"
)

// hostNet is resize → conv → resize → conv with the outer ends and the middle
// resized on grids that only Octet's own kernels know.
func hostNet(t testing.TB) *graph.Graph {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	value := func(name string) *graph.Value { return &graph.Value{Name: name, DType: model.FP32} }
	filter := func(name string, dims ...int64) *graph.Value {
		x := make([]float32, dims[0]*dims[1]*dims[2]*dims[3])
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		w, err := model.Float32Tensor(x, dims...)
		if err != nil {
			t.Fatal(err)
		}
		return &graph.Value{Name: name, DType: model.FP32, Dims: dims, Const: w}
	}
	g := &graph.Graph{Name: "host"}
	x := value("image")
	x.Dims = []int64{-1, 3, 7, 9}
	g.Inputs = []*graph.Value{x}
	add := func(name string, op graph.Op, in ...*graph.Value) *graph.Value {
		y := value(name)
		y.Producer = &graph.Layer{Name: name, Op: op, In: in, Out: []*graph.Value{y}}
		g.Layers = append(g.Layers, y.Producer)
		return y
	}
	conv := func() graph.Op { return &graph.Conv{Strides: [2]int{1, 1}, Dilations: [2]int{1, 1}, Groups: 1} }
	x = add("first", &graph.Resize{OutH: 11, OutW: 12, AlignCorners: true}, x)
	x = add("c1", conv(), x, filter("w1", 8, 3, 3, 3), nil, nil)
	x = add("middle", &graph.Resize{Nearest: true, OutH: 13, OutW: 7}, x)
	x = add("c2", conv(), x, filter("w2", 4, 8, 1, 1), nil, nil)
	x = add("last", &graph.Resize{OutH: 5, OutW: 20, AlignMode: 1}, x)
	g.Outputs = []graph.Output{{Name: "last", Value: x}}
	return g
}

// TestHostSteps runs a plan of chains and steps in Go, cut in every way,
// against exact kernels.
func TestHostSteps(t *testing.T) {
	g := hostNet(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, o := range []Options{{}, {Streams: 1, Threads: 1, MicroBatch: 1}, {Streams: 1, MicroBatch: 4}} {
		for _, n := range []int64{1, 5} {
			t.Run(fmt.Sprintf("%+v/batch=%d", o, n), func(t *testing.T) {
				x := make([]float32, n*3*7*9)
				for i := range x {
					x[i] = float32(rng.NormFloat64())
				}
				in, err := model.Float32Tensor(x, n, 3, 7, 9)
				if err != nil {
					t.Fatal(err)
				}
				p, err := Compile(g, o)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				out, err := p.Run(t.Context(), []*model.Tensor{in})
				if err != nil {
					t.Fatal(err)
				}
				want, err := refrun.Run(g, refs(in))
				if err != nil {
					t.Fatal(err)
				}
				compareReference(t, "last", reference(out[0]), want[g.Outputs[0].Value])
			})
		}
	}
}

// TestSegments checks that only steps in Go cut a plan into several cgo calls:
// three of them lie between reorders and convolutions here.
func TestSegments(t *testing.T) {
	for _, test := range []struct {
		name  string
		graph *graph.Graph
		want  int
	}{{"tiny", tinyGraph(t), 1}, {"host", hostNet(t), 7}} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Compile(test.graph, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			dims := test.graph.Inputs[0].Dims
			w := newStream(p, 0)
			defer w.close()
			in, err := w.instance(planKey{&family{shapes: []graph.Shape{toInts(append([]int64{2}, dims[1:]...))}}, 2, 1})
			if err != nil {
				t.Fatal(err)
			}
			if len(in.segments) != test.want {
				t.Errorf("%d segments, want %d", len(in.segments), test.want)
			}
		})
	}
}
