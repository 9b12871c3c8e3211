package infer

import (
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A tailRun is the tail of a network compiled for one geometry: plain Go
// functions over the whole batch, with their memory. It belongs to one session.
type tailRun struct {
	values map[*graph.Value]*hostTensor
	steps  []tailStep
	feeds  []tailFeed
	wants  []tailWant
}

type tailStep struct {
	layer *graph.Layer
	run   func() error
}

// A hostTensor is a row-major tensor in Go memory; one of the slices is set,
// by type.
type hostTensor struct {
	dims  []int
	dtype model.DType
	f32   []float32
	i64   []int64
	i32   []int32
	data  []byte
}

// set points h at data, which must fit its type and dims and be aligned.
func (h *hostTensor) set(data []byte) {
	t := model.Tensor{DType: h.dtype, Data: data}
	h.data, h.f32, h.i64, h.i32 = data, nil, nil, nil
	switch h.dtype {
	case model.FP32:
		h.f32 = t.Float32s()
	case model.Int64:
		h.i64 = t.Int64s()
	case model.Int32:
		h.i32 = t.Int32s()
	}
}

// A tailFeed is a tail value that is an input or a direct output of the run.
type tailFeed struct {
	h      *hostTensor
	index  int
	output bool
}

// A tailWant copies a tail value to an output of the run.
type tailWant struct {
	h   *hostTensor
	dst int
	out []byte
}

// build compiles the tail of p for geometry g. sources holds the body outputs
// that lie in scratch memory; the others are outputs of the run.
func (t *tailRun) build(p *Predictor, g *geometry, sources map[*graph.Value][]byte) error {
	t.values = map[*graph.Value]*hostTensor{}
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
	lookup := func(v *graph.Value) *hostTensor {
		if h := t.values[v]; h != nil || v == nil {
			return h
		}
		h := &hostTensor{dims: g.shapes[v], dtype: v.DType}
		t.values[v] = h
		if src, ok := sources[v]; ok {
			h.set(src)
		} else if v.Const != nil {
			h.set(v.Const.Data)
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
		if err := t.add(l, g, lookup); err != nil {
			return fmt.Errorf("infer: %s %q: %w", l.Op.Kind(), l.Name, err)
		}
	}
	for i, o := range p.graph.Outputs {
		if made[o.Value] && direct[o.Value] == i {
			continue // the body wrote it there
		}
		t.wants = append(t.wants, tailWant{h: lookup(o.Value), dst: i})
	}
	return nil
}

// add compiles one layer, with memory for its outputs.
func (t *tailRun) add(l *graph.Layer, g *geometry, lookup func(*graph.Value) *hostTensor) error {
	var in, out []*hostTensor
	for _, v := range l.In {
		in = append(in, lookup(v))
	}
	for _, v := range l.Out {
		h := &hostTensor{dims: g.shapes[v], dtype: v.DType}
		size := bytesOfShape(h.dims, h.dtype)
		h.set(bytesOf(make([]uint64, (size+7)/8))[:size])
		t.values[v] = h
		out = append(out, h)
	}
	run, err := hostKernel(l.Op, in, out)
	if err != nil {
		return err
	}
	t.steps = append(t.steps, tailStep{l, run})
	return nil
}

// bind points the tail at the tensors of a run.
func (t *tailRun) bind(in, out []*model.Tensor) {
	for _, f := range t.feeds {
		if f.output {
			f.h.set(out[f.index].Data)
		} else {
			f.h.set(in[f.index].Data)
		}
	}
	for i := range t.wants {
		t.wants[i].out = out[t.wants[i].dst].Data
	}
}

func (t *tailRun) run() error {
	for _, s := range t.steps {
		if err := s.run(); err != nil {
			return fmt.Errorf("infer: %s %q: %w", s.layer.Op.Kind(), s.layer.Name, err)
		}
	}
	for _, w := range t.wants {
		copy(w.out, w.h.data)
	}
	return nil
}

// release forgets the caller's memory.
func (t *tailRun) release() {
	for _, f := range t.feeds {
		f.h.set(nil)
	}
	for i := range t.wants {
		t.wants[i].out = nil
	}
}
