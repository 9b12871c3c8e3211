package infer

import (
	"slices"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// An instance is a plan with memory: an arena, and segments, of which there is
// just one, a chain of primitives that one cgo call executes, unless the plan
// has steps in Go. One goroutine at a time may run it.
type instance struct {
	plan     *plan
	stream   *dnnl.Stream
	segments []segment
	arena    *dnnl.Buffer
	bound    []boundView
	own      []interface{ Close() error }
	ptrs     []unsafe.Pointer // of the bound memories, then of the aliases
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
	var chains [][]dnnl.Step // one a segment, nil for a step in Go
	for i, s := range in.plan.steps {
		if s.host != nil {
			g, err := in.hostSegment(s)
			if err != nil {
				return err
			}
			in.segments, chains = append(in.segments, g), append(chains, nil)
			continue
		}
		if i == 0 || in.plan.steps[i-1].host != nil {
			in.segments, chains = append(in.segments, segment{}), append(chains, nil)
		}
		d := dnnl.Step{Primitive: s.prim}
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
				if a.t.bound > 0 { // bound again under its own descriptor
					bound, in.aliases = append(bound, m), append(in.aliases, a.t.bound-1)
				}
			}
			d.Args = append(d.Args, dnnl.ArgMem{Arg: a.arg, Mem: m})
		}
		last := len(chains) - 1
		chains[last] = append(chains[last], d)
	}
	in.ptrs = make([]unsafe.Pointer, len(bound))
	for i, steps := range chains {
		if steps == nil {
			continue
		}
		if in.segments[i].chain, err = dnnl.NewChain(steps, bound); err != nil {
			return err
		}
	}
	return nil
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
	in.bindViews()
	defer in.releaseViews()
	for i := range in.segments {
		if err := in.segments[i].run(in); err != nil {
			return err
		}
	}
	return nil
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
	for _, g := range in.segments {
		if g.chain != nil {
			g.chain.Close()
		}
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
	in.segments, in.stream, in.arena, in.own = nil, nil, nil, nil
	return nil
}
