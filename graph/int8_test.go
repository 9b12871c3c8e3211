package graph_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/internal/refrun"
	"github.com/octet-dnn/octet/model"
)

// quantizedNet is a small INT8 network by hand: an image is quantised, two
// convolutions with a residual, a pool, two fully connected layers, of which the
// last has a real result.
//
//	x -> q(s8) -> a(u8, relu) -> b(u8, relu6, + residual a) -> p(u8) -> h(u8, relu) -> f(f32) -> softmax
func quantizedNet(t testing.TB) *graph.Graph {
	n := newNet()
	constant := func(name string, dims ...int64) *graph.Value {
		n.param(name, -.5, dims...)
		return &graph.Value{Name: name, DType: model.FP32, Dims: dims, Const: n.m.Params[name]}
	}
	value := func(name string, dt model.DType) *graph.Value { return &graph.Value{Name: name, DType: dt} }
	g := &graph.Graph{Name: "quantised"}
	x := &graph.Value{Name: "x", DType: model.FP32, Dims: []int64{-1, 3, 8, 8}}
	last := x
	add := func(op graph.Op, out *graph.Value, more ...*graph.Value) {
		l := &graph.Layer{Name: out.Name, Op: op, In: append([]*graph.Value{last}, more...), Out: []*graph.Value{out}}
		out.Producer = l
		g.Layers = append(g.Layers, l)
		last = out
	}
	conv := func(q graph.Int8, act graph.Activation) *graph.Conv {
		q.ScaleWeights = []float32{250, 251, 252, 253}
		return &graph.Conv{Strides: [2]int{1, 1}, Dilations: [2]int{1, 1}, Pads: [4]int{1, 1, 1, 1}, Groups: 1, Act: act, Int8: &q}
	}
	relu := graph.Activation{Kind: graph.ActReLU}
	relu6 := graph.Activation{Kind: graph.ActClip, Beta: 6}
	a := value("a", model.UInt8)
	add(&graph.Quantize{Scale: 40}, value("q", model.Int8))
	add(conv(graph.Int8{ScaleIn: 40, ScaleOut: 60, ScaleInEltwise: 1}, relu), a, constant("wa", 4, 3, 3, 3), constant("ba", 4), nil)
	add(conv(graph.Int8{ScaleIn: 60, ScaleOut: 42.5, ScaleInEltwise: 60}, relu6), value("b", model.UInt8), constant("wb", 4, 4, 3, 3), constant("bb", 4), a)
	add(&graph.Pool{Type: graph.AvgPoolExclusive, Global: true, Strides: [2]int{1, 1}}, value("p", model.UInt8))
	add(&graph.FC{NumColDims: 1, Act: relu, Int8: &graph.Int8{ScaleIn: 42.5, ScaleOut: 80, ScaleInEltwise: 1, ScaleWeights: []float32{200}}},
		value("h", model.UInt8), constant("wh", 4, 6), nil)
	add(&graph.FC{NumColDims: 1, Int8: &graph.Int8{ScaleIn: 80, ScaleOut: 1, ScaleInEltwise: 1, ScaleWeights: []float32{127}, ForceFP32: true}},
		value("f", model.FP32), constant("wf", 6, 5), constant("bf", 5))
	add(&graph.Softmax{Axis: -1}, value("s", model.FP32))
	g.Inputs = []*graph.Value{x}
	g.Outputs = []graph.Output{{Name: "out", Value: last}}
	if err := graph.Check(g); err != nil {
		t.Fatal(err)
	}
	return g
}

func layer(g *graph.Graph, name string) *graph.Layer {
	for _, l := range g.Layers {
		if l.Name == name {
			return l
		}
	}
	panic("no layer " + name)
}

// TestInt8RoundTrip saves an INT8 graph in both forms: what is loaded computes
// the same bytes in every layer.
func TestInt8RoundTrip(t *testing.T) {
	g := quantizedNet(t)
	x := ref.NewTensor(ref.F32, 2, 3, 8, 8)
	for i := range x.Data {
		x.Data[i] = float64(float32(i%37)/9 - 2)
	}
	want, err := refrun.Run(g, []*ref.Tensor{x})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []graph.Form{graph.FormFused, graph.FormV13} {
		m, err := graph.ToModel(g, form)
		if err != nil {
			t.Fatal(err)
		}
		again, err := graph.Build(m)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g.String(), again.String()); diff != "" {
			t.Errorf("%v (-before +after):\n%s", form, diff)
		}
		got, err := refrun.Run(again, []*ref.Tensor{x})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range g.Layers {
			if diff := cmp.Diff(want[l.Out[0]], got[layer(again, l.Name).Out[0]]); diff != "" {
				t.Errorf("%v: %s (-before +after):\n%s", form, l.Name, diff)
			}
		}
	}
}

