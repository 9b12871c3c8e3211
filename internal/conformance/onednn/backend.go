package onednn

import (
	"errors"
	"fmt"
	"io"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
	"github.com/octet-dnn/octet/internal/ref"
)

// A Backend computes problems with oneDNN. It is not for concurrent use.
type Backend struct {
	engine *dnnl.Engine
	stream *dnnl.Stream
}

// New returns a Backend on the CPU; close it after use.
func New() (*Backend, error) {
	engine, err := dnnl.NewEngine()
	if err != nil {
		return nil, err
	}
	stream, err := dnnl.NewStream(engine)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return &Backend{engine, stream}, nil
}

// Close frees the engine and the stream.
func (b *Backend) Close() error { return errors.Join(b.stream.Close(), b.engine.Close()) }

// Run makes the primitive, executes it and returns its result in plain layout.
// A primitive that oneDNN does not implement gives conformance.ErrUnsupported.
func (b *Backend) Run(p *conformance.Problem) (result *conformance.Result, err error) {
	c := &call{Backend: b, tags: p.Tags}
	defer func() { err = errors.Join(err, c.close()) }()
	if c.setUp(p.Op); c.err == nil {
		c.bind()
	}
	if errors.Is(c.err, dnnl.ErrUnimplemented) {
		return nil, fmt.Errorf("%w: %w", conformance.ErrUnsupported, c.err)
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := c.primitive.Execute(b.stream, c.args...); err != nil {
		return nil, err
	}
	if err := b.stream.Wait(); err != nil {
		return nil, err
	}
	dst := p.Op.Result()
	out := ref.NewTensor(dst.DType, dst.Dims...)
	c.unload(out)
	return &conformance.Result{Dst: out, Impl: c.primitive.Impl(), Reference: c.primitive.Reference()}, c.err
}

// A call is one primitive with its memories. Its methods keep the first error
// and do nothing after it.
type call struct {
	*Backend
	tags      map[ref.Arg]string
	primitive *dnnl.Primitive
	operands  []operand
	fusedType dnnl.DataType // dst of a fused depthwise convolution
	args      []dnnl.ArgMem
	dst       *dnnl.Memory
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

// bind gives every operand memory in the layout the primitive wants, filled.
func (c *call) bind() {
	scratch := c.memory(c.primitive.Desc(dnnl.ArgScratchpad))
	if c.err == nil {
		c.args = append(c.args, dnnl.ArgMem{Arg: dnnl.ArgScratchpad, Mem: scratch})
	}
	for _, o := range c.operands {
		if o.desc == nil {
			o.desc = c.primitive.Desc(o.arg)
		}
		m := c.memory(o.desc)
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
