package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/internal/refrun"
	"github.com/octet-dnn/octet/model"
)

// A refRunner is a Runner in plain Go. The hooks, where set, break its contract.
type refRunner struct {
	g      *graph.Graph
	watch  []string
	closed *int
	before func() error                                          // before a run
	show   func(name string, data []float32) (string, []float32) // instead of a value
	skip   string                                                // not shown
}

func newRefRunner(hooks refRunner, made *refRunner) NewRunner {
	return func(g *graph.Graph, watch []string) (Runner, error) {
		r := hooks
		r.g, r.watch = g, watch
		if made != nil {
			*made = r
			return made, nil
		}
		return &r, nil
	}
}

func (r *refRunner) Run(ctx context.Context, in []*model.Tensor, observe func(Activation) error) ([]*model.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.before != nil {
		if err := r.before(); err != nil {
			return nil, err
		}
	}
	values, err := runReference(r.g, in)
	if err != nil {
		return nil, err
	}
	for v := range r.g.Values() {
		if !slices.Contains(r.watch, v.Name) || v.Name == r.skip {
			continue
		}
		name, data := v.Name, narrow(values[v].Data)
		if r.show != nil {
			name, data = r.show(name, data)
		}
		n := values[v].Dims[0]
		dims := append([]int{1}, values[v].Dims[1:]...)
		for _, i := range rand.Perm(n) {
			a := Activation{Name: name, Image: i, Dims: dims, Data: data[i*len(data)/n : (i+1)*len(data)/n]}
			if err := observe(a); err != nil {
				return nil, err
			}
		}
	}
	out := make([]*model.Tensor, len(r.g.Outputs))
	for i, o := range r.g.Outputs {
		t := values[o.Value]
		dims := make([]int64, len(t.Dims))
		for j, d := range t.Dims {
			dims[j] = int64(d)
		}
		if o.Value.DType != model.FP32 { // u8 or s8
			out[i] = &model.Tensor{DType: o.Value.DType, Dims: dims}
			for _, q := range t.Data {
				out[i].Data = append(out[i].Data, byte(int(q)))
			}
			continue
		}
		if out[i], err = model.Float32Tensor(narrow(t.Data), dims...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *refRunner) Close() error {
	if r.closed != nil {
		*r.closed++
	}
	return nil
}

func runReference(g *graph.Graph, in []*model.Tensor) (map[*graph.Value]*ref.Tensor, error) {
	inputs := make([]*ref.Tensor, len(in))
	for i, t := range in {
		var dims []int
		for _, d := range t.Dims {
			dims = append(dims, int(d))
		}
		switch t.DType {
		case model.UInt8:
			inputs[i] = ref.NewTensor(ref.U8, dims...)
		case model.Int8:
			inputs[i] = ref.NewTensor(ref.S8, dims...)
		default:
			inputs[i] = ref.NewTensor(ref.F32, dims...)
		}
		for j, x := range reals(t, 1, nil) {
			inputs[i].Data[j] = float64(x)
		}
	}
	return refrun.Run(g, inputs)
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// images draws batches for the nets.
func images(t testing.TB, seed uint64, batches, size int) [][]*model.Tensor {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 6))
	var all [][]*model.Tensor
	for range batches {
		x := make([]float32, size*3*16*16)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		tensor, err := model.Float32Tensor(x, int64(size), 3, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, []*model.Tensor{tensor})
	}
	return all
}

// asModel writes one of nets as a Paddle model.
func asModel(t testing.TB, name string) *model.Model {
	t.Helper()
	m, err := graph.ToModel(nets[name](t), graph.FormFused)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newTestCalibrator(t testing.TB, name string, o Options) *Calibrator {
	t.Helper()
	if o.Runner == nil {
		o.Runner = newRefRunner(refRunner{}, nil)
	}
	c, err := New(asModel(t, name), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func sampleAll(t testing.TB, c *Calibrator, batches [][]*model.Tensor) {
	t.Helper()
	for _, b := range batches {
		if _, err := c.Sample(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func mustTable(t testing.TB, c *Calibrator) *Table {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

var errPower = errors.New("power cut")

func failOn(n int) func() error {
	count := 0
	return func() error {
		if count++; count == n {
			return fmt.Errorf("run %d: %w", n, errPower)
		}
		return nil
	}
}