// TestSumBesideINT8 writes sums of which an operand comes from an INT8 layer with
// a real result: the fused form spells them so that Paddle's passes leave them
// alone, and they come back as they were.
func TestSumBesideINT8(t *testing.T) {
	for _, tt := range []struct {
		form graph.Form
		op   string
	}{{graph.FormFused, "sum"}, {graph.FormV13, "elementwise_add"}} {
		g := quantizedNet(t)
		f := layer(g, "f").Out[0]
		twice := &graph.Value{Name: "twice", DType: model.FP32}
		twice.Producer = &graph.Layer{Name: "twice", Op: &graph.Binary{Type: graph.Add, Axis: -1, Act: graph.Activation{Kind: graph.ActReLU}},
			In: []*graph.Value{f, f}, Out: []*graph.Value{twice}}
		end := len(g.Layers) - 1
		g.Layers = slices.Insert(g.Layers, end, twice.Producer)
		g.Layers[end+1].In[0] = twice
		m, err := graph.ToModel(g, tt.form)
		if err != nil {
			t.Fatal(err)
		}
		ops := m.Program.Blocks[0].Ops
		if !slices.ContainsFunc(ops, func(op *model.Op) bool { return op.Type == tt.op && slices.Contains(op.Inputs[0].Args, "f") }) {
			t.Errorf("%v: no %s of f", tt.form, tt.op)
		}
		again, err := graph.Build(m)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g.String(), again.String()); diff != "" {
			t.Errorf("%v (-before +after):\n%s", tt.form, diff)
		}
	}
}

// TestFCApart writes INT8 fully connected layers with relu in a row, the first
// over a map: Paddle needs ops in front of both.
func TestFCApart(t *testing.T) {
	g := quantizedNet(t)
	relu := graph.Activation{Kind: graph.ActReLU}
	layer(g, "p").Op.(*graph.Pool).Global, layer(g, "p").Op.(*graph.Pool).Kernel = false, [2]int{7, 7} // 2x2 are left
	layer(g, "h").In[1].Dims = []int64{16, 6}
	weights, err := model.Float32Tensor(make([]float32, 16*6), 16, 6)
	if err != nil {
		t.Fatal(err)
	}
	layer(g, "h").In[1].Const = weights
	f := layer(g, "f")
	f.Op.(*graph.FC).Act = relu
	m, err := graph.ToModel(g, graph.FormFused)
	if err != nil {
		t.Fatal(err)
	}
	if ops, want := spelled(m), "pool2d reshape2 fc assign fc "; !strings.Contains(ops, want) {
		t.Errorf("got %s\nwant %s", ops, want)
	}
	again, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g.String(), again.String()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestUnsayable changes the network into what no Paddle program can say.
func TestUnsayable(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*graph.Graph)
		text  string
	}{
		{"relu over s8 without saturation", func(g *graph.Graph) {
			addS8(g)
			layer(g, "b").In[3] = layer(g, "q2").Out[0]
		}, "without saturation at 127"},
		{"s8 behind relu", func(g *graph.Graph) {
			layer(g, "a").Out[0].DType = model.Int8
			layer(g, "b").In[3] = nil
		}, "Paddle's rule gives uint8"},
		{"real result with residual", func(g *graph.Graph) {
			layer(g, "b").Op.(*graph.Conv).Int8.ForceFP32 = true
			layer(g, "b").Out[0].DType = model.FP32
		}, "float32 result"},
		{"saturation without residual", func(g *graph.Graph) {
			layer(g, "a").Op.(*graph.Conv).Int8.SaturateS8 = true
		}, "saturation at 127 cannot"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := quantizedNet(t)
			tt.spoil(g)
			_, err := graph.ToModel(g, graph.FormFused)
			if !errors.Is(err, graph.ErrUnsupported) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got error %v, want one that says %q", err, tt.text)
			}
		})
	}
}

// addS8 puts a convolution q2 without activation, which gives s8, behind q.
func addS8(g *graph.Graph) {
	a := layer(g, "a")
	out := &graph.Value{Name: "q2", DType: model.Int8}
	l := &graph.Layer{Name: "q2", In: append([]*graph.Value{}, a.In...), Out: []*graph.Value{out}}
	op := *a.Op.(*graph.Conv)
	q := *op.Int8
	op.Act, op.Int8 = graph.Activation{}, &q
	l.Op, out.Producer = &op, l
	g.Layers = append(g.Layers[:1:1], append([]*graph.Layer{l}, g.Layers[1:]...)...)
}

