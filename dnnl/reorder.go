package dnnl

import "github.com/octet-dnn/octet/cgo"

// Reorder copies a tensor into another layout or data type, rounding to even
// and saturating; with scales and zero points in its attribute it quantises.
type Reorder struct {
	Src, Dst *Desc
	Attr     Attr
}

// New makes the primitive.
func (s Reorder) New(e *Engine) (*Primitive, error) {
	b := newBuilder("reorder", cgo.KindReorder, s.Attr)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}

// Shuffle splits an axis into groups of GroupSize and transposes them: the
// channel shuffle of ShuffleNet is Axis 1.
type Shuffle struct {
	Src, Dst  *Desc
	Axis      int
	GroupSize int
	Attr      Attr
}

// New makes the primitive: an inference, forward.
func (s Shuffle) New(e *Engine) (*Primitive, error) {
	b := newBuilder("shuffle", cgo.KindShuffle, s.Attr)
	b.spec.Axis, b.spec.Count = int32(s.Axis), int64(s.GroupSize)
	b.refIsFast = s.Axis == 1
	b.note("axis %d group %d", s.Axis, s.GroupSize)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}
