package infer

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer/internal/hostop"
)

// A segment is a stretch of an instance that runs without leaving its side: a
// chain of primitives, which is one cgo call, or one kernel in Go.
type segment struct {
	chain *dnnl.Chain
	host  func() error
	step  step // of host
}

// A boundView is a tensor of a kernel in Go that lies in bound memory.
type boundView struct {
	view       *hostop.Tensor
	from, size int // the pointer's number, bytes
}

// hostSegment makes the segment of a step in Go.
func (in *instance) hostSegment(s step) (segment, error) {
	var views []*hostop.Tensor
	for _, a := range s.args {
		v, err := hostView(a.t)
		if err != nil {
			return segment{}, err
		}
		for len(views) <= int(a.arg) {
			views = append(views, nil)
		}
		views[a.arg] = v
		switch size := v.Size(); {
		case a.t.bound > 0:
			in.bound = append(in.bound, boundView{v, in.plan.pointer(a.t), size})
		case a.t.data != nil:
			v.Set(a.t.data[:size])
		default:
			v.Set(unsafe.Slice((*byte)(in.arena.At(in.plan.offset(a.t))), size))
		}
	}
	run, err := s.host(views)
	if err != nil {
		return segment{}, fmt.Errorf("%s %q: %w", s.kind, s.layer, err)
	}
	return segment{host: run, step: s}, nil
}

// len returns the number of steps.
func (g *segment) len() int {
	if g.chain != nil {
		return g.chain.Len()
	}
	return 1
}

// run executes the segment and writes the nanoseconds of its steps into ns,
// unless that is nil.
func (g *segment) run(in *instance, ns []int64) error {
	switch {
	case g.chain != nil && ns == nil:
		return g.chain.Run(in.stream, in.ptrs)
	case g.chain != nil:
		return g.chain.RunTimed(in.stream, in.ptrs, ns)
	}
	start := time.Now()
	if err := g.host(); err != nil {
		return fmt.Errorf("%s %q: %w", g.step.kind, g.step.layer, err)
	}
	if ns != nil {
		ns[0] = int64(time.Since(start))
	}
	return nil
}

// bindViews points kernels in Go at the bound memories of a run.
func (in *instance) bindViews() {
	for _, b := range in.bound {
		b.view.Set(unsafe.Slice((*byte)(in.ptrs[b.from]), b.size))
	}
}

// releaseViews forgets them.
func (in *instance) releaseViews() {
	for _, b := range in.bound {
		b.view.Set(nil)
	}
}
