package infer

import (
	"slices"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// An instance is a plan with memory: an arena, and the chain of primitives that
// one cgo call executes. One goroutine at a time may run it.
type instance struct {
	plan   *plan
	stream *dnnl.Stream
	chain  *dnnl.Chain
	arena  *dnnl.Buffer
	own    []interface{ Close() error }
	ptrs   []unsafe.Pointer // of the bound memories, then of the aliases
	// aliases holds, for each view of bound memory, the index of that memory.
	aliases []int
}

func newInstance(e *dnnl.Engine, p *plan) (*instance, error) {
	in := &instance{plan: p}
	if err := in.build(e); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

func (in *instance) build(e *dnnl.Engine) error {
	var err error
	if in.arena, err = dnnl.NewBuffer(max(in.plan.arena, arenaAlign)); err != nil {
		return err
	}
	if in.stream, err = dnnl.NewStream(e); err != nil {
		return err
	}
	bound := make([]*dnnl.Memory, in.plan.bound)
	for _, t := range append(slices.Clone(in.plan.inputs), in.plan.outputs...) {
		if bound[t.bound-1], err = in.memory(e, t); err != nil {
			return err
		}
	}
	steps := make([]dnnl.Step, len(in.plan.steps))
	var extra []*dnnl.Memory // views of bound memory: bound again under their own descriptor
	var from []int
	for i, s := range in.plan.steps {
		steps[i].Primitive = s.prim
		for _, a := range s.args {
			m := a.t.mem
			switch {
			case m != nil:
			case a.t.bound > 0 && a.t.desc == in.boundTensor(a.t.bound).desc:
				m = bound[a.t.bound-1]
			default:
				if m, err = in.memory(e, a.t); err != nil {
					return err
				}
				if a.t.bound > 0 {
					extra, from = append(extra, m), append(from, a.t.bound-1)
				}
			}
			steps[i].Args = append(steps[i].Args, dnnl.ArgMem{Arg: a.arg, Mem: m})
		}
	}
	in.ptrs = make([]unsafe.Pointer, len(bound)+len(extra))
	in.aliases = from
	in.chain, err = dnnl.NewChain(steps, append(bound, extra...))
	return err
}

func (in *instance) boundTensor(i int) *tensor {
	if i <= len(in.plan.inputs) {
		return in.plan.inputs[i-1]
	}
	return in.plan.outputs[i-1-len(in.plan.inputs)]
}

// memory makes the oneDNN memory of t in this instance's arena, or without a
// place yet where t is bound.
func (in *instance) memory(e *dnnl.Engine, t *tensor) (*dnnl.Memory, error) {
	var at unsafe.Pointer
	if t.store != nil {
		at = in.arena.At(t.store.offset)
	}
	m, err := dnnl.NewMemory(e, t.desc, at)
	if err == nil {
		in.own = append(in.own, m)
	}
	return m, err
}

// run executes the plan; in.ptrs[:plan.bound] must be set.
func (in *instance) run() error {
	for i, from := range in.aliases {
		in.ptrs[in.plan.bound+i] = in.ptrs[from]
	}
	return in.chain.Run(in.stream, in.ptrs)
}

// floats returns the FP32 elements of a watched tensor in memory order. It is
// valid until the bound memories change.
func (in *instance) floats(t *tensor) []float32 {
	n := elems(t.dims)
	if t.bound > 0 {
		return unsafe.Slice((*float32)(in.ptrs[t.bound-1]), n)
	}
	return unsafe.Slice((*float32)(in.arena.At(t.store.offset)), n)
}

// Close frees the memory. It may be called twice.
func (in *instance) Close() error {
	if in.chain != nil {
		in.chain.Close()
	}
	for _, m := range slices.Backward(in.own) {
		m.Close()
	}
	if in.stream != nil {
		in.stream.Close()
	}
	if in.arena != nil {
		in.arena.Close()
	}
	in.chain, in.stream, in.arena, in.own = nil, nil, nil, nil
	return nil
}
