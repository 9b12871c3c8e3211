package dnnl

// Stem is a convolution that quantises what it reads: an FP32 picture, in
// either layout, becomes integers of the type of Conv.Src, each pixel
// multiplied by [ArgFactor], rounded half to even and saturated as a [Reorder]
// would, and Conv is done on these. They never are in memory as a whole, so that
// Conv.Src only tells their type and dims. The picture is the source of an
// execution.
//
// oneDNN has no such primitive, Octet's own kernels do for up to 4 channels. New
// fails with [ErrUnimplemented] for what these do not take.
type Stem struct {
	Picture *Desc
	Conv    Convolution
}

// ArgFactor is what a [Stem] multiplies its picture by: one F32.
const ArgFactor = argScale | ArgSrc1

// New makes the primitive.
func (s Stem) New(e *Engine) (*Primitive, error) {
	if s.Conv.Attr.Impl == "" {
		s.Conv.Attr.Impl = Own
	}
	b := s.Conv.builder()
	b.spec.Stat = b.operand("picture", s.Picture)
	b.required = append(b.required, ArgFactor)
	p, err := b.create(e, s.Conv.Attr)
	if err != nil {
		return nil, err
	}
	p.vectors = append(p.vectors, vector{arg: ArgFactor, dataType: F32, count: 1})
	return p, nil
}
