package infer

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/internal/refrun"
	"github.com/octet-dnn/octet/internal/smallnets"
	"github.com/octet-dnn/octet/model"
)

// TestQuantisedAgainstReference quantises the demo nets in every way that
// changes the graph and computes each layer again, from the same inputs, with
// exact kernels in plain Go.
func TestQuantisedAgainstReference(t *testing.T) {
	needExactINT8(t)
	for _, net := range []string{"resnet", "mobilenet"} {
		for name, o := range map[string]calibrate.Options{
			"default":      {},
			"first conv":   {FirstConvINT8: true},
			"fc fp32":      {FP32FullyConnected: true},
			"average int8": {INT8AveragePool: true},
			"s8 residuals": {Residual: calibrate.ResidualS8},
			"paddle 1.3":   {Residual: calibrate.ResidualPaddle13, Compat: calibrate.Paddle13},
		} {
			t.Run(net+"/"+name, func(t *testing.T) {
				m, err := model.Load(filepath.Join("..", "testdata", "demo", net))
				if err != nil {
					t.Fatal(err)
				}
				checkQuantised(t, m, 48, o)
			})
		}
	}
	for name, build := range smallnets.All() {
		for option, o := range map[string]calibrate.Options{"default": {}, "first conv": {FirstConvINT8: true}} {
			t.Run(name+"/"+option, func(t *testing.T) {
				m, err := graph.ToModel(build(t), graph.FormFused)
				if err != nil {
					t.Fatal(err)
				}
				checkQuantised(t, m, 16, o)
			})
		}
	}
}

// checkQuantised compares for pictures of size×size.
func checkQuantised(t *testing.T, m *model.Model, size int, o calibrate.Options) {
	t.Helper()
	in, refs := demoInputs(t, m, size)
	g := quantised(t, m, in, o)
	fused := run(t, g, in)
	fetched := len(g.Outputs)
	fetchAll(g)
	all := run(t, g, in)
	// What is fused gives the same numbers, up to the last bits of FP32 sums.
	for i, o := range g.Outputs[:fetched] {
		if msg := compare(fused[i], all[i], 1e-4); msg != "" {
			t.Errorf("%s with fused layers: %s", o.Name, msg)
		}
	}
	values := map[*graph.Value]*ref.Tensor{}
	for i, v := range g.Inputs {
		values[v] = refs[i]
	}
	for i, o := range g.Outputs[fetched:] {
		values[o.Value] = reference(all[fetched+i])
	}
	for _, l := range g.Layers {
		checkLayer(t, l, values)
	}
}

func run(t *testing.T, g *graph.Graph, in []*model.Tensor) []*model.Tensor {
	t.Helper()
	return runGraph(t, g, Options{}, in)
}

func runGraph(t *testing.T, g *graph.Graph, o Options, in []*model.Tensor) []*model.Tensor {
	t.Helper()
	p, err := Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// fetchAll makes every value that oneDNN computes an output.
func fetchAll(g *graph.Graph) {
	for _, l := range g.Layers {
		if onHost(l, nil) {
			continue
		}
		for _, v := range l.Out {
			g.Outputs = append(g.Outputs, graph.Output{Name: v.Name, Value: v})
		}
	}
}

// checkLayer computes one layer from values by exact kernels and compares.
func checkLayer(t *testing.T, l *graph.Layer, values map[*graph.Value]*ref.Tensor) {
	t.Helper()
	got := values[l.Out[0]]
	if got == nil {
		return
	}
	alone := *l
	alone.In = slices.Clone(l.In)
	one := &graph.Graph{Name: l.Name, Layers: []*graph.Layer{&alone}, Outputs: []graph.Output{{Name: l.Name, Value: l.Out[0]}}}
	var in []*ref.Tensor
	for i, v := range l.In {
		if v != nil && v.Const == nil {
			x := &graph.Value{Name: v.Name, DType: v.DType}
			for _, d := range values[v].Dims {
				x.Dims = append(x.Dims, int64(d))
			}
			alone.In[i] = x
			one.Inputs, in = append(one.Inputs, x), append(in, values[v])
		}
	}
	want, err := refrun.Run(one, in)
	if err != nil {
		t.Errorf("%s: %v", l.Name, err)
		return
	}
	compareReference(t, l.Op.Kind()+" "+l.Name, got, want[l.Out[0]])
}

// reference copies a tensor.
func reference(x *model.Tensor) *ref.Tensor {
	types := map[model.DType]ref.DType{model.FP32: ref.F32, model.UInt8: ref.U8, model.Int8: ref.S8}
	r := ref.NewTensor(types[x.DType], toInts(x.Dims)...)
	for i := range r.Data {
		switch x.DType {
		case model.FP32:
			r.Data[i] = float64(x.Float32s()[i])
		case model.UInt8:
			r.Data[i] = float64(x.Data[i])
		case model.Int8:
			r.Data[i] = float64(int8(x.Data[i]))
		}
	}
	return r
}

func refs(in ...*model.Tensor) []*ref.Tensor {
	var all []*ref.Tensor
	for _, x := range in {
		all = append(all, reference(x))
	}
	return all
}

func demoInputs(t *testing.T, m *model.Model, size int) ([]*model.Tensor, []*ref.Tensor) {
	t.Helper()
	const n = 3
	rng := rand.New(rand.NewPCG(9, 9))
	var in []*model.Tensor
	var refs []*ref.Tensor
	for _, name := range m.Program.Feeds() {
		if m.Program.Blocks[0].Var(name).DType == model.Int64 {
			labels, err := model.Int64Tensor([]int64{1, 2, 3}, n, 1)
			if err != nil {
				t.Fatal(err)
			}
			r := ref.NewTensor(ref.S32, n, 1)
			copy(r.Data, []float64{1, 2, 3})
			in, refs = append(in, labels), append(refs, r)
			continue
		}
		r := ref.NewTensor(ref.F32, n, 3, size, size)
		x := make([]float32, len(r.Data))
		for i := range x {
			x[i] = float32(rng.NormFloat64())
			r.Data[i] = float64(x[i])
		}
		images, err := model.Float32Tensor(x, n, 3, int64(size), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		in, refs = append(in, images), append(refs, r)
	}
	return in, refs
}

// compareReference holds integers to the exact ones, but for ties: computed in
// single precision, one value in ten thousand may round the other way. Reals
// may differ by what float32 sums of some thousand products do.
func compareReference(t *testing.T, name string, got, want *ref.Tensor) {
	t.Helper()
	top, off := 0.0, 0
	for _, v := range want.Data {
		top = max(top, math.Abs(v))
	}
	for i, w := range want.Data {
		d := math.Abs(got.Data[i] - w)
		if got.DType == ref.F32 && d > 1e-4*top || got.DType != ref.F32 && d > 1 {
			t.Errorf("%s: element %d is %v, want %v", name, i, got.Data[i], w)
			return
		}
		if got.DType != ref.F32 && d > 0 {
			off++
		}
	}
	if off > max(len(want.Data)/10000, 1) {
		t.Errorf("%s: %d of %d integers are one level off", name, off, len(want.Data))
	}
}
