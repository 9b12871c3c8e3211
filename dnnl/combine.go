package dnnl

import (
	"fmt"

	"github.com/octet-dnn/octet/cgo"
)

// Concat joins tensors along one axis. With a nil Dst oneDNN chooses its
// layout. The sources are given at execution as [ArgMultipleSrc].
type Concat struct {
	Dst  *Desc
	Axis int
	Srcs []*Desc
	Attr Attr
}

// New makes the primitive.
func (s Concat) New(e *Engine) (*Primitive, error) {
	b := newBuilder("concat", cgo.KindConcat, s.Attr)
	b.spec.Axis = int32(s.Axis)
	b.note("axis %d", s.Axis)
	b.sources(s.Srcs)
	b.spec.Dst = b.optional("dst", s.Dst)
	return b.create(e, s.Attr)
}

// Sum adds tensors, each times its scale. With a nil Dst oneDNN chooses its
// layout. The sources are given at execution as [ArgMultipleSrc].
type Sum struct {
	Dst    *Desc
	Scales []float32 // as many as Srcs
	Srcs   []*Desc
	Attr   Attr
}

// New makes the primitive.
func (s Sum) New(e *Engine) (*Primitive, error) {
	b := newBuilder("sum", cgo.KindSum, s.Attr)
	if len(s.Scales) != len(s.Srcs) {
		b.fail(invalid(b.op(), "%d scales for %d sources", len(s.Scales), len(s.Srcs)))
	}
	b.refIsFast = true
	b.spec.Factors = s.Scales
	b.note("scales %v", s.Scales)
	b.sources(s.Srcs)
	b.spec.Dst = b.optional("dst", s.Dst)
	return b.create(e, s.Attr)
}

func (b *builder) sources(srcs []*Desc) {
	if len(srcs) == 0 {
		b.fail(invalid(b.op(), "no sources"))
	}
	for i, d := range srcs {
		b.spec.Srcs = append(b.spec.Srcs, b.operand(fmt.Sprintf("src%d", i), d))
	}
}
