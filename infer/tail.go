package infer

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer/internal/hostop"
	"github.com/octet-dnn/octet/model"
)

// A tailRun is the tail of a network compiled for one geometry: kernels in Go
// over the whole batch, with their memory. It belongs to one session.
type tailRun struct {
	inf    *graph.Inference
	values map[*graph.Value]*hostop.Tensor
	steps  []tailStep
	feeds  []tailFeed
	wants  []tailWant
}

type tailStep struct {
	layer *graph.Layer
	run   func() error
}

// A tailFeed is a tail value that is an input or a direct output of the run.
type tailFeed struct {
	h      *hostop.Tensor
	index  int
	output bool
}

// A tailWant copies a tail value to an output of the run.
type tailWant struct {
	h    *hostop.Tensor
	dst  int
	open bool
	out  *model.Tensor
}

// build compiles the tail of p for geometry g. sources holds the body outputs
// that lie in scratch memory; the others are outputs of the run.
func (t *tailRun) build(p *Predictor, g *geometry, sources map[*graph.Value][]byte) error {
	t.inf, t.values = g.inf, map[*graph.Value]*hostop.Tensor{}
	direct := map[*graph.Value]int{}
	for i, o := range p.graph.Outputs {
		if _, ok := direct[o.Value]; !ok {
			direct[o.Value] = i
		}
	}
	made := map[*graph.Value]bool{}
	for _, v := range p.body.outputs {
		made[v] = true
	}
	var unread error
	lookup := func(v *graph.Value) *hostop.Tensor {
		if h := t.values[v]; h != nil || v == nil {
			return h
		}
		h := t.tensor(v)
		if src, ok := sources[v]; ok {
			h.Set(src)
		} else if v.Const != nil {
			data, err := v.Const.Bytes()
			if unread == nil {
				unread = err
			}
			h.Set(data)
		} else if c, ok := g.inf.Contents[v]; ok {
			h.Set(contentsOf(c, v.DType))
		} else if made[v] {
			t.feeds = append(t.feeds, tailFeed{h, direct[v], true})
		}
		for i, in := range p.graph.Inputs {
			if in == v {
				t.feeds = append(t.feeds, tailFeed{h, i, false})
			}
		}
		return h
	}
	for _, l := range p.tail {
		if err := t.add(l, p.open, lookup); err != nil {
			return fmt.Errorf("infer: %s %q: %w", l.Op.Kind(), l.Name, err)
		}
	}
	for i, o := range p.graph.Outputs {
		if made[o.Value] && direct[o.Value] == i {
			continue // the body wrote it there
		}
		t.wants = append(t.wants, tailWant{h: lookup(o.Value), dst: i, open: p.open[o.Value]})
	}
	return unread
}

// bytes returns the memory of the results of all layers.
func (t *tailRun) bytes() int {
	n := 0
	for _, s := range t.steps {
		for _, v := range s.layer.Out {
			n += len(t.values[v].Data)
		}
	}
	return n
}

func (t *tailRun) tensor(v *graph.Value) *hostop.Tensor {
	h := &hostop.Tensor{Dims: t.inf.Shapes[v], DType: v.DType}
	t.values[v] = h
	return h
}

// add compiles one layer, with memory for its outputs.
func (t *tailRun) add(l *graph.Layer, open map[*graph.Value]bool, lookup func(*graph.Value) *hostop.Tensor) error {
	op, err := t.inf.Op(l)
	if err != nil {
		return err
	}
	k, err := hostop.For(op)
	if err != nil {
		return err
	}
	data := graph.DataInputs(l)
	var tensors []*hostop.Tensor
	for _, v := range data {
		tensors = append(tensors, lookup(v))
	}
	for _, v := range l.Out {
		h := t.tensor(v)
		h.Set(alloc(h.Size()))
		tensors = append(tensors, h)
	}
	run := func() error { return rerun(op, k, tensors, len(data)) }
	if !slices.ContainsFunc(data, func(v *graph.Value) bool { return open[v] }) {
		if run, err = k(tensors); err != nil {
			return err
		}
	}
	t.steps = append(t.steps, tailStep{l, run})
	return nil
}

// rerun computes a layer whose input dims differ from run to run.
func rerun(op graph.Op, k hostop.Kernel, t []*hostop.Tensor, inputs int) error {
	in := make([]graph.Shape, inputs)
	for i, x := range t[:inputs] {
		if x != nil {
			in[i] = x.Dims
		}
	}
	out, err := op.Infer(in)
	if err != nil {
		return err
	}
	for i, s := range out {
		t[inputs+i].Dims = s
		t[inputs+i].Set(alloc(t[inputs+i].Size()))
	}
	run, err := k(t)
	if err != nil {
		return err
	}
	return run()
}

// bind points the tail at the tensors of a run.
func (t *tailRun) bind(in, out []*model.Tensor) {
	for _, f := range t.feeds {
		if f.output {
			f.h.Set(out[f.index].Data)
		} else {
			f.h.Set(in[f.index].Data)
		}
	}
	for i := range t.wants {
		t.wants[i].out = out[t.wants[i].dst]
	}
}

func (t *tailRun) run() error {
	for _, s := range t.steps {
		if err := s.run(); err != nil {
			return fmt.Errorf("infer: %s %q: %w", s.layer.Op.Kind(), s.layer.Name, err)
		}
	}
	for _, w := range t.wants {
		if w.open {
			w.resize()
		}
		copy(w.out.Data, w.h.Data)
	}
	return nil
}

// resize gives an output the dims of this run, and other memory where its own
// is too small.
func (w *tailWant) resize() {
	w.out.Dims = w.out.Dims[:0]
	for _, d := range w.h.Dims {
		w.out.Dims = append(w.out.Dims, int64(d))
	}
	w.out.LoD = w.h.LoD
	if cap(w.out.Data) < len(w.h.Data) {
		w.out.Data = alloc(len(w.h.Data))
	}
	w.out.Data = w.out.Data[:len(w.h.Data)]
}

// release forgets the caller's memory.
func (t *tailRun) release() {
	for _, f := range t.feeds {
		f.h.Set(nil)
	}
	for i := range t.wants {
		t.wants[i].out = nil
	}
}

// alloc returns memory that is aligned for every element type.
func alloc(size int) []byte { return bytesOf(make([]uint64, (size+7)/8))[:size] }

// contentsOf spells out what is known of a value as elements of its type.
func contentsOf(c []float64, dt model.DType) []byte {
	h := &hostop.Tensor{Dims: []int{len(c)}, DType: dt}
	h.Set(alloc(h.Size()))
	for i, x := range c {
		switch dt {
		case model.FP32:
			h.F32[i] = float32(x)
		case model.Int64:
			h.I64[i] = int64(x)
		case model.Int32:
			h.I32[i] = int32(x)
		}
	}
	return h.Data
}
