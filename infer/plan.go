package infer

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// A plan is the body of a network compiled for one input shape: primitives and
// kernels in Go, and where their arguments lie in an arena. A plan has no memory of its own
// besides the primitives and constants, so that the streams share it; see instance.
// Its users are counted: instances, and the planSet that it is found in.
type plan struct {
	book
	refs      atomic.Int32
	gone      atomic.Bool // nobody finds it any more
	steps     []step
	images    int
	inputs    []*tensor // bound, in body order
	outputs   []*tensor // bound
	bound     int
	rows      []bool // of each bound memory: a step takes several images at once, which must lie side by side
	arena     int
	watched   []watched // in order of after
	constants constants
	own       []interface{ Close() error }
}

// compile lowers a body for n images of family f, in stages whose values fit
// in cache bytes. The number of OpenMP threads that c names is built into the
// primitives. The caller must release the plan.
func compile(e *dnnl.Engine, w *weightStore, b *body, f *family, n, cache int, c chooser) (*plan, error) {
	one, err := graph.InferShapes(b.graph, f.at(1, b.separable))
	if err != nil {
		return nil, err
	}
	stages := b.stages(one, n, cache)
	p := &plan{images: n, constants: constants{engine: e}}
	p.retain()
	lw := &lowering{engine: e, weights: w, constants: &p.constants, env: map[*graph.Value]*tensor{}, uses: b.uses, choose: c,
		targets: map[*graph.Value]*tensor{}, static: b.static, fused: b.fused, skip: b.skip, direct: b.direct, stems: b.stems,
		branches: b.branches, stripBytes: cache / stripShare}
	err = lw.body(p, b, f, stages)
	if err == nil {
		err = lw.make(stages)
	}
	p.own = lw.own
	if err != nil {
		p.release()
		return nil, err
	}
	p.steps = expand(stages, n)
	p.findRows()
	fences(p.steps)
	p.arena = planArena(storages(p.steps))
	return p, nil
}

// body lowers all layers between the bound inputs and outputs, stage by stage.
func (lw *lowering) body(p *plan, b *body, f *family, stages []*stage) error {
	if err := lw.enter(b, f, p.images); err != nil {
		return err
	}
	if err := lw.bind(p, b); err != nil {
		return err
	}
	for i, st := range stages {
		if err := lw.enter(b, f, st.images); err != nil {
			return err
		}
		lw.steps = nil
		for _, l := range st.layers {
			if err := lw.lower(l); err != nil {
				return err
			}
			lw.show(p, b, l.Out)
		}
		if i == len(stages)-1 {
			if err := lw.finish(p, b); err != nil {
				return err
			}
		}
		st.steps = lw.steps
	}
	return nil
}

// bind describes the inputs and outputs of a run.
func (lw *lowering) bind(p *plan, b *body) error {
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
	lw.show(p, b, b.inputs)
	return nil
}

// A watched is a value that a run shows as soon as so many steps are done: it is still
// in the core's own cache then, and its memory is free for others afterwards.
type watched struct {
	name  string
	t     *tensor
	after int
}

// show has those of values that are watched shown now.
func (lw *lowering) show(p *plan, b *body, values []*graph.Value) {
	for _, v := range values {
		t := lw.env[v]
		if !b.watch[v] || t == nil {
			continue
		}
		p.watched = append(p.watched, watched{v.Name, t, len(lw.steps)})
		if t.store != nil {
			t.store.last = max(t.store.last, len(lw.steps)-1)
		}
	}
}

// nextShow returns after how many steps, more than done, values are shown next; the
// number of all steps if none are.
func (p *plan) nextShow(done int) int {
	for _, w := range p.watched {
		if w.after > done {
			return w.after
		}
	}
	return len(p.steps)
}

// finish copies results that could not be computed in their bound place.
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
		lw.reorder(t, lw.targets[v], 1)
		if lw.err != nil {
			return fmt.Errorf("output %q: %w", v.Name, lw.err)
		}
	}
	if len(p.watched) < len(b.watch) {
		return fmt.Errorf("%d of %d watched values are computed", len(p.watched), len(b.watch))
	}
	return nil
}

// offset returns where t starts in the arena, in bytes.
func (p *plan) offset(t *tensor) int {
	s := t.store
	return s.offset + t.image*(s.size/s.images) + t.skip
}

// pointer returns the number of the pointer to t, which is bound: there is one
// for each image of each bound memory.
func (p *plan) pointer(t *tensor) int { return (t.bound-1)*p.images + t.image }

// imageSize returns the bytes of an image of bound memory i.
func (p *plan) imageSize(i int) int {
	if i < len(p.inputs) {
		return p.inputs[i].desc.Size() / p.images
	}
	return p.outputs[i-len(p.inputs)].desc.Size() / p.images
}

// findRows sets p.rows.
func (p *plan) findRows() {
	p.rows = make([]bool, p.bound)
	for _, s := range p.steps {
		for _, a := range s.args {
			if b := a.t.bound - 1; b >= 0 && a.t.desc.Size() > p.imageSize(b) {
				p.rows[b] = true
			}
		}
	}
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

func (p *plan) retain() { p.refs.Add(1) }

// release takes a user away; after the last one primitives and constants are
// freed.
func (p *plan) release() {
	if p.refs.Add(-1) > 0 {
		return
	}
	for _, o := range slices.Backward(p.own) {
		o.Close()
	}
	p.own, p.steps = nil, nil
	p.constants.Close()
}

// What a plan takes besides its constants, by and large: machine code and tables
// of a primitive (resident memory grew by 55 KiB a primitive with every image
// size of ResNet-50, by 80 with MobileNet-V1's), and memory objects and arguments
// of a step.
const (
	primitiveBytes = 64 << 10
	stepBytes      = 2 << 10
)

// size returns how much memory p takes, by and large.
func (p *plan) size() int {
	seen := map[*dnnl.Primitive]bool{}
	for _, s := range p.steps {
		if s.prim != nil {
			seen[s.prim] = true
		}
	}
	return len(seen)*primitiveBytes + len(p.steps)*stepBytes + p.constants.bytes
}

// A Kernel tells what computes one step of a plan.
type Kernel struct {
	Layer     string // name of the graph layer
	Kind      string // kind of that layer, such as "conv"
	Impl      string // name of the implementation, see dnnl.Primitive.Impl; "go" for Octet's kernels in Go
	Reference bool   // a slow reference implementation: worth a bug report
}

func (p *plan) kernels() []Kernel {
	list := make([]Kernel, len(p.steps))
	for i, s := range p.steps {
		list[i] = s.kernel()
	}
	return list
}

func (s step) kernel() Kernel {
	k := Kernel{Layer: s.layer, Kind: s.kind, Impl: "go"}
	if s.prim != nil {
		k.Impl, k.Reference = s.prim.Impl(), s.prim.Reference()
	}
	return k
}
