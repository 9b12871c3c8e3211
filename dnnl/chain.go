package dnnl

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/octet-dnn/octet/cgo"
)

// Step is one primitive of a [Chain] with its arguments.
//
// Neighbouring steps with lanes run side by side: those of a lane in order, on a
// thread of the OpenMP team that has nothing else to do. Their primitives must
// have been made for one thread. A fence holds all lanes until each has done its steps before that
// one, and so does the end of such a run of steps. Between fences no lane may write what another reads or writes.
type Step struct {
	Primitive *Primitive
	Args      []ArgMem
	Lane      int  // from 1 on; 0 is all threads together
	Fence     bool // before this step, which has a lane
}

// Chain executes a list of primitives in order with one call into C, and
// without allocating in Go. It keeps alive the primitives and memories it was
// made of, even closed ones, but does not own them.
type Chain struct {
	handleOf[cgo.Chain]
	text    []string // of every step, for errors
	ptrs    int      // that a run takes
	running atomic.Bool
	pins    []runtime.Pinner // for pinned pointers each
}

// Bound is a memory whose place is given at every run of a [Chain]: Offset
// bytes after the pointer with that number. Several may follow one pointer, as
// the images of a batch do.
type Bound struct {
	Mem             *Memory
	Pointer, Offset int
}

// InOrder binds each memory to a pointer of its own, the first to pointer 0.
func InOrder(mems ...*Memory) []Bound {
	bound := make([]Bound, len(mems))
	for i, m := range mems {
		bound[i] = Bound{Mem: m, Pointer: i}
	}
	return bound
}

// NewChain prepares the steps. bound lists the memories whose place is given at
// every Run; the others must have one. A bound memory belongs to this chain
// while it runs: no other chain, and no Execute, may use it then.
func NewChain(steps []Step, bound []Bound) (*Chain, error) {
	const op = "chain.create"
	var held borrowed
	c := &Chain{}
	list := make([]cgo.ChainStep, len(steps))
	for i, s := range steps {
		args, err := s.acquire(i, bound, &held)
		if err != nil {
			held.drop()
			return nil, err
		}
		list[i] = cgo.ChainStep{Primitive: s.Primitive.own.handle, Args: args, Lane: s.Lane, Fence: s.Fence}
		c.text = append(c.text, s.Primitive.String())
	}
	places := make([]cgo.ChainBound, len(bound))
	for i, b := range bound {
		if b.Pointer < 0 || b.Offset < 0 {
			held.drop()
			return nil, invalid(op, "bound memory %d lies %d bytes after pointer %d", i, b.Offset, b.Pointer)
		}
		if b.Mem == nil || !held.add(b.Mem.own) {
			held.drop()
			return nil, invalid(op, "bound memory %d is nil or closed", i)
		}
		places[i] = cgo.ChainBound{Memory: b.Mem.own.handle, Pointer: b.Pointer, Offset: b.Offset}
		c.ptrs = max(c.ptrs, b.Pointer+1)
	}
	c.pins = make([]runtime.Pinner, (c.ptrs+pinned-1)/pinned)
	h, st := cgo.CreateChain(list, places)
	if st != cgo.StatusSuccess {
		held.drop()
		return nil, check(op, st, fmt.Sprintf("%d steps", len(steps)))
	}
	hold(c, &c.handleOf, own(h, cgo.Chain.Destroy, held...))
	return c, nil
}

// acquire adds what step i uses to held.
func (s Step) acquire(i int, bound []Bound, held *borrowed) ([]cgo.ExecArg, error) {
	op := fmt.Sprintf("chain.create: step %d", i)
	if s.Primitive == nil {
		return nil, invalid(op, "no primitive")
	}
	if s.Lane < 0 || s.Lane > math.MaxInt32 || s.Fence && s.Lane == 0 {
		return nil, invalid(op, "lane %d, fence %t", s.Lane, s.Fence)
	}
	args, err := s.Primitive.acquire(op+": "+s.Primitive.name, nil, s.Args, bound)
	if err != nil {
		return nil, err
	}
	*held = append(*held, s.Primitive.own)
	for _, a := range s.Args {
		*held = append(*held, a.Mem.own)
	}
	return args, nil
}

// Len returns the number of steps.
func (c *Chain) Len() int { return len(c.text) }

// Run places the bound memories, executes all steps on s and waits for the end.
// There must be a pointer for every number that a bound memory names. The pointers may be to Go memory, which is pinned for the call and
// forgotten after it, or to C memory; each must reach as far as the
// descriptors of its memories say. Run must not be called again on the chain before it returns
// and refuses to if it is. An error names the step that failed.
func (c *Chain) Run(s *Stream, ptrs []unsafe.Pointer) error { return c.run(s, ptrs, nil, 0) }

// RunTimed is Run, waiting after every step, and writes how many nanoseconds
// step i took into ns[i]. There must be one entry for each step.
func (c *Chain) RunTimed(s *Stream, ptrs []unsafe.Pointer, ns []int64) error {
	if len(ns) != len(c.text) {
		return invalid(opRun, "%d times for %d steps", len(ns), len(c.text))
	}
	return c.run(s, ptrs, ns, 0)
}

// RunRepeatedly is Run that executes all steps as often as ns has entries, one
// time on the heels of the other, and writes how many nanoseconds each took.
func (c *Chain) RunRepeatedly(s *Stream, ptrs []unsafe.Pointer, ns []int64) error {
	if len(ns) < 1 || len(ns) > math.MaxInt32 {
		return invalid(opRun, "%d times", len(ns))
	}
	return c.run(s, ptrs, ns, len(ns))
}

const opRun = "chain.run"

func (c *Chain) run(s *Stream, ptrs []unsafe.Pointer, ns []int64, runs int) error {
	if len(ptrs) < c.ptrs {
		return invalid(opRun, "%d pointers: the bound memories name %d", len(ptrs), c.ptrs)
	}
	if err := s.acquire(opRun); err != nil {
		return err
	}
	defer s.own.drop()
	if !c.own.acquire() {
		return closed(opRun, "chain")
	}
	defer c.own.drop()
	if !c.running.CompareAndSwap(false, true) {
		return invalid(opRun, "the chain is running already")
	}
	defer c.running.Store(false)
	defer c.unpin()
	for i, p := range ptrs[:c.ptrs] {
		if p == nil {
			return invalid(opRun, "pointer %d is nil", i)
		}
		c.pins[i/pinned].Pin(p) // does nothing for C memory
	}
	st, step := c.runOn(s, ptrs, ns, runs)
	if st == cgo.StatusSuccess {
		return nil
	}
	if step == cgo.StepPinning {
		return check(opRun, st, "the system refuses the CPUs that the stream is pinned to")
	}
	return check(opRun, st, c.where(step))
}

// pinned is how many pointers a runtime.Pinner holds without allocating.
const pinned = 5

func (c *Chain) unpin() {
	for i := range c.pins {
		c.pins[i].Unpin()
	}
}

func (c *Chain) runOn(s *Stream, ptrs []unsafe.Pointer, ns []int64, runs int) (cgo.Status, int) {
	if s.team == nil {
		return c.own.handle.Run(s.own.handle, s.threads, s.cpus, ptrs, ns, runs)
	}
	s.team.mu.Lock()
	defer s.team.mu.Unlock()
	return s.team.own.handle.Run(c.own.handle, s.own.handle, s.threads, s.cpus, ptrs, ns, runs)
}

func (c *Chain) where(step int) string {
	if step < 0 {
		return "binding or waiting"
	}
	return fmt.Sprintf("step %d: %s", step, c.text[step])
}