// TestCheck breaks each rule of a well-formed graph.
func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*graph.Graph)
		text  string
	}{
		{"input scale", func(g *graph.Graph) { layer(g, "b").Op.(*graph.Conv).Int8.ScaleIn = 61 }, "input scale of 61"},
		{"residual scale", func(g *graph.Graph) { layer(g, "b").Op.(*graph.Conv).Int8.ScaleInEltwise = 61 }, "residual scale of 61"},
		{"scale through the pool", func(g *graph.Graph) { layer(g, "h").Op.(*graph.FC).Int8.ScaleIn = 43 }, "input scale of 43"},
		{"type through the pool", func(g *graph.Graph) { layer(g, "p").Out[0].DType = model.Int8 }, `output "p" is int8`},
		{"integers at softmax", func(g *graph.Graph) { layer(g, "s").In[0] = layer(g, "p").Out[0] }, "knows no integers"},
		{"real result that is not", func(g *graph.Graph) { layer(g, "f").Out[0].DType = model.UInt8 }, "instead of float32"},
		{"order", func(g *graph.Graph) { g.Layers[1], g.Layers[2] = g.Layers[2], g.Layers[1] }, "is not computed before"},
		{"two of a name", func(g *graph.Graph) { layer(g, "p").Out[0].Name = "b" }, `two values are called "b"`},
		{"layer name", func(g *graph.Graph) { layer(g, "p").Name = "pool" }, `"pool" is not called after`},
		{"producer", func(g *graph.Graph) { layer(g, "p").Out[0].Producer = layer(g, "b") }, "not its own"},
		{"output", func(g *graph.Graph) { g.Outputs[0].Value = &graph.Value{Name: "ghost"} }, `output "out" is not computed`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := quantizedNet(t)
			tt.spoil(g)
			if err := graph.Check(g); !errors.Is(err, graph.ErrGraph) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got error %v, want one that says %q", err, tt.text)
			}
		})
	}
}

// TestClone changes a clone in every way that quantisation does and looks for
// traces in the original.
func TestClone(t *testing.T) {
	g := quantizedNet(t)
	before := g.String()
	c := g.Clone()
	if diff := cmp.Diff(before, c.String()); diff != "" {
		t.Errorf("the clone differs (-want +got):\n%s", diff)
	}
	if err := graph.Check(c); err != nil {
		t.Error(err)
	}
	for _, l := range c.Layers {
		if op, ok := l.Op.(*graph.Conv); ok {
			op.Int8.ScaleIn, op.Int8.ScaleWeights[0], op.Act.Beta = 1, 1, 1
			op.Int8 = nil
		}
		l.Name += "!"
		l.Out[0].Name, l.Out[0].DType = l.Name, model.Int32
		l.In[0] = nil
	}
	c.Inputs[0].Dims[0] = 7
	c.Outputs[0].Value.Producer = nil
	if diff := cmp.Diff(before, g.String()); diff != "" {
		t.Errorf("the original changed with the clone (-before +after):\n%s", diff)
	}
	if w := layer(g, "a").Op.(*graph.Conv).Int8.ScaleWeights[0]; w != 250 {
		t.Errorf("a weight scale of the original became %v", w)
	}
}

// TestMACs counts by hand: 8·8·4 outputs of 27 products, of 36, 6 of 4 and 5
// of 6.
func TestMACs(t *testing.T) {
	g := quantizedNet(t)
	shapes, err := g.InputShapes(3)
	if err != nil {
		t.Fatal(err)
	}
	got, err := graph.MACs(g, shapes)
	const want = 3 * (256*27 + 256*36 + 6*4 + 5*6)
	if err != nil || got != want {
		t.Errorf("got %d multiplications (%v), want %d", got, err, want)
	}
}

// TestDump is what octet inspect prints.
func TestDump(t *testing.T) {
	const want = `quantised
input     x    1x3x8x8  f32        
quantize  q    1x3x8x8  s8         scale 40
conv      a    1x4x8x8  u8   6912  3x3, relu, int8 in 40, out 60
conv      b    1x4x8x8  u8   9216  3x3, + a, clip(0, 6), int8 in 60, residual 60, out 42.5
pool      p    1x4x1x1  u8         avg, global
fc        h    1x6      u8   24    relu, int8 in 42.5, out 80
fc        f    1x5      f32  30    int8 in 80, out real
softmax   s    1x5      f32        
output    out  1x5      f32        <- s
7 layers, 16182 multiplications at this size
`
	if diff := cmp.Diff(want, quantizedNet(t).String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
