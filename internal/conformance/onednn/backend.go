package onednn

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
	"github.com/octet-dnn/octet/internal/ref"
)

// A Backend computes problems with oneDNN. It is not for concurrent use.
type Backend struct {
	engine  *dnnl.Engine
	stream  *dnnl.Stream // for what is beside a case: on one thread
	threads int          // of cases that do not say
	team    *dnnl.Team
	teams   map[int]*dnnl.Stream // streams of the team, by their threads
}

// New returns a Backend on the CPU that has so many OpenMP threads for a case
// that does not say; close it after use.
func New(threads int) (*Backend, error) {
	b := &Backend{threads: threads, teams: map[int]*dnnl.Stream{}}
	var err error
	if b.engine, err = dnnl.NewEngine(); err != nil {
		return nil, err
	}
	if b.stream, err = dnnl.NewStreamThreads(b.engine, 1); err != nil {
		return nil, errors.Join(err, b.engine.Close())
	}
	if b.team, err = dnnl.NewTeam(); err != nil {
		return nil, errors.Join(err, b.stream.Close(), b.engine.Close())
	}
	return b, nil
}

// Close frees what New made.
func (b *Backend) Close() error {
	var err error
	for _, s := range b.teams {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, b.team.Close(), b.stream.Close(), b.engine.Close())
}

// streamOf returns the stream for chains on so many threads.
func (b *Backend) streamOf(threads int) (*dnnl.Stream, error) {
	if threads == 1 {
		return b.stream, nil
	}
	if b.teams[threads] == nil {
		s, err := b.team.NewStream(b.engine, threads)
		if err != nil {
			return nil, err
		}
		b.teams[threads] = s
	}
	return b.teams[threads], nil
}

// Run makes the primitive, executes it and returns its result in plain layout.
// A primitive that oneDNN does not implement gives conformance.ErrUnsupported.
func (b *Backend) Run(p *conformance.Problem) (*conformance.Result, error) {
	// The number of threads belongs to the OS thread; only teams have more than one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dnnl.SetNumThreads(1)
	switch {
	case p.Own == nil:
		return b.compute(p.Op, p, "")
	case p.Own.Kernel == "":
		return b.runLanes(p)
	}
	return b.runOwn(p)
}

// compute has impl, or what oneDNN chooses, compute op with the layouts and
// the threads of p.
func (b *Backend) compute(op ref.Op, p *conformance.Problem, impl string) (result *conformance.Result, err error) {
	c := &call{Backend: b, tags: p.Tags, impl: impl, threads: b.threads}
	if p.Own != nil {
		c.threads = p.Own.Threads
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if c.setUp(op); c.err == nil {
		c.bind()
	}
	if errors.Is(c.err, dnnl.ErrUnimplemented) {
		return nil, fmt.Errorf("%w: %w", conformance.ErrUnsupported, c.err)
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := c.execute(); err != nil {
		return nil, err
	}
	dst := op.Result()
	out := ref.NewTensor(dst.DType, dst.Dims...)
	c.unload(out)
	result = &conformance.Result{Dst: out, Impl: c.primitive.Impl(), Reference: c.primitive.Reference()}
	if c.err == nil {
		c.err = c.checkGuards()
	}
	return result, c.err
}

// A call is one primitive with its memories. Its methods keep the first error
// and do nothing after it.
type call struct {
	*Backend
	tags      map[ref.Arg]string
	impl      string // a kernel of Octet's, "" for oneDNN's choice
	threads   int
	primitive *dnnl.Primitive
	operands  []operand
	fusedType dnnl.DataType // dst of a fused depthwise convolution
	args      []dnnl.ArgMem
	dst       *dnnl.Memory
	guards    []guarded
	owned     []io.Closer
	err       error
}

// An operand is a tensor for an argument of the primitive.
type operand struct {
	arg    dnnl.Arg
	tensor *ref.Tensor
	desc   *dnnl.Desc // its layout; nil means that the primitive says
}

func (c *call) operand(arg dnnl.Arg, t *ref.Tensor) {
	c.operands = append(c.operands, operand{arg, t, nil})
}

func (c *call) close() error {
	var err error
	for i := len(c.owned) - 1; i >= 0; i-- {
		err = errors.Join(err, c.owned[i].Close())
	}
	return err
}

// keep notes an object to be closed with the call.
func keep[T io.Closer](c *call, v T, err error) T {
	if c.err != nil {
		return v
	}
	if err != nil {
		c.err = err
		return v
	}
	c.owned = append(c.owned, v)
	return v
}

// execute runs the primitive on its threads: as a chain, for only these go to a
// team.
func (c *call) execute() error {
	s, err := c.streamOf(c.threads)
	if err != nil {
		return err
	}
	chain, err := dnnl.NewChain([]dnnl.Step{{Primitive: c.primitive, Args: c.args}}, nil)
	if err != nil {
		return err
	}
	return errors.Join(chain.Run(s, nil), chain.Close())
}

// bind gives every operand memory in the layout the primitive wants, filled.
func (c *call) bind() {
	scratch, bytes := c.memoryAndBytes(c.primitive.Desc(dnnl.ArgScratchpad))
	if c.err == nil {
		if c.impl != "" {
			spoil(bytes)
		}
		c.args = append(c.args, dnnl.ArgMem{Arg: dnnl.ArgScratchpad, Mem: scratch})
	}
	for _, o := range c.operands {
		if o.desc == nil {
			o.desc = c.primitive.Desc(o.arg)
		}
		m := c.place(o.arg, o.desc)
		if c.err != nil {
			return
		}
		c.load(m, o.tensor)
		c.args = append(c.args, dnnl.ArgMem{Arg: o.arg, Mem: m})
		if o.arg == dnnl.ArgDst {
			c.dst = m
		}
	}
}

// memory allocates a tensor of zeros.
func (c *call) memory(d *dnnl.Desc) *dnnl.Memory {
	m, _ := c.memoryAndBytes(d)
	return m
}

func (c *call) memoryAndBytes(d *dnnl.Desc) (*dnnl.Memory, []byte) {
	if c.err != nil {
		return nil, nil
	}
	buffer, err := dnnl.NewBuffer(d.Size())
	if keep(c, buffer, err); c.err != nil {
		return nil, nil
	}
	m, err := buffer.Memory(c.engine, d, 0)
	return keep(c, m, err), buffer.Bytes()
}

// load copies a plain tensor into m, whatever its layout.
func (c *call) load(m *dnnl.Memory, t *ref.Tensor) {
	from, bytes := c.memoryAndBytes(c.plain(t))
	if c.err == nil {
		copy(bytes, t.Bytes())
		c.reorder(from, m)
	}
}

// unload copies dst into a plain tensor.
func (c *call) unload(t *ref.Tensor) {
	to, bytes := c.memoryAndBytes(c.plain(t))
	if c.err != nil {
		return
	}
	if c.reorder(c.dst, to); c.err == nil {
		c.err = t.SetBytes(bytes)
	}
}

// reorder copies between layouts of one type.
func (c *call) reorder(from, to *dnnl.Memory) {
	r, err := dnnl.Reorder{Src: from.Desc(), Dst: to.Desc()}.New(c.engine)
	if keep(c, r, err); c.err != nil {
		return
	}
	scratch := c.memory(r.Desc(dnnl.ArgScratchpad))
	if c.err != nil {
		return
	}
	c.err = r.Execute(c.stream, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: from}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: to},
		dnnl.ArgMem{Arg: dnnl.ArgScratchpad, Mem: scratch})
	if c.err == nil {
		c.err = c.stream.Wait()
	}
}
