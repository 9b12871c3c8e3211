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

// A KernelTable remembers which of oneDNN's implementations of a convolution
// is the fastest on this CPU. oneDNN takes the first one that fits, in an order
// that is good on average; for a given shape another is often some percent
// faster. Predictors whose options name a table use what it says, and those
// with LearnKernels measure what it does not say while they compile. INT8
// implementations sum exactly, but may round the scaled result differently in
// the last bit. A table is safe for concurrent use, by several predictors too.
//
// As JSON it is an object of the convolutions that do better with another
// implementation, each described with oneDNN's first choice, and of those that
// do not, with an empty name.
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

// convolution creates the primitive of a convolution that will run on args and
// weights, with the implementation the table names.
func (lw *lowering) convolution(spec dnnl.Convolution, args []arg) *dnnl.Primitive {
	first := lw.create(spec)
	if lw.err != nil || lw.choose.table == nil {
		return first
	}
	key := fmt.Sprintf("%d threads, %v", lw.choose.threads, first)
	impl, known := lw.choose.table.get(key)
	switch {
	case impl != "":
		return lw.named(spec, impl, first)
	case known || !lw.choose.learn:
		return first
	}
	best := lw.fastest(append([]*dnnl.Primitive{first}, lw.others(spec, first)...), args)
	if best != first {
		impl = best.Impl()
	}
	lw.choose.table.put(key, impl)
	return best
}

// named creates the implementation of that name, or returns first where this
// oneDNN has none.
func (lw *lowering) named(spec dnnl.Convolution, impl string, first *dnnl.Primitive) *dnnl.Primitive {
	spec.Attr.Impl = impl
	p, err := spec.New(lw.engine)
	if errors.Is(err, dnnl.ErrUnimplemented) {
		return first
	}
	lw.fail(err)
	if err == nil {
		lw.own = append(lw.own, p)
	}
	return p
}

// others creates the implementations worth a try besides the first: those for
// the same instruction set.
func (lw *lowering) others(spec dnnl.Convolution, first *dnnl.Primitive) []*dnnl.Primitive {
	names, err := spec.Impls(lw.engine)
	lw.fail(err)
	isa := func(impl string) string { return impl[strings.LastIndex(impl, ":")+1:] }
	var all []*dnnl.Primitive
	for _, n := range names {
		if lw.err != nil || n == first.Impl() || isa(n) != isa(first.Impl()) {
			continue
		}
		if p := lw.named(spec, n, first); p != first {
			all = append(all, p)
		}
	}
	return all
}

// chooseRounds is how often each implementation runs, in turns; the best of
// its times counts, as what disturbs a run only makes it longer.
const chooseRounds = 7

// chooseGain is what another implementation must be faster by to be taken: 2 %
// is about what two measurements of the same one differ by.
const chooseGain = 0.98

// fastest measures primitives that compute the same; the first has the benefit
// of the doubt.
func (lw *lowering) fastest(candidates []*dnnl.Primitive, args []arg) *dnnl.Primitive {
	if lw.err != nil || len(candidates) == 1 {
		return candidates[0]
	}
	var trials []*trial
	for _, p := range candidates {
		t := &trial{prim: p, best: time.Hour}
		defer t.close()
		lw.fail(t.build(lw.engine, args))
		trials = append(trials, t)
	}
	for range chooseRounds {
		for _, t := range trials {
			if lw.err == nil {
				lw.fail(t.run())
			}
		}
	}
	best := slices.MinFunc(trials, func(a, b *trial) int { return cmp.Compare(a.best, b.best) })
	if float64(best.best) > chooseGain*float64(trials[0].best) {
		best = trials[0]
	}
	return best.prim
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
