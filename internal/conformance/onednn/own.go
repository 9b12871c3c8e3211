package onednn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/conformance"
	"github.com/octet-dnn/octet/internal/ref"
)

// runOwn has one of Octet's kernels compute p, and oneDNN what it would have
// computed instead: the peer whose bytes the kernel promises.
func (b *Backend) runOwn(p *conformance.Problem) (*conformance.Result, error) {
	if err := lacks(p.Own.Kernel); err != nil {
		return nil, err
	}
	got, err := b.compute(p.Op, p, p.Own.Kernel)
	switch {
	case p.Own.Refused && err == nil:
		return got, fmt.Errorf("%w: %s takes what it must refuse", conformance.ErrMismatch, got.Impl)
	case p.Own.Refused && !errors.Is(err, conformance.ErrUnsupported), !p.Own.Refused && err != nil:
		return nil, err
	}
	peer, err := b.peer(p)
	if err != nil {
		return nil, fmt.Errorf("in place of %s: %w", p.Own.Kernel, err)
	}
	if p.Own.Refused {
		return peer, nil
	}
	if got.PeerImpl = peer.Impl; promised(p, peer.Impl) {
		got.Peer = peer.Dst
	}
	return got, nil
}

// lacks says what instructions of a kernel the CPU lacks, or a cap forbids.
func lacks(kernel string) error {
	_, isa, _ := strings.Cut(kernel, ":")
	for _, need := range []dnnl.ISA{dnnl.ISAAVX512Core, dnnl.ISAAVX512CoreVNNI, dnnl.ISAAVX512CoreAMX} {
		if need.String() == isa && dnnl.EffectiveCPUISA()&need != need {
			return fmt.Errorf("%w: %s on %v", conformance.ErrUnsupported, kernel, dnnl.EffectiveCPUISA())
		}
	}
	return nil
}

// promised: sums of integers are the same in any order; those of f32 are made in
// the order of oneDNN's brgconv kernels, which it does not take on every CPU.
func promised(p *conformance.Problem, peer string) bool {
	return p.Op.Result().DType.Integer() || strings.HasPrefix(peer, "brg")
}

// peer computes p by primitives of oneDNN alone: a picture is quantised by a
// reorder, and a shifted one padded before.
func (b *Backend) peer(p *conformance.Problem) (*conformance.Result, error) {
	op, own := p.Op, *p
	if s, ok := op.(*ref.Stem); ok {
		if err := b.reorders(s); err != nil {
			return nil, err
		}
		op = s.Padded()
	}
	if strings.HasPrefix(p.Own.Kernel, "octet_stem") { // the picture may be one row of each channel
		own.Tags = map[ref.Arg]string{ref.ArgSrc: "acdb", ref.ArgWeights: "any", ref.ArgDst: p.Tags[ref.ArgDst]}
	}
	return b.compute(op, &own, "")
}

// reorders holds that a reorder makes the pixels that s makes where there is
// no shift.
func (b *Backend) reorders(s *ref.Stem) error {
	if s.Shift != nil {
		return nil
	}
	r := &ref.Reorder{
		Src: s.Picture, Dst: ref.NewTensor(s.Conv.Src.DType, s.Conv.Src.Dims...),
		Attr: ref.Attr{Scales: map[ref.Arg]ref.Param{ref.ArgSrc: {Values: s.Factor}}},
	}
	got, err := b.compute(r, &conformance.Problem{Tags: map[ref.Arg]string{ref.ArgSrc: "abcd", ref.ArgDst: "acdb"}}, "")
	if err != nil {
		return err
	}
	for i, v := range got.Dst.Data {
		if want := s.Conv.Src.Data[i]; v != want {
			return fmt.Errorf("%w: pixel %v becomes %v, but %v by %s", conformance.ErrMismatch, s.Picture.Data[i], want, v, got.Impl)
		}
	}
	return nil
}

// stem is a convolution whose source is the picture; what is said of the integers is
// how oneDNN would want them.
func (c *call) stem(s *ref.Stem) {
	picture := c.desc(ref.ArgSrc, s.Picture)
	o := &s.Conv
	c.product(o.Src, o.Weights, o.Bias, o.Dst, func(_, wei, bias, dst *dnnl.Desc) spec {
		src := c.describe(o.Src.DType, o.Src.Dims, "acdb")
		return dnnl.Stem{Picture: picture, Shift: s.Shift != nil, Conv: c.conv(o, src, wei, bias, dst)}
	})
	for i := range c.operands {
		if c.operands[i].arg == dnnl.ArgSrc {
			c.operands[i].tensor = s.Picture
		}
	}
	if s.Picture.DType == ref.F32 {
		c.values(dnnl.ArgFactor, ref.F32, s.Factor)
	}
	if s.Shift != nil {
		c.values(dnnl.ArgShift, ref.F32, s.Shift)
	}
}

// What lies around the memories of a kernel of Octet's: it must work at any
// address, and leave alone what is not its own.
const (
	guardElems = 17
	guardByte  = 0xa5
)

// spoil fills scratch memory as others may leave it: NaN, or -1.
func spoil(scratch []byte) {
	for i := range scratch {
		scratch[i] = 0xff
	}
}

// A guarded memory lies between bytes that no one may change.
type guarded struct {
	arg   dnnl.Arg
	bytes []byte
	n     int // at each end
}

// place allocates a memory for an operand, with a guard around it if it is src
// or dst of a kernel of Octet's.
func (c *call) place(arg dnnl.Arg, d *dnnl.Desc) *dnnl.Memory {
	if c.impl == "" || arg != dnnl.ArgSrc && arg != dnnl.ArgDst || c.err != nil {
		return c.memory(d)
	}
	g := guarded{arg: arg, n: guardElems * d.DataType().Size()}
	buffer, err := dnnl.NewBuffer(d.Size() + 2*g.n)
	if keep(c, buffer, err); c.err != nil {
		return nil
	}
	g.bytes = buffer.Bytes()
	for i := range g.bytes {
		g.bytes[i] = guardByte
	}
	c.guards = append(c.guards, g)
	m, err := buffer.Memory(c.engine, d, g.n)
	return keep(c, m, err)
}

// checkGuards fails where a kernel wrote around a memory.
func (c *call) checkGuards() error {
	for _, g := range c.guards {
		for i, b := range g.bytes {
			if (i < g.n || i >= len(g.bytes)-g.n) && b != guardByte {
				return fmt.Errorf("%w: %s wrote byte %d of %v, which has %d", conformance.ErrMismatch, c.impl, i-g.n, g.arg, len(g.bytes)-2*g.n)
			}
		}
	}
	return nil
}
