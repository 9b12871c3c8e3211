package infer

import (
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// A plan is the body of a network compiled for one input shape: primitives and
// kernels in Go, and where their arguments lie in an arena. A plan has no memory of its own
// besides the primitives, so that the streams share it; see instance.
type plan struct {
	steps   []step
	inputs  []*tensor // bound, in body order
	outputs []*tensor // bound
	bound   int
	arena   int
	watched []*tensor
	own     []interface{ Close() error }
}

// compile lowers a body for the given input shapes. The number of OpenMP
// threads of the calling OS thread is built into the primitives.
func compile(e *dnnl.Engine, w *weightStore, b *body, shapes []graph.Shape) (*plan, error) {
	all, err := graph.InferShapes(b.graph, shapes)
	if err != nil {
		return nil, err
	}
	lw := &lowering{engine: e, weights: w, shapes: all, env: map[*graph.Value]*tensor{}, uses: b.uses,
		targets: map[*graph.Value]*tensor{}, fused: b.fused, skip: b.skip}
	p := &plan{}
	err = lw.body(p, b)
	p.steps, p.own = lw.steps, lw.own
	if err != nil {
		p.Close()
		return nil, err
	}
	p.arena = planArena(storages(p.steps))
	return p, nil
}

// body lowers all layers between the bound inputs and outputs.
func (lw *lowering) body(p *plan, b *body) error {
	bind := func(v *graph.Value) *tensor {
		dt, err := dataType(v.DType)
		lw.fail(err)
		if lw.err != nil {
			return nil
		}
		p.bound++
		return &tensor{desc: lw.desc(lw.shapes[v], dt, plain), dims: lw.shapes[v], dtype: dt, bound: p.bound}
	}
	for _, v := range b.inputs {
		t := bind(v)
		if lw.err != nil {
			return fmt.Errorf("input %q: %w", v.Name, lw.err)
		}
		lw.env[v] = t
		p.inputs = append(p.inputs, t)
	}
	for _, v := range b.outputs {
		t := bind(v)
		if lw.err != nil {
			return fmt.Errorf("output %q: %w", v.Name, lw.err)
		}
		lw.targets[v] = t
		p.outputs = append(p.outputs, t)
	}
	for _, l := range b.graph.Layers {
		if err := lw.lower(l); err != nil {
			return err
		}
		for _, v := range l.Out {
			if t := lw.env[v]; t != nil && t.store != nil && b.watch[v] {
				t.store.kept = true
			}
		}
	}
	return lw.finish(p, b)
}

// finish copies results that could not be computed in their bound place, and
// keeps what is watched to the end.
func (lw *lowering) finish(p *plan, b *body) error {
	for i, v := range b.outputs {
		t := lw.env[v]
		if t == nil {
			return fmt.Errorf("output %q is not computed", v.Name)
		}
		if t.bound == p.outputs[i].bound {
			continue
		}
		lw.layer, lw.err = &graph.Layer{Name: v.Name, Op: &graph.Identity{}}, nil
		lw.reorder(t, p.outputs[i], 1)
		if lw.err != nil {
			return fmt.Errorf("output %q: %w", v.Name, lw.err)
		}
	}
	for _, v := range b.watchList {
		t := lw.env[v]
		if t == nil {
			return fmt.Errorf("watched value %q is not computed", v.Name)
		}
		if t.store != nil {
			t.store.last = math.MaxInt
		}
		p.watched = append(p.watched, t)
	}
	return nil
}

// storages lists the arena memory that steps use.
func storages(steps []step) []*storage {
	seen := map[*storage]bool{}
	var all []*storage
	for _, s := range steps {
		for _, a := range s.args {
			if st := a.t.store; st != nil && !seen[st] {
				seen[st] = true
				all = append(all, st)
			}
		}
	}
	return all
}

// Close frees the primitives. Instances of the plan must be gone.
func (p *plan) Close() error {
	for _, o := range slices.Backward(p.own) {
		o.Close()
	}
	p.own, p.steps = nil, nil
	return nil
}

// A Kernel tells what computes one step of a plan.
type Kernel struct {
	Layer     string // name of the graph layer
	Kind      string // kind of that layer, such as "conv"
	Impl      string // oneDNN's name of the implementation; "go" for Octet's own
	Reference bool   // a slow reference implementation: worth a bug report
}

func (p *plan) kernels() []Kernel {
	list := make([]Kernel, len(p.steps))
	for i, s := range p.steps {
		list[i] = Kernel{Layer: s.layer, Kind: s.kind, Impl: "go"}
		if s.prim != nil {
			list[i].Impl, list[i].Reference = s.prim.Impl(), s.prim.Reference()
		}
	}
	return list
}
