package infer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/octet-dnn/octet/dnnl"
)

// A KernelTable remembers which implementation of a convolution is the fastest
// on this CPU. Octet's own kernels come first where there are any; of its own
// implementations oneDNN takes the first one that fits, in an order that is good
// on average; for a given shape another is often some percent faster. Predictors whose options name a table use what it says, and those
// with LearnKernels measure what it does not say while they compile. INT8
// implementations sum exactly and round alike. A table is safe for concurrent use, by several predictors too.
//
// As JSON it is an object of the convolutions that do better with another
// implementation, each described with the first choice, and of those that do
// not, with an empty name.
type KernelTable struct {
	mu sync.Mutex
	m  map[string]string
}

// NewKernelTable returns an empty table.
func NewKernelTable() *KernelTable { return &KernelTable{m: map[string]string{}} }

// Len returns how many convolutions the table knows.
func (t *KernelTable) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.m)
}

// MarshalJSON implements [json.Marshaler].
func (t *KernelTable) MarshalJSON() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return json.Marshal(t.m)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *KernelTable) UnmarshalJSON(b []byte) error {
	m := map[string]string{}
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("infer: kernel table: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m = m
	return nil
}

func (t *KernelTable) get(key string) (impl string, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	impl, known = t.m[key]
	return impl, known
}

func (t *KernelTable) put(key, impl string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[string]string{}
	}
	t.m[key] = impl
}

// A chooser picks implementations for one plan.
type chooser struct {
	table   *KernelTable // nil: oneDNN's first choice
	learn   bool
	threads int
}

// learns reports whether c measures implementations.
func (c chooser) learns() bool { return c.table != nil && c.learn }

// A choice makes the primitive of a convolution that will run on args and
// weights, with the implementation the table names.
type choice struct {
	spec dnnl.Convolution
	chooser
	args []arg
}

// New makes the primitive on an OS thread that has c.threads OpenMP threads.
func (c choice) New(e *dnnl.Engine) (*dnnl.Primitive, error) {
	first, err := c.first(e)
	if err != nil || c.table == nil {
		return first, err
	}
	key := fmt.Sprintf("%d threads, %v", c.threads, first)
	impl, known := c.table.get(key)
	switch {
	case impl != "":
		return c.instead(e, first, impl)
	case known || !c.learn:
		return first, nil
	}
	var best *dnnl.Primitive
	candidates, err := c.others(e, first)
	candidates = append([]*dnnl.Primitive{first}, candidates...)
	if err == nil {
		best, err = c.fastest(e, candidates)
	}
	for _, p := range candidates {
		if p != best {
			p.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	if best != first {
		impl = best.Impl()
	}
	c.table.put(key, impl)
	return best, nil
}

// first makes Octet's own kernel where there is one, else oneDNN's first choice.
func (c choice) first(e *dnnl.Engine) (*dnnl.Primitive, error) {
	if p, err := c.named(e, dnnl.Own); p != nil || err != nil {
		return p, err
	}
	return c.spec.New(e)
}

// named makes the implementation of that name, nil where this oneDNN has none.
func (c choice) named(e *dnnl.Engine, impl string) (*dnnl.Primitive, error) {
	c.spec.Attr.Impl = impl
	p, err := c.spec.New(e)
	if errors.Is(err, dnnl.ErrUnimplemented) {
		return nil, nil
	}
	return p, err
}

// instead makes the implementation of that name and closes first, or returns
// first where this oneDNN has none.
func (c choice) instead(e *dnnl.Engine, first *dnnl.Primitive, impl string) (*dnnl.Primitive, error) {
	p, err := c.named(e, impl)
	if p == nil && err == nil {
		return first, nil
	}
	first.Close()
	return p, err
}

// others makes the implementations worth a try besides the first: those for
// the same instruction set. With an error it returns those made so far.
func (c choice) others(e *dnnl.Engine, first *dnnl.Primitive) (list []*dnnl.Primitive, err error) {
	names, err := c.spec.Impls(e)
	isa := func(impl string) string { return impl[strings.LastIndex(impl, ":")+1:] }
	for _, n := range names {
		if n == first.Impl() || isa(n) != isa(first.Impl()) {
			continue
		}
		p, err := c.named(e, n)
		if err != nil {
			return list, err
		}
		if p != nil {
			list = append(list, p)
		}
	}
	return list, err
}

// chooseRounds is how often each implementation runs, in turns; the best of
// its times counts, as what disturbs a run only makes it longer.
const chooseRounds = 7

// chooseGain is what another implementation must be faster by to be taken: 2 %
// is about what two measurements of the same one differ by.
const chooseGain = 0.98

// fastest measures primitives that compute the same; the first has the benefit
// of the doubt.
func (c choice) fastest(e *dnnl.Engine, candidates []*dnnl.Primitive) (*dnnl.Primitive, error) {
	if len(candidates) == 1 {
		return candidates[0], nil
	}
	var trials []*trial
	for _, p := range candidates {
		t := &trial{prim: p, best: time.Hour}
		defer t.close()
		if err := t.build(e, c.args); err != nil {
			return nil, err
		}
		trials = append(trials, t)
	}
	for range chooseRounds {
		for _, t := range trials {
			if err := t.run(); err != nil {
				return nil, err
			}
		}
	}
	best := slices.MinFunc(trials, func(a, b *trial) int { return cmp.Compare(a.best, b.best) })
	if float64(best.best) > chooseGain*float64(trials[0].best) {
		best = trials[0]
	}
	return best.prim, nil
}

// A trial runs one primitive on memory of its own. What the numbers are does
// not change the time.
type trial struct {
	prim   *dnnl.Primitive
	stream *dnnl.Stream
	args   []dnnl.ArgMem
	own    []interface{ Close() error }
	best   time.Duration
}

func (t *trial) build(e *dnnl.Engine, args []arg) error {
	var err error
	if t.stream, err = dnnl.NewStream(e); err != nil {
		return err
	}
	t.own = append(t.own, t.stream)
	for _, a := range args {
		switch {
		case a.t == nil:
		case a.t.mem != nil:
			t.args = append(t.args, dnnl.ArgMem{Arg: a.arg, Mem: a.t.mem})
		default:
			if err := t.add(e, a.arg, a.t.desc); err != nil {
				return err
			}
		}
	}
	for _, a := range []dnnl.Arg{dnnl.ArgWeights, dnnl.ArgScratchpad} {
		if d := t.prim.Desc(a); d.Size() > 0 {
			if err := t.add(e, a, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// add gives the trial memory for an argument.
func (t *trial) add(e *dnnl.Engine, a dnnl.Arg, d *dnnl.Desc) error {
	buf, err := dnnl.NewBuffer(d.Size())
	if err != nil {
		return err
	}
	t.own = append(t.own, buf)
	m, err := buf.Memory(e, d, 0)
	if err != nil {
		return err
	}
	t.own = append(t.own, m)
	t.args = append(t.args, dnnl.ArgMem{Arg: a, Mem: m})
	return nil
}

func (t *trial) run() error {
	start := time.Now()
	if err := t.prim.Execute(t.stream, t.args...); err != nil {
		return err
	}
	if err := t.stream.Wait(); err != nil {
		return err
	}
	t.best = min(t.best, time.Since(start))
	return nil
}

func (t *trial) close() {
	for _, o := range slices.Backward(t.own) {
		o.Close()
	}
}
