package budget

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/internal/refrun"
	"github.com/octet-dnn/octet/internal/smallnets"
	"github.com/octet-dnn/octet/model"
)

// A refRunner is a calibrate.Runner in plain Go.
type refRunner struct {
	g     *graph.Graph
	watch []string
}

func newRefRunner(g *graph.Graph, watch []string) (calibrate.Runner, error) {
	return &refRunner{g, watch}, nil
}

func (r *refRunner) Run(ctx context.Context, in []*model.Tensor, observe func(calibrate.Activation) error) ([]*model.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var inputs []*ref.Tensor
	for _, t := range in {
		var dims []int
		for _, d := range t.Dims {
			dims = append(dims, int(d))
		}
		x := ref.NewTensor(ref.F32, dims...)
		for i, v := range t.Float32s() {
			x.Data[i] = float64(v)
		}
		inputs = append(inputs, x)
	}
	values, err := refrun.Run(r.g, inputs)
	if err != nil {
		return nil, err
	}
	for v := range r.g.Values() {
		if slices.Contains(r.watch, v.Name) {
			n, x := values[v].Dims[0], narrow(values[v].Data)
			for i := range n {
				dims := append([]int{1}, values[v].Dims[1:]...)
				if err := observe(calibrate.Activation{Name: v.Name, Image: i, Dims: dims, Data: x[i*len(x)/n : (i+1)*len(x)/n]}); err != nil {
					return nil, err
				}
			}
		}
	}
	var out []*model.Tensor
	for _, o := range r.g.Outputs {
		var dims []int64
		for _, d := range values[o.Value].Dims {
			dims = append(dims, int64(d))
		}
		t, err := model.Float32Tensor(narrow(values[o.Value].Data), dims...)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (r *refRunner) Close() error { return nil }

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// images makes seeded inputs of the small nets.
func images(t testing.TB, n int) []*model.Tensor {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 3))
	x := make([]float32, n*3*16*16)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	tensor, err := model.Float32Tensor(x, int64(n), 3, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return []*model.Tensor{tensor}
}

// spoil multiplies the weights and the bias of one output channel of a layer by 4000, and
// divides what reads that channel by as much: FP32 computes the same, while one scale for
// the layer's tensor leaves the other channels no levels. Both layers are plain
// convolutions with relu between.
func spoil(t testing.TB, g *graph.Graph, layer, reader string) {
	t.Helper()
	const factor = 4000
	weights := func(name string) *graph.Layer {
		for _, l := range g.Layers {
			if l.Name == name {
				return l
			}
		}
		t.Fatalf("no layer %q", name)
		return nil
	}
	scale := func(v *graph.Value, by float32, pick func(i int) bool) {
		for i, x := range v.Const.Float32s() {
			if pick(i) {
				v.Const.Float32s()[i] = x * by
			}
		}
	}
	a, b := weights(layer), weights(reader)
	row := a.In[1].Const.Len() / int(a.In[1].Const.Dims[0])
	scale(a.In[1], factor, func(i int) bool { return i < row })
	scale(a.In[2], factor, func(i int) bool { return i == 0 })
	channels, taps := int(b.In[1].Const.Dims[1]), int(b.In[1].Const.Dims[2]*b.In[1].Const.Dims[3])
	scale(b.In[1], 1.0/factor, func(i int) bool { return i/taps%channels == 0 })
}

// A fixture is a network with all that a Job needs, and counts of what was asked.
type fixture struct {
	c         *calibrate.Calibrator
	fp32      *graph.Graph
	in        []*model.Tensor
	reference []float32
	classes   int
	evaluated int
}

func newFixture(t testing.TB, name string, change func(*graph.Graph)) *fixture {
	t.Helper()
	g := smallnets.All()[name](t)
	if change != nil {
		change(g)
	}
	m, err := graph.ToModel(g, graph.FormFused)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{in: images(t, 6)}
	if f.c, err = calibrate.New(m, calibrate.Options{Runner: newRefRunner}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.c.Close() })
	if _, err := f.c.Sample(t.Context(), f.in); err != nil {
		t.Fatal(err)
	}
	if f.fp32, err = graph.Build(m); err != nil {
		t.Fatal(err)
	}
	f.reference = f.rows(t, f.fp32)
	return f
}

func (f *fixture) rows(t testing.TB, g *graph.Graph) []float32 {
	t.Helper()
	out, err := runOnce(t.Context(), newRefRunner, g, f.in)
	if err != nil {
		t.Fatal(err)
	}
	rows, classes := eval.Probabilities(out, int(f.in[0].Dims[0]))
	f.classes = classes
	return rows
}

func (f *fixture) quantize(fp32 []string) (*graph.Graph, error) {
	if err := f.c.LeaveFP32(fp32...); err != nil {
		return nil, err
	}
	return f.c.INT8Graph()
}

// price charges a millisecond for each FP32 layer of g, the first apart.
func (f *fixture) price(_ context.Context, g *graph.Graph) (Price, error) {
	p := Price{Base: time.Second}
	first := true
	for _, l := range g.Layers {
		switch l.Op.(type) {
		case *graph.Conv, *graph.FC:
			if !first && !isINT8(l) {
				p.Extra += time.Millisecond
			}
			first = false
		}
	}
	return p, nil
}

func isINT8(l *graph.Layer) bool {
	switch op := l.Op.(type) {
	case *graph.Conv:
		return op.Int8 != nil
	case *graph.FC:
		return op.Int8 != nil
	}
	return false
}

// evaluate compares g with FP32 on all images of the fixture.
func (f *fixture) evaluate(t testing.TB) func(context.Context, *graph.Graph) (Verdict, error) {
	return func(ctx context.Context, g *graph.Graph) (Verdict, error) {
		if err := ctx.Err(); err != nil {
			return Verdict{}, err
		}
		f.evaluated++
		rows := f.rows(t, g)
		v := Verdict{}
		for ; v.Images*f.classes < len(rows); v.Images++ {
			a, b := f.reference[v.Images*f.classes:][:f.classes], rows[v.Images*f.classes:][:f.classes]
			if eval.Top(a, 1)[0] == eval.Top(b, 1)[0] {
				v.Agree++
			}
			v.MeanKL += eval.Divergence(a, b)
		}
		v.MeanKL /= float64(v.Images)
		return v, nil
	}
}

func (f *fixture) job(t testing.TB, l Limits) *Job {
	return &Job{
		Graph: f.fp32, Layers: f.c.Layers(), Quantize: f.quantize, Runner: newRefRunner, Probes: f.in,
		Price: f.price, Evaluate: f.evaluate(t), Limits: l, State: NewState(Keys{}),
	}
}

func ptr(x float64) *float64 { return &x }

var errKilled = errors.New("killed")

// killAfter fails the n-th save.
func killAfter(n int, saved *[]byte) func(*State) error {
	return func(s *State) error {
		var err error
		if *saved, err = text(s); err != nil {
			return err
		}
		if n--; n < 0 {
			return fmt.Errorf("save: %w", errKilled)
		}
		return nil
	}
}
