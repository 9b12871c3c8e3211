package infer

import (
	"slices"
	"time"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// An instance is a plan with memory: segments over an arena that is not its
// own. There is just one segment, a chain of primitives that one cgo call
// executes, unless the plan has steps in Go or values to show. One goroutine at a time may run it.
type instance struct {
	plan     *plan
	stream   *dnnl.Stream
	segments []segment
	arena    *dnnl.Buffer
	bound    []boundView
	own      []interface{ Close() error }
	ptrs     []unsafe.Pointer // of every image of every bound memory, see place
	staged   [][]byte         // of the bound memories that need it, see place
	closed   bool
}

// newInstance gives p memory and takes over the stream and a reference to p. The arena, of p.arena
// bytes or more, must outlive the instance; what else works in it must not run
// at the same time.
func newInstance(e *dnnl.Engine, p *plan, s *dnnl.Stream, arena *dnnl.Buffer) (*instance, error) {
	in := &instance{plan: p, stream: s, arena: arena}
	if err := in.build(e); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

func (in *instance) build(e *dnnl.Engine) error {
	var err error
	in.ptrs = make([]unsafe.Pointer, in.plan.bound*in.plan.images)
	in.staged = make([][]byte, in.plan.bound)
	for steps := in.plan.steps; len(steps) > 0; {
		var g segment
		n := slices.IndexFunc(steps, func(s step) bool { return s.host != nil })
		if n < 0 {
			n = len(steps)
		}
		done := len(in.plan.steps) - len(steps)
		n = min(n, in.plan.nextShow(done)-done)
		if n > 0 {
			g.chain, err = in.chain(e, steps[:n])
		} else {
			n = 1
			g, err = in.hostSegment(steps[0])
		}
		if err != nil {
			return err
		}
		in.segments, steps = append(in.segments, g), steps[n:]
	}
	return nil
}

// chain makes a chain of primitives.
func (in *instance) chain(e *dnnl.Engine, steps []step) (*dnnl.Chain, error) {
	list := make([]dnnl.Step, len(steps))
	var bound []dnnl.Bound
	for i, s := range steps {
		list[i].Primitive, list[i].Lane, list[i].Fence = s.prim, s.lane, s.fence
		for _, a := range s.args {
			m, err := in.memory(e, a.t)
			if err != nil {
				return nil, err
			}
			if a.t.bound > 0 {
				bound = append(bound, dnnl.Bound{Mem: m, Pointer: in.plan.pointer(a.t)})
			}
			list[i].Args = append(list[i].Args, dnnl.ArgMem{Arg: a.arg, Mem: m})
		}
	}
	return dnnl.NewChain(list, bound)
}

// memory returns the oneDNN memory of t: a constant's own, or one over a view of
// a constant, or in this instance's arena, or without a place yet where t is bound.
func (in *instance) memory(e *dnnl.Engine, t *tensor) (*dnnl.Memory, error) {
	if t.mem != nil {
		return t.mem, nil
	}
	var at unsafe.Pointer
	switch {
	case t.store != nil:
		at = in.arena.At(in.plan.offset(t))
	case t.data != nil:
		at = unsafe.Pointer(unsafe.SliceData(t.data))
	}
	m, err := dnnl.NewMemory(e, t.desc, at)
	if err == nil {
		in.own = append(in.own, m)
	}
	return m, err
}

// run executes the plan; in.ptrs must be set.
func (in *instance) run() error { return in.execute(nil) }

// repeat runs the plan as often as ns has entries, with as little as possible in
// between, and writes how many nanoseconds each took.
func (in *instance) repeat(ns []int64) error {
	if len(in.segments) == 1 && in.segments[0].chain != nil {
		return in.segments[0].chain.RunRepeatedly(in.stream, in.ptrs, ns)
	}
	for i := range ns {
		start := time.Now()
		if err := in.run(); err != nil {
			return err
		}
		ns[i] = int64(time.Since(start))
	}
	return nil
}

// execute is run that writes the nanoseconds of each step into ns, unless
// that is nil.
func (in *instance) execute(ns []int64) error {
	in.bindViews()
	defer in.releaseViews()
	for i := range in.segments {
		g, part := &in.segments[i], ns
		if ns != nil {
			part, ns = ns[:g.len()], ns[g.len():]
		}
		if err := g.run(in, part); err != nil {
			return err
		}
	}
	return nil
}

// watch runs the plan and shows its watched values, each as soon as there is; in.ptrs must be set.
func (in *instance) watch(show func(watched) error) error {
	in.bindViews()
	defer in.releaseViews()
	done, rest := 0, in.plan.watched
	for i := 0; ; i++ {
		for ; len(rest) > 0 && rest[0].after <= done; rest = rest[1:] {
			if err := show(rest[0]); err != nil {
				return err
			}
		}
		if i == len(in.segments) {
			return nil
		}
		if err := in.segments[i].run(in, nil); err != nil {
			return err
		}
		done += in.segments[i].len()
	}
}

// floats returns the FP32 elements of a watched tensor in memory order.
func (in *instance) floats(t *tensor) []float32 {
	n := elems(t.dims)
	if t.bound > 0 {
		return unsafe.Slice((*float32)(in.ptrs[in.plan.pointer(t)]), n)
	}
	return unsafe.Slice((*float32)(in.arena.At(in.plan.offset(t))), n)
}

// Close frees all but the arena. It may be called twice.
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
	in.segments, in.stream, in.arena, in.own = nil, nil, nil, nil
	if !in.closed {
		in.closed = true
		in.plan.release()
	}
	return nil
}
