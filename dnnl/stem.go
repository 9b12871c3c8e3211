package dnnl

// Stem is a convolution that quantises what it reads: an FP32 picture, in
// either layout, becomes integers of the type of Conv.Src, each pixel
// multiplied by [ArgFactor], rounded half to even and saturated as a [Reorder]
// would, and Conv is done on these. They never are in memory as a whole, so that
// Conv.Src only tells their type and dims. The picture is the source of an
// execution.
//
// With Shift, pixels of channel c are multiplied by ArgFactor[c], and ArgShift[c]
// is added before they are rounded; padding is added around the picture, and so
// is ArgShift[c] in the end. Then the picture may also be of the type of
// Conv.Src: its bytes are taken as they are, and ArgShift is for the padding only.
//
// oneDNN has no such primitive, Octet's own kernels do for up to 4 channels. New
// fails with [ErrUnimplemented] for what these do not take.
type Stem struct {
	Picture *Desc
	Conv    Convolution
	Shift   bool
}

// ArgFactor is what a [Stem] multiplies an FP32 picture by: one F32, or with
// Shift one a channel. ArgShift is what it adds then, one F32 a channel.
const (
	ArgFactor = argScale | ArgSrc1
	ArgShift  = argZeroPoint | ArgSrc1
)

// New makes the primitive.
func (s Stem) New(e *Engine) (*Primitive, error) {
	if s.Conv.Attr.Impl == "" {
		s.Conv.Attr.Impl = Own
	}
	b := s.Conv.builder()
	b.spec.Stat = b.operand("picture", s.Picture)
	vectors := s.vectors()
	for _, v := range vectors {
		b.required = append(b.required, v.arg)
	}
	if s.Shift {
		b.spec.ZeroPoints = append(b.spec.ZeroPoints, cgoMasks([]ScaleMask{{ArgSrc1, 2}})...)
		b.note("shifted")
	}
	p, err := b.create(e, s.Conv.Attr)
	if err != nil {
		return nil, err
	}
	p.vectors = append(p.vectors, vectors...)
	return p, nil
}

// vectors are the arguments about the picture.
func (s Stem) vectors() (list []vector) {
	if s.Picture == nil {
		return nil // an error of New
	}
	n := 1
	if s.Shift {
		n = s.Picture.info.Dims[1]
		list = append(list, vector{ArgShift, F32, n})
	}
	if s.Picture.DataType() == F32 {
		list = append(list, vector{ArgFactor, F32, n})
	}
	return list
}
