package dnnl

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/octet-dnn/octet/cgo"
)

// Step is one primitive of a [Chain] with its arguments.
type Step struct {
	Primitive *Primitive
	Args      []ArgMem
}

// Chain executes a list of primitives in order with one call into C, and
// without allocating in Go. It keeps alive the primitives and memories it was
// made of, even closed ones, but does not own them.
type Chain struct {
	handleOf[cgo.Chain]
	text    []string // of every step, for errors
	bound   int
	running atomic.Bool
	pin     runtime.Pinner
}

// NewChain prepares the steps. bound lists the memories whose place is given at
// every Run; the others must have one. A bound memory belongs to this chain
// while it runs: no other chain, and no Execute, may use it then.
func NewChain(steps []Step, bound []*Memory) (*Chain, error) {
	const op = "chain.create"
	var held borrowed
	c := &Chain{bound: len(bound)}
	list := make([]cgo.ChainStep, len(steps))
	for i, s := range steps {
		args, err := s.acquire(i, bound, &held)
		if err != nil {
			held.drop()
			return nil, err
		}
		list[i] = cgo.ChainStep{Primitive: s.Primitive.own.handle, Args: args}
		c.text = append(c.text, s.Primitive.String())
	}
	mems := make([]cgo.Memory, len(bound))
	for i, m := range bound {
		if m == nil || !held.add(m.own) {
			held.drop()
			return nil, invalid(op, "bound memory %d is nil or closed", i)
		}
		mems[i] = m.own.handle
	}
	h, st := cgo.CreateChain(list, mems)
	if st != cgo.StatusSuccess {
		held.drop()
		return nil, check(op, st, fmt.Sprintf("%d steps", len(steps)))
	}
	hold(c, &c.handleOf, own(h, cgo.Chain.Destroy, held...))
	return c, nil
}

// acquire adds what step i uses to held.
func (s Step) acquire(i int, bound []*Memory, held *borrowed) ([]cgo.ExecArg, error) {
	op := fmt.Sprintf("chain.create: step %d", i)
	if s.Primitive == nil {
		return nil, invalid(op, "no primitive")
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

// Run places bound memory i at ptrs[i], executes all steps on s and waits for
// the end. The pointers may be to Go memory, which is pinned for the call and
// forgotten after it, or to C memory; each must reach as far as its memory's
// descriptor says. Run must not be called again on the chain before it returns
// and refuses to if it is. An error names the step that failed.
func (c *Chain) Run(s *Stream, ptrs []unsafe.Pointer) error { return c.run(s, ptrs, nil) }

// RunTimed is Run, waiting after every step, and writes how many nanoseconds
// step i took into ns[i]. There must be one entry for each step.
func (c *Chain) RunTimed(s *Stream, ptrs []unsafe.Pointer, ns []int64) error {
	if len(ns) != len(c.text) {
		return invalid(opRun, "%d times for %d steps", len(ns), len(c.text))
	}
	return c.run(s, ptrs, ns)
}

const opRun = "chain.run"

func (c *Chain) run(s *Stream, ptrs []unsafe.Pointer, ns []int64) error {
	if len(ptrs) != c.bound {
		return invalid(opRun, "%d pointers for %d bound memories", len(ptrs), c.bound)
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
	defer c.pin.Unpin()
	for i, p := range ptrs {
		if p == nil {
			return invalid(opRun, "pointer %d is nil", i)
		}
		c.pin.Pin(p) // does nothing for C memory
	}
	st, step := c.own.handle.Run(s.own.handle, ptrs, ns)
	if st == cgo.StatusSuccess {
		return nil
	}
	return check(opRun, st, c.where(step))
}

func (c *Chain) where(step int) string {
	if step < 0 {
		return "binding or waiting"
	}
	return fmt.Sprintf("step %d: %s", step, c.text[step])
}
